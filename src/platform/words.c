#include <slotd/cleanup.h>
#include <slotd/spawn.h>
#include <slotd/strbuf.h>
#include <slotd/vec.h>

#include <stdio.h>
#include <string.h>

static void words_free(char **words)
{
	for (char **w = words; w && *w; w++) {
		free(*w);
	}
	free(words);
}

void words_freep(char ***words)
{
	words_free(*words);
	*words = NULL;
}

const char *text_quote(const char *text, char *buf, size_t size)
{
	char q = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
	size_t len = 0;

	for (const char *p = text; *p && len + 4 < size; p++) {
		if (len == 0) {
			buf[len++] = q;
		}
		if (*p == q || *p == '\\') {
			buf[len++] = '\\';
		}
		buf[len++] = *p;
	}
	(void)snprintf(buf + len, size - len, len ? "%c" : "%c%c", q, q);
	return buf;
}

struct splitter {
	const char *at;
	struct strbuf word;
	VEC(char *) words;
};

static void splitter_done(struct splitter *s)
{
	vec_for_each (w, &s->words) {
		free(*w);
	}
	vec_done(&s->words);
	strbuf_done(&s->word);
}

/* Inside quotes, at the character after the opening one; leaves at after the closing one. */
static int take_quoted(struct splitter *s, char quote, struct diag *diag)
{
	for (; *s->at != quote; s->at++) {
		if (!*s->at) {
			return diag_set(diag, -EINVAL, "No closing quotation");
		}
		/* In double quotes a backslash escapes only itself and the quote (Python's shlex).
		 */
		if (*s->at == '\\' && quote == '"') {
			if (!s->at[1]) {
				return diag_set(diag, -EINVAL, "No escaped character");
			}
			if (s->at[1] == '"' || s->at[1] == '\\') {
				s->at++;
			}
		}
		(void)strbuf_addc(&s->word, *s->at);
	}
	s->at++;
	return 0;
}

static int take_word(struct splitter *s, struct diag *diag)
{
	char *word;
	int r = 0;

	strbuf_reset(&s->word);
	while (r == 0 && *s->at && !strchr(" \t\r\n", *s->at)) {
		char c = *s->at++;

		if (c == '\'' || c == '"') {
			r = take_quoted(s, c, diag);
		} else if (c == '\\' && !*s->at) {
			r = diag_set(diag, -EINVAL, "No escaped character");
		} else {
			(void)strbuf_addc(&s->word, c == '\\' ? *s->at++ : c);
		}
	}
	if (r < 0) {
		return r;
	}
	if (s->word.error) {
		return diag_set_errno(diag, s->word.error, "the command is too long");
	}
	word = strdup(strbuf_str(&s->word));
	if (!word || vec_push(&s->words, word) < 0) {
		free(word);
		return diag_set_errno(diag, -ENOMEM, "cannot split");
	}
	return 0;
}

int words_split(const char *text, struct diag *diag, char ***ret)
{
	CLEANUP(splitter_done) struct splitter s = {.at = text};
	int n;

	for (;;) {
		int r;

		s.at += strspn(s.at, " \t\r\n");
		if (!*s.at) {
			break;
		}
		r = take_word(&s, diag);
		if (r < 0) {
			return r;
		}
	}
	n = (int)s.words.len;
	if (vec_push(&s.words, NULL) < 0) {
		return diag_set_errno(diag, -ENOMEM, "cannot split");
	}
	*ret = TAKE_PTR(s.words.at);
	s.words.len = 0;
	return n;
}
