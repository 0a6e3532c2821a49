/* environment= of [supervisord], [slotd] and of programs, and what it loses. */
#include "environment.h"

#include "messages.h"

#include <slotd/cleanup.h>

/* "%%%%" is one % once expanded twice; a "%%" that stands alone is not. */
static bool has_single(const char *raw)
{
	for (const char *p = raw; (p = strstr(p, "%%")); p += 4) {
		if (strncmp(p, "%%%%", 4) != 0) {
			return true;
		}
	}
	return false;
}

static int twice(struct loader *l, const struct section *s, const struct option_def *def,
		 const struct expansions *with, struct strbuf *text)
{
	const struct option *o = section_option(s, def->name);
	CLEANUP(strbuf_done) struct strbuf again = {0};
	struct expansions here;
	int r;

	loader_here(l, s, def->name, with, &here);
	r = expand_again(strbuf_str(text), &here, &again);
	if (r < 0) {
		config_error(l->config, loader_place(s, def->name),
			     "[%s] %s is too long after expansion", s->name, def->name);
		return r == -ENOMEM ? r : -EINVAL;
	}
	if (o && has_single(o->value)) {
		config_warning(l->config, o->place,
			       "[%s] %s: Supervisor expands this value twice, and so does slotd: "
			       "write one %% as %%%%%%%%",
			       s->name, def->name);
	} else if (r > 0) {
		config_warning(l->config, loader_place(s, def->name),
			       "[%s] %s: a %% in the value of a variable stays as it is; "
			       "Supervisor, which expands twice, refuses the file",
			       s->name, def->name);
	}
	strbuf_reset(text);
	return strbuf_add(text, strbuf_str(&again), again.len);
}

int loader_environment(struct loader *l, const struct section *s, const struct option_def *def,
		       const struct expansions *with, bool warn, struct keyvalues *ret)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct diag diag = {0};
	int r = loader_text(l, s, def, with, &text);

	if (r > 0 && strcmp(s->name, "supervisord") == 0) {
		r = twice(l, s, def, with, &text);
		r = r < 0 ? r : 1;
	}
	if (r <= 0) {
		return r;
	}
	r = keyvalues_parse(strbuf_str(&text), l->config->memory, ret, &diag);
	if (r == -EINVAL) {
		config_error(l->config, loader_place(s, def->name), "[%s] %s: %s", s->name,
			     def->name, diag.text);
	}
	if (r < 0) {
		return r;
	}
	vec_for_each (sentence, &ret->doubts) {
		if (warn) {
			config_warning(l->config, loader_place(s, def->name), "[%s] %s: %s",
				       s->name, def->name, *sentence);
		}
	}
	return 1;
}
