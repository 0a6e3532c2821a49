/*
 * The tokens are those of Python's shlex in its non-POSIX mode: words, quoted texts (the quotes
 * stay), anything else one character at a time. A pair is three tokens and a fourth is skipped as
 * the separator, whatever it is.
 */
#include "keyvalues.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct token {
	const char *at;
	size_t len;
};

struct lexer {
	const char *p;
	struct arena *memory;
	bool comment; /* one was skipped */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word(char c)
{
	return c && (isalnum((unsigned char)c) || strchr("_/.+-():", c));
}

static void skip_comment(struct lexer *l)
{
	l->comment = true;
	while (*l->p && *l->p != '\n') {
		l->p++;
	}
}

/* A word may be interrupted by a comment and goes on in the next line, so it is copied. */
static int word(struct lexer *l, struct token *ret)
{
	size_t room = strlen(l->p), len = 0;
	char *copy = arena_alloc(l->memory, room + 1);

	if (!copy) {
		return -ENOMEM;
	}
	for (;;) {
		if (*l->p == '#') {
			skip_comment(l);
			l->p += *l->p == '\n';
		} else if (is_word(*l->p) || *l->p == '\'' || *l->p == '"') {
			copy[len++] = *l->p++;
		} else {
			break;
		}
	}
	*ret = (struct token){copy, len};
	return 1;
}

static size_t character_len(const char *p)
{
	size_t n = 1;

	while (((unsigned char)*p & 0x80) && ((unsigned char)p[n] & 0xc0) == 0x80) {
		n++;
	}
	return n;
}

/* 1: a token; 0: the end; -EINVAL: no closing quotation; -ENOMEM. */
static int next(struct lexer *l, struct token *ret)
{
	const char *start, *close;

	for (;;) {
		if (is_blank(*l->p)) {
			l->p++;
		} else if (*l->p == '#') {
			skip_comment(l);
		} else {
			break;
		}
	}
	start = l->p;
	if (!*start) {
		return 0;
	}
	if (*start == '\'' || *start == '"') {
		close = strchr(start + 1, *start);
		if (!close) {
			return -EINVAL;
		}
		l->p = close + 1;
	} else if (is_word(*start)) {
		return word(l, ret);
	} else {
		l->p += character_len(start);
	}
	*ret = (struct token){start, (size_t)(l->p - start)};
	return 1;
}

static bool is_quote(char c)
{
	return c == '\'' || c == '"';
}

static struct token unquoted(struct token t)
{
	while (t.len && is_quote(t.at[0])) {
		t.at++;
		t.len--;
	}
	while (t.len && is_quote(t.at[t.len - 1])) {
		t.len--;
	}
	return t;
}

int keyvalues_set(struct keyvalues *kv, struct keyvalue pair)
{
	vec_for_each (p, &kv->pairs) {
		if (strcmp(p->key, pair.key) == 0) {
			p->value = pair.value;
			return 0;
		}
	}
	return vec_push(&kv->pairs, pair);
}

/* ---- pairs --------------------------------------------------------------------------------- */

static int doubt(struct keyvalues *kv, struct arena *memory, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int doubt(struct keyvalues *kv, struct arena *memory, const char *fmt, ...)
{
	char text[512];
	const char *copy;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	copy = arena_text(memory, text);
	return copy ? vec_push(&kv->doubts, copy) : -ENOMEM;
}

/* All quotes at both ends are lost, not only the pair around the value. */
static bool loses_quotes(struct token value)
{
	bool quoted =
		value.len >= 2 && is_quote(value.at[0]) && value.at[value.len - 1] == value.at[0];

	return unquoted(value).len != value.len - (quoted ? 2 : 0);
}

static bool is_comma(struct token t)
{
	return t.len == 1 && t.at[0] == ',';
}

static int doubt_pair(struct keyvalues *kv, struct arena *memory, const char *key,
		      struct token value)
{
	int r = 0;

	if (is_quote(key[0])) {
		r = doubt(kv, memory, "the quotes are part of the name %.100s", key);
	}
	if (r == 0 && is_comma(value)) {
		r = doubt(kv, memory,
			  "the value of %.100s is a comma; write %.100s=\"\" for an empty value",
			  key, key);
	}
	if (r == 0 && loses_quotes(value)) {
		r = doubt(kv, memory, "quotes at the ends of the value of %.100s are dropped", key);
	}
	vec_for_each (p, &kv->pairs) {
		if (r == 0 && strcmp(p->key, key) == 0) {
			r = doubt(kv, memory, "%.100s is given twice; the last value counts", key);
		}
	}
	return r;
}

static int set(struct keyvalues *kv, struct arena *memory, struct token key, struct token value)
{
	struct token inner = unquoted(value);
	struct keyvalue pair = {
		.key = arena_text_n(memory, key.at, key.len),
		.value = arena_text_n(memory, inner.at, inner.len),
	};
	int r = pair.key && pair.value ? doubt_pair(kv, memory, pair.key, value) : -ENOMEM;

	return r < 0 ? r : keyvalues_set(kv, pair);
}

static int doubt_separator(struct keyvalues *kv, struct arena *memory, struct token t)
{
	if (is_comma(t)) {
		return 0;
	}
	/* More than a character may be a part of a secret. */
	return doubt(kv, memory,
		     "%s%.*s%s stands where a comma belongs and is ignored; put values with such "
		     "characters into double quotes",
		     t.len > 4 ? "" : "\"", t.len > 4 ? 6 : (int)t.len, t.len > 4 ? "a text" : t.at,
		     t.len > 4 ? "" : "\"");
}

static int doubt_comment(struct keyvalues *kv, struct lexer *l)
{
	if (!l->comment) {
		return 0;
	}
	l->comment = false;
	return doubt(kv, l->memory,
		     "\"#\" starts a comment%s%.100s: the rest of its line is ignored; put values "
		     "with such characters into double quotes",
		     kv->pairs.len ? " after " : "",
		     kv->pairs.len ? kv->pairs.at[kv->pairs.len - 1].key : "");
}

/* One pair and its separator. 1: go on; 0: the end. */
static int pair(struct lexer *l, struct keyvalues *kv, struct diag *diag)
{
	struct token t[4];
	int r = 1, n = 0;

	while (n < 4 && (r = next(l, &t[n])) > 0) {
		n++;
	}
	if (r == -EINVAL) {
		return diag_set(diag, r, "No closing quotation");
	}
	if (r < 0) {
		return r;
	}
	if (n == 0) {
		return doubt_comment(kv, l);
	}
	if (n < 3 || t[1].len != 1 || t[1].at[0] != '=') {
		/* Supervisor shows the whole value here, with whatever secrets are in it. */
		return diag_set(diag, -EINVAL,
				"Unexpected end of key/value pairs%s%.100s; write KEY=value or "
				"KEY=\"value\", with commas between",
				kv->pairs.len ? " after " : "",
				kv->pairs.len ? kv->pairs.at[kv->pairs.len - 1].key : "");
	}
	if (kv->pairs.len >= KEYVALUES_MAX) {
		return diag_set(diag, -EINVAL, "more than %d variables", KEYVALUES_MAX);
	}
	r = set(kv, l->memory, t[0], t[2]);
	if (r == 0 && n == 4) {
		r = doubt_separator(kv, l->memory, t[3]);
	}
	if (r == 0) {
		r = doubt_comment(kv, l);
	}
	return r < 0 ? r : 1;
}

int keyvalues_parse(const char *text, struct arena *memory, struct keyvalues *ret,
		    struct diag *diag)
{
	struct keyvalues kv = {0};
	struct lexer l = {.p = text, .memory = memory};
	int r;

	do {
		r = pair(&l, &kv, diag);
	} while (r > 0);
	if (r < 0) {
		keyvalues_done(&kv);
		return r;
	}
	*ret = kv;
	return 0;
}

void keyvalues_done(struct keyvalues *kv)
{
	vec_done(&kv->pairs);
	vec_done(&kv->doubts);
}

char **keyvalues_environment(const struct keyvalues *kv, struct arena *memory)
{
	char **env = arena_array(memory, kv->pairs.len + 1, sizeof(*env));

	for (size_t i = 0; env && i < kv->pairs.len; i++) {
		const struct keyvalue *p = &kv->pairs.at[i];
		size_t size = strlen(p->key) + strlen(p->value) + 2;

		env[i] = arena_alloc(memory, size);
		if (!env[i]) {
			return NULL;
		}
		(void)snprintf(env[i], size, "%s=%s", p->key, p->value);
	}
	return env;
}
