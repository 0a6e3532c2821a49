#include "strict_fields.h"

#include <ctype.h>
#include <string.h>

static bool is_decimal(char c)
{
	return c >= '0' && c <= '9';
}

/* The word is in small letters. */
static bool is_word(const char *text, size_t len, const char *word)
{
	for (size_t i = 0; i < len; i++) {
		if (lower(text[i]) != word[i]) {
			return false;
		}
	}
	return true;
}

/* Two words, whatever sign joins them. */
static enum field joined(const char *name, const char *first, size_t at, const char *second,
			 size_t len, enum field field)
{
	if (isalnum((unsigned char)name[at]) || !is_word(name, at, first) ||
	    !is_word(name + at + 1, len, second)) {
		return FIELD_OTHER;
	}
	return name[at] == '-' ? field : FIELD_LOOKALIKE;
}

/* Told apart by length first, for most fields are none of these. */
enum field field_of(const char *name, size_t len)
{
	switch (len) {
	case sizeof("expect") - 1:
		return is_word(name, len, "expect") ? FIELD_EXPECT : FIELD_OTHER;
	case sizeof("connection") - 1:
		return is_word(name, len, "connection") ? FIELD_CONNECTION : FIELD_OTHER;
	case sizeof("content-length") - 1:
		return joined(name, "content", 7, "length", 6, FIELD_LENGTH);
	case sizeof("transfer-encoding") - 1:
		return joined(name, "transfer", 8, "encoding", 8, FIELD_CODING);
	default:
		return FIELD_OTHER;
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_separator(char c)
{
	return c == ',' || is_blank(c);
}

void field_begin(struct strict *s)
{
	s->n_name = s->n_value = 0;
	s->field = FIELD_OTHER;
	s->state = FIELD_NAME;
}

void field_name_char(struct strict *s, unsigned char c)
{
	if (s->n_name < STRICT_VALUE_MAX) {
		s->value[s->n_name++] = (char)c;
	}
}

void field_name_ended(struct strict *s)
{
	if (s->n_name == 0) {
		strict_refuse(s, "a field without a name");
	}
	s->field = (uint8_t)field_of(s->value, s->n_name);
	if (s->field != FIELD_OTHER && s->trailers) {
		strict_refuse(s, "a trailer that belongs in the head");
	}
	s->state = FIELD_VALUE;
}

void field_value_char(struct strict *s, unsigned char c)
{
	if (s->field == FIELD_OTHER || (s->n_value == 0 && c == ' ')) {
		return;
	}
	if (s->n_value == STRICT_VALUE_MAX) {
		strict_refuse(s, "a field that is too long to be looked at");
		return;
	}
	s->value[s->n_value++] = lower((char)c);
}

static void read_length(struct strict *s)
{
	unsigned at = 0, end = s->n_value;

	if (s->facts.has_length || s->facts.chunked) {
		strict_refuse(s, "two lengths");
		return;
	}
	while (at < end && is_blank(s->value[at])) {
		at++;
	}
	while (at < end && is_blank(s->value[end - 1])) {
		end--;
	}
	if (at == end || end - at > 18 || (end - at > 1 && s->value[at] == '0')) {
		strict_refuse(s, "a length that is not a number");
		return;
	}
	for (unsigned i = at; i < end; i++) {
		if (!is_decimal(s->value[i])) {
			strict_refuse(s, "a length that is not a number");
			return;
		}
		s->facts.length = s->facts.length * 10 + (uint64_t)(s->value[i] - '0');
	}
	s->facts.has_length = true;
}

static void read_coding(struct strict *s)
{
	if (s->facts.has_length || s->facts.chunked) {
		strict_refuse(s, "two lengths");
	} else if (s->n_value != 7 || memcmp(s->value, "chunked", 7) != 0) {
		strict_refuse(s, "a transfer coding other than chunked");
	} else {
		s->facts.chunked = true;
	}
}

/* A list: "close", "keep-alive, upgrade". */
static void read_connection(struct strict *s)
{
	size_t at = 0;

	while (at < s->n_value) {
		size_t len = 0;

		while (at < s->n_value && is_separator(s->value[at])) {
			at++;
		}
		while (at + len < s->n_value && !is_separator(s->value[at + len])) {
			len++;
		}
		s->facts.close |= len == 5 && memcmp(s->value + at, "close", 5) == 0;
		s->facts.keep |= len == 10 && memcmp(s->value + at, "keep-alive", 10) == 0;
		at += len;
	}
}

void field_ended(struct strict *s)
{
	switch (s->field) {
	case FIELD_LENGTH:
		read_length(s);
		break;
	case FIELD_CODING:
		read_coding(s);
		break;
	case FIELD_CONNECTION:
		read_connection(s);
		break;
	case FIELD_EXPECT:
		s->facts.expect = true;
		break;
	case FIELD_LOOKALIKE:
		strict_refuse(s, "a field that some readers take for a length");
		break;
	default:
		break;
	}
}
