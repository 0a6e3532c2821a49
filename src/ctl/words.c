#include "commands.h"

#include <ctype.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <stdlib.h>
#include <string.h>

static const char blanks[] = " \t\n\r\v\f";

/* Is the word an option of the row? Then takes it, with what follows it. 1, 0 or -EINVAL. */
static int take_option(struct words *w, const char *word, unsigned flags, char **rest,
		       struct diag *diag)
{
	const struct {
		const char *name;
		unsigned flag;
		bool *field;
	} switches[] = {
		{"--json", ALLOW_JSON, &w->json},
		{"--force", ALLOW_FORCE, &w->force},
		{"--now", ALLOW_NOW, &w->now},
		{"--dry-run", ALLOW_DRY_RUN, &w->dry_run},
	};
	const char *value = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		if ((flags & switches[i].flag) && strcmp(word, switches[i].name) == 0) {
			*switches[i].field = true;
			return 1;
		}
	}
	if (!(flags & ALLOW_WAIT) || strncmp(word, "--wait", 6) != 0 ||
	    (word[6] != '\0' && word[6] != '=')) {
		return (flags & OURS) && word[0] == '-'
			       ? diag_set(diag, -EINVAL, "unknown option \"%s\"", word)
			       : 0;
	}
	value = word[6] == '=' ? word + 7 : strtok_r(NULL, blanks, rest);
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
