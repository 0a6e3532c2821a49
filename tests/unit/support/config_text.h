#pragma once

/** Configurations from text, for tests: the file is called "t.conf" and stands in /srv. */

#include <check.h>
#include <config/load.h>
#include <config/messages.h>
#include <slotd/cleanup.h>
#include <slotd/config.h>
#include <string.h>

static inline void config_freep(struct config **c)
{
	*c = config_free(*c);
}
#define auto_config CLEANUP(config_freep)

static inline struct config *load_with(const char *text, const struct config_overrides *overrides)
{
	struct config *c = NULL;
	struct diag diag = {0};
	int r = config_load_text("/srv/t.conf", text, strlen(text), overrides, &diag, &c);

	ck_assert_msg(c != NULL, "%s", diag.text);
	ck_assert_int_eq(r, c->n_errors ? -EINVAL : 0);
	return c;
}

static inline struct config *load(const char *text)
{
	return load_with(text, NULL);
}

/** Loads what must hold neither error nor warning. */
static inline struct config *load_good(const char *text)
{
	struct config *c = load(text);

	if (c->messages.len) {
		config_print_messages(c, stderr);
	}
	ck_assert_uint_eq(c->messages.len, 0);
	return c;
}

static inline const struct config_message *message_with(const struct config *c, const char *part)
{
	vec_for_each (m, &c->messages) {
		if (strstr(m->diag.text, part)) {
			return m;
		}
	}
	return NULL;
}

/** The text is refused (or warned about), at this line, with this in the sentence. */
static inline void expect_message(const char *text, bool error, unsigned line, const char *part)
{
	auto_config struct config *c = load(text);
	const struct config_message *m = message_with(c, part);

	if (!m || m->error != error || m->diag.line != line) {
		config_print_messages(c, stderr);
	}
	ck_assert_msg(m != NULL, "nothing says \"%s\" about:\n%s", part, text);
	ck_assert_int_eq(m->error, error);
	ck_assert_msg(m->diag.line == line, "line %u instead of %u: %s", m->diag.line, line,
		      m->diag.text);
	ck_assert_str_eq(m->diag.file, "/srv/t.conf");
}

static inline struct worker_config *worker(const struct config *c, const char *group,
					   const char *name)
{
	struct group_config *g = config_group(c, group);

	ck_assert_msg(g != NULL, "no group %s", group);
	vec_for_each (w, &g->workers) {
		if (strcmp((*w)->name, name) == 0) {
			return *w;
		}
	}
	ck_abort_msg("no worker %s in %s", name, group);
}
