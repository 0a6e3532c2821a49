#include "expand.h"
#include "conversion.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/vec.h>
#include <stdbool.h>
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

/* ---- reading the format -------------------------------------------------------------------- */

struct scan {
	const char *raw, *p;
	const char *why; /* why it is malformed */
	char why_buf[CONVERSION_WHY_MAX];
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

/* Supervisor shows every value that it cannot expand; those with secrets in them are not shown. */
static const char *shown(const char *raw, const char *label, char *buf, size_t size)
{
	static const char *const hidden[] = {"environment", "password", "serverurl"};
	const char *dot = strrchr(label, '.');

	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		if (strcmp(dot ? dot + 1 : label, hidden[i]) == 0) {
			return "";
		}
	}
	(void)snprintf(buf, size, " '%.200s'", raw);
	return buf;
}

static int unknown(const char *raw, const char *label, const struct expansions *with,
		   const char *name, struct diag *diag)
{
	CLEANUP(strbuf_done) struct strbuf names = {0};
	char text[208];

	available(with, &names);
	return diag_set(diag, -ENOENT,
			"Format string%s for '%s' contains names ('%s') which cannot be "
			"expanded. Available names: %s",
			shown(raw, label, text, sizeof(text)), label, name, strbuf_str(&names));
}

static int badly_formatted(const char *raw, const char *label, const char *why, struct diag *diag)
{
	char text[208];

	return diag_set(diag, -EINVAL,
			"Format string%s for '%s' is badly formatted: %s; a literal %% is "
			"written %%%%",
			shown(raw, label, text, sizeof(text)), label, why);
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
	why = x.text ? conversion_text(out, &c, x.text, s->why_buf)
		     : conversion_number(out, &c, x.number);
	return why ? badly_formatted(s->raw, label, why, diag) : 0;
}

/* What fails is an error, or is left as it is: *ret_left. */
static int expand_all(const char *raw, const char *label, const struct expansions *with,
		      struct strbuf *out, bool *ret_left, struct diag *diag)
{
	struct scan s = {.raw = raw, .p = raw};

	out->max = EXPAND_MAX;
	while (*s.p) {
		size_t plain = strcspn(s.p, "%");
		CLEANUP(strbuf_done) struct strbuf one = {.max = EXPAND_MAX};
		const char *start = s.p + plain;
		int r = 0;

		(void)strbuf_add(out, s.p, plain);
		s.p = start;
		if (*s.p) {
			r = convert(&s, label, with, &one, diag);
		}
		if (r < 0 && (r == -ENOMEM || !ret_left)) {
			return r;
		}
		if (r < 0) {
			*ret_left = true;
			s.p = start + 1;
			(void)strbuf_addc(out, '%');
		} else {
			(void)strbuf_add(out, strbuf_str(&one), one.len);
		}
		if (out->error || one.error) {
			return diag_set(diag, out->error ? out->error : one.error,
					"'%s' is too long after expansion", label);
		}
	}
	return 0;
}

int expand(const char *raw, const char *label, const struct expansions *with, struct strbuf *out,
	   struct diag *diag)
{
	return expand_all(raw, label, with, out, NULL, diag);
}

int expand_again(const char *text, const struct expansions *with, struct strbuf *out)
{
	bool left = false;
	int r = expand_all(text, "", with, out, &left, NULL);

	return r < 0 ? r : left;
}
