#include "commands.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\n\r\v\f";

/* Where an option without an argument is noted. */
static bool *switch_of(struct words *w, unsigned flag)
{
	return flag == ALLOW_JSON      ? &w->json
	       : flag == ALLOW_FORCE   ? &w->force
	       : flag == ALLOW_NOW     ? &w->now
	       : flag == ALLOW_YES     ? &w->yes
	       : flag == ALLOW_DETACH  ? &w->detach
	       : flag == ALLOW_ROLLING ? &w->rolling
	       : flag == ALLOW_TEST    ? &w->test
				       : &w->dry_run;
}

/* The option that word is, as far as flags allow it; *ret_value: what follows its "=", or NULL. */
static const struct command_option *option_of(const char *word, unsigned flags,
					      const char **ret_value)
{
	for (size_t i = 0; i < n_command_options; i++) {
		const struct command_option *o = &command_options[i];
		size_t len = strlen(o->name);

		if ((flags & o->flag) && strncmp(word, o->name, len) == 0 &&
		    (!word[len] || (o->argument && word[len] == '='))) {
			*ret_value = word[len] ? word + len + 1 : NULL;
			return o;
		}
	}
	return NULL;
}

/* Is the word an option of the row? Then takes it, with what follows it. 1, 0 or -EINVAL. */
static int take_option(struct words *w, const char *word, unsigned flags, char **rest,
		       struct diag *diag)
{
	const char *value;
	const struct command_option *o = option_of(word, flags, &value);

	if (!o) {
		return (flags & OURS) && word[0] == '-'
			       ? diag_set(diag, -EINVAL, "unknown option \"%s\"", word)
			       : 0;
	}
	if (!o->argument) {
		*switch_of(w, o->flag) = true;
		return 1;
	}
	value = value ? value : strtok_r(NULL, blanks, rest);
	if (o->flag == ALLOW_UNTIL) {
		w->until_gate = value && strcmp(value, "gate") == 0;
		return w->until_gate ? 1 : diag_set(diag, -EINVAL, "write --until=gate");
	}
	if (!value || usec_parse(value, &w->wait) < 0 || w->wait == 0) {
		return diag_set(diag, -EINVAL, "--wait takes a duration, as in --wait 10m");
	}
	return 1;
}

int words_parse(struct words *w, const char *text, unsigned flags, struct diag *diag)
{
	char *word, *rest = NULL;

	*w = (struct words){.buf = strdup(text),
			    .at = calloc(strlen(text) / 2 + 2, sizeof(char *))};
	if (!w->buf || !w->at) {
		words_done(w);
		return diag_set_errno(diag, -ENOMEM, "too many words");
	}
	for (word = strtok_r(w->buf, blanks, &rest); word; word = strtok_r(NULL, blanks, &rest)) {
		int r = take_option(w, word, flags, &rest, diag);

		if (r < 0) {
			words_done(w);
			return r;
		}
		if (r == 0) {
			w->at[w->n++] = word;
		}
	}
	return 0;
}

void words_done(struct words *w)
{
	free(w->buf);
	free(w->at);
	*w = (struct words){0};
}

bool words_have(const struct words *w, const char *word)
{
	for (int i = 0; i < w->n; i++) {
		if (strcmp(w->at[i], word) == 0) {
			return true;
		}
	}
	return false;
}
