/* What a deploy's commands should not do, because slotd does it: most were a deploy script before.
 */

#include "hooks.h"

#include "messages.h"

#include <slotd/cleanup.h>

#include <string.h>

static const struct {
	const char *word, *instead;
} done_by_slotd[] = {
	{"a2ensite", "the proxy in front always sends requests to listen="},
	{"a2dissite", "the proxy in front always sends requests to listen="},
	{"apachectl", "the proxy in front need not be reloaded"},
	{"apache2ctl", "the proxy in front need not be reloaded"},
	{"reload apache2", "the proxy in front need not be reloaded"},
	{"restart apache2", "the proxy in front need not be reloaded"},
	{"nginx -s", "the proxy in front need not be reloaded"},
	{"reload nginx", "the proxy in front need not be reloaded"},
	{"restart nginx", "the proxy in front need not be reloaded"},
	{"reload haproxy", "the proxy in front need not be reloaded"},
	{"supervisorctl", "slotd starts and stops the workers of the slot"},
	{"slotctl deploy", "a deploy is going on already"},
	{"slotctl swap", "a deploy is going on already, and swaps by itself"},
};

static void warn(struct service_making *m, enum hook hook, const char *line, size_t len,
		 const char *what, const char *instead)
{
	config_warning(m->l->config, loader_place(m->section, hook_name(hook)),
		       "[%s] %s: \"%.*s\" has %s: %s", m->section->name, hook_name(hook),
		       (int)(len < 100 ? len : 100), line, what, instead);
}

static bool has(const char *line, size_t len, const char *text)
{
	return memmem(line, len, text, strlen(text)) != NULL;
}

static bool writes(const char *line, size_t len, const char *path)
{
	return has(line, len, path) && (has(line, len, ">") || has(line, len, "tee ") ||
					has(line, len, "mv ") || has(line, len, "cp "));
}

static void check_line(struct service_making *m, enum hook hook, const char *line, size_t len)
{
	const struct service_config *s = m->service;

	for (size_t i = 0; i < ARRAY_SIZE(done_by_slotd); i++) {
		if (has(line, len, done_by_slotd[i].word)) {
			warn(m, hook, line, len, done_by_slotd[i].word, done_by_slotd[i].instead);
			return;
		}
	}
	if (s->live_file && writes(line, len, s->live_file)) {
		warn(m, hook, line, len, "live_file", "slotd writes it, when the swap is done");
	} else if (s->live_link && has(line, len, s->live_link) && has(line, len, "ln ")) {
		warn(m, hook, line, len, "live_link", "slotd sets it, when the swap is done");
	}
}

/* A shell would go on behind it, so it is hardly meant as a comment. */
static void check_cut(struct service_making *m, enum hook hook)
{
	const struct option *o = section_option(m->section, hook_name(hook));

	if (o && o->cut_line) {
		config_error(m->l->config, (struct config_place){o->place.file, o->cut_line},
			     "[%s] %s: \"%c\" after a blank begins a comment, so the command would "
			     "end there; write each command on a line of its own, or into a script",
			     m->section->name, hook_name(hook), o->cut_by);
	}
}

void hooks_check(struct service_making *m)
{
	for (int hook = 0; hook < HOOK_MAX_; hook++) {
		const char *line = m->service->slots[SLOT_A].hooks[hook];

		check_cut(m, (enum hook)hook);
		while (line && *line) {
			size_t len = strcspn(line, "\n");

			check_line(m, (enum hook)hook, line, len);
			line += len + (line[len] == '\n');
		}
	}
}
