#include <slotd/cleanup.h>
#include <stdio.h>
#include <string.h>

#include "conversion.h"
#include "expand.h"

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

const char *conversion_number(struct strbuf *out, const struct conversion *c, long number)
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

const char *conversion_text(struct strbuf *out, const struct conversion *c, const char *text,
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
		(void)snprintf(why, CONVERSION_WHY_MAX,
			       "%%%c format: a real number is required, not str", c->type);
		return why;
	case 'x':
	case 'X':
	case 'o':
		(void)snprintf(why, CONVERSION_WHY_MAX,
			       "%%%c format: an integer is required, not str", c->type);
		return why;
	default:
		return "must be real number, not str";
	}
}
