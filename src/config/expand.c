#include "expand.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/vec.h>
#include <stdio.h>
#include <string.h>

static void add(struct expansions *e, struct expansion x)
{
	assert(e->len < ARRAY_SIZE(e->at));
	e->at[e->len++] = x;
}

void expansions_text(struct expansions *e, const char *name, const char *text)
{
	add(e, (struct expansion){.name = name, .text = text ? text : ""});
}

void expansions_number(struct expansions *e, const char *name, long number)
{
	add(e, (struct expansion){.name = name, .number = number});
}

static bool find(const struct expansions *e, const char *name, struct expansion *ret)
{
	for (; e; e = e->parent) {
		const char *text = e->env ? map_get(e->env, name) : NULL;

		if (text) {
			*ret = (struct expansion){.name = name, .text = text};
			return true;
		}
		for (unsigned i = 0; i < e->len; i++) {
			if (strcmp(e->at[i].name, name) == 0) {
				*ret = e->at[i];
				return true;
			}
		}
	}
	return false;
}

enum {
	WHY_MAX = 96, /* of a reason */
};

/* ---- one conversion ------------------------------------------------------------------------ */

struct conversion {
	char name[256];
	bool alternate, zero, left, blank, plus;
	int width, precision; /* -1: not given */
	char type;
	size_t at; /* index of type in the raw text, for messages */
};

/* Characters, not bytes: what Python counts. */
static size_t characters(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
	return n;
}

static size_t bytes_of(const char *text, size_t max_characters)
{
	size_t i = 0, n = 0;

	for (; text[i]; i++) {
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
		if (n > max_characters) {
			break;
		}
	}
	return i;
}

static void repeat(struct strbuf *out, char c, size_t n)
{
	while (n-- > 0) {
		(void)strbuf_addc(out, c);
	}
}

/* prefix (sign, 0x) and body, padded; zeros go between the two. */
static void pad(struct strbuf *out, const struct conversion *c, const char *prefix,
		const char *body, size_t len, bool zeros)
{
	size_t shown = strlen(prefix) + characters(body, len);
	size_t fill = c->width > 0 && (size_t)c->width > shown ? (size_t)c->width - shown : 0;

	if (!c->left && !(zeros && c->zero)) {
		repeat(out, ' ', fill);
	}
	(void)strbuf_adds(out, prefix);
	if (!c->left && zeros && c->zero) {
		repeat(out, '0', fill);
	}
	(void)strbuf_add(out, body, len);
	if (c->left) {
		repeat(out, ' ', fill);
	}
}

static void put_text(struct strbuf *out, const struct conversion *c, const char *text)
{
	size_t len = c->precision >= 0 ? bytes_of(text, (size_t)c->precision) : strlen(text);

	pad(out, c, "", text, len, false);
}

static const char *sign_of(const struct conversion *c, bool negative)
{
	return negative ? "-" : c->plus ? "+" : c->blank ? " " : "";
}

static void put_integer(struct strbuf *out, const struct conversion *c, long number)
{
	unsigned long magnitude = number < 0 ? 0UL - (unsigned long)number : (unsigned long)number;
	char digits[EXPAND_WIDTH_MAX + 32], prefix[8];
	int precision = c->precision < 0 ? 1 : c->precision;
	int len;

	(void)snprintf(prefix, sizeof(prefix), "%s%s", sign_of(c, number < 0),
		       !c->alternate	? ""
		       : c->type == 'x' ? "0x"
		       : c->type == 'X' ? "0X"
		       : c->type == 'o' ? "0o"
					: "");
	if (c->type == 'x') {
		len = snprintf(digits, sizeof(digits), "%.*lx", precision, magnitude);
	} else if (c->type == 'X') {
		len = snprintf(digits, sizeof(digits), "%.*lX", precision, magnitude);
	} else if (c->type == 'o') {
		len = snprintf(digits, sizeof(digits), "%.*lo", precision, magnitude);
	} else {
		len = snprintf(digits, sizeof(digits), "%.*lu", precision, magnitude);
	}
	pad(out, c, prefix, digits, (size_t)len, true);
}

static void put_float(struct strbuf *out, const struct conversion *c, long number)
{
	int precision = c->precision < 0 ? 6 : c->precision > 400 ? 400 : c->precision;
	char format[16], digits[800];
	int len;

	(void)snprintf(format, sizeof(format), "%%%s.*%c", c->alternate ? "#" : "", c->type);
	len = snprintf(digits, sizeof(digits), format, precision,
		       number < 0 ? -(double)number : (double)number);
	pad(out, c, sign_of(c, number < 0), digits, (size_t)len, true);
}

/* A code point of valid UTF-8 at text, or 0 and one byte. */
static unsigned long decode(const char *text, size_t *ret_len)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc0 ? 2 : 1;
	unsigned long point = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80) {
			*ret_len = 1;
			return s[0];
		}
		point = point << 6 | (s[i] & 0x3f);
	}
	*ret_len = n;
	return point;
}

static void put_escaped(struct strbuf *sb, const char *text, bool ascii)
{
	char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';
	size_t len;

	(void)strbuf_addc(sb, quote);
	for (; *text; text += len) {
		unsigned long point = decode(text, &len);

		if (point == (unsigned char)quote || point == '\\') {
			(void)strbuf_addf(sb, "\\%c", (char)point);
		} else if (point == '\n' || point == '\r' || point == '\t') {
			(void)strbuf_addf(sb, "\\%c",
					  point == '\n'	  ? 'n'
					  : point == '\r' ? 'r'
							  : 't');
		} else if (point < 0x20 || point == 0x7f ||
			   (ascii && point > 0x7f && point < 256)) {
			(void)strbuf_addf(sb, "\\x%02lx", point);
		} else if (ascii && point > 0x7f) {
			(void)strbuf_addf(sb, point > 0xffff ? "\\U%08lx" : "\\u%04lx", point);
		} else {
			(void)strbuf_add(sb, text, len);
		}
	}
	(void)strbuf_addc(sb, quote);
}

/* %r and %a: the text as a Python literal. */
static void put_literal(struct strbuf *out, const struct conversion *c, const char *text)
{
	CLEANUP(strbuf_done) struct strbuf sb = {.max = EXPAND_MAX};

	put_escaped(&sb, text, c->type == 'a');
	if (sb.error) {
		out->error = sb.error;
	} else {
		put_text(out, c, strbuf_str(&sb));
	}
}

static void put_character(struct strbuf *out, const struct conversion *c, long number)
{
	char utf8[8] = {0};

	if (number < 0x80) {
		utf8[0] = (char)number;
	} else if (number < 0x800) {
		utf8[0] = (char)(0xc0 | number >> 6);
		utf8[1] = (char)(0x80 | (number & 0x3f));
	} else {
		utf8[0] = (char)(0xe0 | number >> 12);
		utf8[1] = (char)(0x80 | (number >> 6 & 0x3f));
		utf8[2] = (char)(0x80 | (number & 0x3f));
	}
	pad(out, c, "", utf8, strlen(utf8), false);
}

/* NULL, or why not: Python's words. */
static const char *put_number(struct strbuf *out, const struct conversion *c, long number)
{
	char digits[32];

	switch (c->type) {
	case 's':
	case 'r':
	case 'a':
		(void)snprintf(digits, sizeof(digits), "%ld", number);
		put_text(out, c, digits);
		return NULL;
	case 'c':
		if (number < 1 || number > 0xffff || (number >= 0xd800 && number < 0xe000)) {
			return "%c arg not in range(0x110000)";
		}
		put_character(out, c, number);
		return NULL;
	case 'e':
	case 'E':
	case 'f':
	case 'F':
	case 'g':
	case 'G':
		put_float(out, c, number);
		return NULL;
	default:
		put_integer(out, c, number);
		return NULL;
	}
}

static const char *put_string(struct strbuf *out, const struct conversion *c, const char *text,
			      char *why)
{
	switch (c->type) {
	case 's':
		put_text(out, c, text);
		return NULL;
	case 'r':
	case 'a':
		put_literal(out, c, text);
		return NULL;
	case 'c':
		if (characters(text, strlen(text)) != 1) {
			return "%c requires int or char";
		}
		pad(out, c, "", text, strlen(text), false);
		return NULL;
	case 'd':
	case 'i':
	case 'u':
		(void)snprintf(why, WHY_MAX, "%%%c format: a real number is required, not str",
			       c->type);
		return why;
	case 'x':
	case 'X':
	case 'o':
		(void)snprintf(why, WHY_MAX, "%%%c format: an integer is required, not str",
			       c->type);
		return why;
	default:
		return "must be real number, not str";
	}
}

/* ---- reading the format -------------------------------------------------------------------- */

struct scan {
	const char *raw, *p;
	const char *why; /* why it is malformed */
	char why_buf[WHY_MAX];
};

static int malformed(struct scan *s, const char *why)
{
	s->why = why;
	return -EINVAL;
}

/* "(name)"; parentheses nest, as in Python. */
static int scan_name(struct scan *s, struct conversion *c)
{
	const char *start = ++s->p;
	int depth = 1;

	for (; *s->p; s->p++) {
		depth += *s->p == '(';
		depth -= *s->p == ')';
		if (depth == 0) {
			break;
		}
	}
	if (depth > 0) {
		return malformed(s, "incomplete format key");
	}
	(void)snprintf(c->name, sizeof(c->name), "%.*s", (int)(s->p - start), start);
	s->p++;
	return 0;
}

static void scan_flags(struct scan *s, struct conversion *c)
{
	for (;; s->p++) {
		switch (*s->p) {
		case '#':
			c->alternate = true;
			break;
		case '0':
			c->zero = true;
			break;
		case '-':
			c->left = true;
			break;
		case ' ':
			c->blank = true;
			break;
		case '+':
			c->plus = true;
			break;
		default:
			return;
		}
	}
}

static int scan_count(struct scan *s, int *ret)
{
	int n = 0;

	if (*s->p == '*') {
		return malformed(s, "* wants int");
	}
	while (isdigit((unsigned char)*s->p)) {
		n = n * 10 + (*s->p++ - '0');
		if (n > EXPAND_WIDTH_MAX) {
			return malformed(s, "width or precision too big");
		}
	}
	*ret = n;
	return 0;
}

static int scan_conversion(struct scan *s, struct conversion *c)
{
	int r;

	*c = (struct conversion){.width = -1, .precision = -1};
	s->p++; /* the % */
	if (*s->p == '(') {
		r = scan_name(s, c);
		if (r < 0) {
			return r;
		}
	}
	scan_flags(s, c);
	r = scan_count(s, &c->width);
	if (r == 0 && *s->p == '.') {
		s->p++;
		r = scan_count(s, &c->precision);
	}
	if (r < 0) {
		return r;
	}
	if (*s->p == 'h' || *s->p == 'l' || *s->p == 'L') {
		s->p++;
	}
	if (!*s->p) {
		return malformed(s, "incomplete format");
	}
	c->at = (size_t)(s->p - s->raw);
	c->type = *s->p++;
	return 0;
}

static int check_type(struct scan *s, const struct conversion *c)
{
	unsigned char t = (unsigned char)c->type;

	if (!strchr("diouxXeEfFgGcrsa", t)) {
		(void)snprintf(s->why_buf, sizeof(s->why_buf),
			       "unsupported format character '%c' (0x%x) at index %zu",
			       t < 0x20 || t > 0x7e ? '?' : t, t, c->at);
		return malformed(s, s->why_buf);
	}
	return 0;
}

/* ---- messages ------------------------------------------------------------------------------ */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The environment's names stand together as ENV_*: there may be hundreds. */
static void available(const struct expansions *with, struct strbuf *out)
{
	VEC(const char *) names = {0};
	bool env = false;

	for (const struct expansions *e = with; e; e = e->parent) {
		env |= e->env != NULL;
		for (unsigned i = 0; i < e->len; i++) {
			(void)vec_push(&names, e->at[i].name);
		}
	}
	if (names.len) {
		qsort(names.at, names.len, sizeof(*names.at), compare_names);
	}
	if (env) {
		(void)strbuf_adds(out, "ENV_*");
	}
	for (size_t i = 0; i < names.len; i++) {
		if (i == 0 || strcmp(names.at[i], names.at[i - 1]) != 0) {
			(void)strbuf_addf(out, "%s%s", out->len ? ", " : "", names.at[i]);
		}
	}
	vec_done(&names);
}

static int unknown(const char *raw, const char *label, const struct expansions *with,
		   const char *name, struct diag *diag)
{
	CLEANUP(strbuf_done) struct strbuf names = {0};

	available(with, &names);
	return diag_set(diag, -ENOENT,
			"Format string '%.200s' for '%s' contains names ('%s') which cannot be "
			"expanded. Available names: %s",
			raw, label, name, strbuf_str(&names));
}

static int badly_formatted(const char *raw, const char *label, const char *why, struct diag *diag)
{
	return diag_set(diag, -EINVAL,
			"Format string '%.200s' for '%s' is badly formatted: %s; a plain %% is "
			"written %%%%",
			raw, label, why);
}

/* ---- the whole text ------------------------------------------------------------------------ */

static int convert(struct scan *s, const char *label, const struct expansions *with,
		   struct strbuf *out, struct diag *diag)
{
	struct conversion c;
	struct expansion x;
	const char *why;

	if (s->p[1] == '%') {
		s->p += 2;
		return strbuf_addc(out, '%');
	}
	if (scan_conversion(s, &c) < 0) {
		return badly_formatted(s->raw, label, s->why, diag);
	}
	if (!c.name[0]) {
		why = check_type(s, &c) < 0 ? s->why : "not enough arguments for format string";
		return badly_formatted(s->raw, label, why, diag);
	}
	if (!find(with, c.name, &x)) {
		return unknown(s->raw, label, with, c.name, diag);
	}
	if (check_type(s, &c) < 0) {
		return badly_formatted(s->raw, label, s->why, diag);
	}
	why = x.text ? put_string(out, &c, x.text, s->why_buf) : put_number(out, &c, x.number);
	return why ? badly_formatted(s->raw, label, why, diag) : 0;
}

int expand(const char *raw, const char *label, const struct expansions *with, struct strbuf *out,
	   struct diag *diag)
{
	struct scan s = {.raw = raw, .p = raw};
	int r;

	out->max = EXPAND_MAX;
	while (*s.p) {
		size_t plain = strcspn(s.p, "%");

		(void)strbuf_add(out, s.p, plain);
		s.p += plain;
		if (*s.p) {
			r = convert(&s, label, with, out, diag);
			if (r < 0) {
				return r;
			}
		}
		if (out->error) {
			return diag_set(diag, out->error, "'%s' is too long once expanded", label);
		}
	}
	return 0;
}
