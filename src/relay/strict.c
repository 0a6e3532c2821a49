#include "strict.h"

#include "strict_fields.h"

#include <endian.h>
#include <string.h>

void strict_start(struct strict *s, bool answer)
{
	s->facts = (struct strict_facts){.answer = answer};
	s->n_head = 0;
	s->why = s->method = NULL;
	s->usual = answer;
	s->state = START_FIRST;
	s->spaces = 0;
	s->n_value = 0;
	s->trailers = false;
}

/* RFC 9110, 5.6.2 */
static const bool tokens[256] = {
	['!'] = true,	      ['#'] = true,	    ['$'] = true, ['%'] = true,
	['&'] = true,	      ['\''] = true,	    ['*'] = true, ['+'] = true,
	['-'] = true,	      ['.'] = true,	    ['^'] = true, ['_'] = true,
	['`'] = true,	      ['|'] = true,	    ['~'] = true, ['0' ... '9'] = true,
	['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

/* Of a field's value: visible, blank, tab, and what RFC 9110 calls obs-text. */
static bool is_text(unsigned char c)
{
	return (c >= ' ' && c != 0x7f) || c == '\t';
}

/* ---- a head, byte by byte */

/* HTTP/1.0 or HTTP/1.1: llhttp reads the digit. */
static bool is_version(const char *word, size_t len)
{
	return len == sizeof("HTTP/1.1") - 1 && memcmp(word, "HTTP/1.", 7) == 0;
}

/* Of HTTP/2's preface. llhttp reads no field after it, and is not always shown one. */
static bool is_pri(const char *word, size_t len)
{
	return len == 3 && memcmp(word, "PRI", 3) == 0;
}

/* Of RFC 9110 and RFC 5789: itself; else NULL. */
static const char *usual_method(const char *word, size_t len)
{
	static const char *const by_length[][3] = {
		[3] = {"GET", "PUT"}, [4] = {"POST", "HEAD"},	    [5] = {"PATCH", "TRACE"},
		[6] = {"DELETE"},     [7] = {"OPTIONS", "CONNECT"},
	};

	for (int i = 0; len < sizeof(by_length) / sizeof(by_length[0]) && by_length[len][i]; i++) {
		if (memcmp(word, by_length[len][i], len) == 0) {
			return by_length[len][i];
		}
	}
	return NULL;
}

/* In small letters some servers take HEAD for HEAD, and some do not. */
static bool is_of_method(char c)
{
	return tokens[(unsigned char)c] && !(c >= 'a' && c <= 'z');
}

/* Whatever it is, it says nothing about where its request ends; only HEAD and CONNECT say something
 * about the answer. False: it is none. */
static bool read_method(struct strict *s, const char *word, size_t len)
{
	const char *usual = usual_method(word, len);

	if (!usual) {
		for (size_t i = 0; i < len; i++) {
			if (!is_of_method(word[i])) {
				return false;
			}
		}
		if (len > STRICT_METHOD_MAX || is_pri(word, len)) {
			return false;
		}
	}
	s->usual = usual;
	s->method = usual ? usual : "POST";
	s->n_method = (uint8_t)len;
	return true;
}

/* An answer's first word and a request's last are the version; a request's first is the method. */
static void word_ended(struct strict *s)
{
	if (s->spaces == (s->facts.answer ? 0 : 2) && !is_version(s->value, s->n_value)) {
		strict_refuse(s, "no HTTP/1");
	} else if (!s->facts.answer && s->spaces == 0 && !read_method(s, s->value, s->n_value)) {
		strict_refuse(s, is_pri(s->value, s->n_value) ? "HTTP/2" : "a method that is none");
	}
	s->n_value = 0;
}

static void start_char(struct strict *s, unsigned char c)
{
	if (c == '\r') {
		s->state = LINE_FEED;
		if (s->spaces < (s->facts.answer ? 1 : 2)) {
			strict_refuse(s, "a start line without its parts");
		} else {
			word_ended(s);
		}
	} else if (c == ' ') {
		word_ended(s);
		s->spaces += s->spaces < 3;
	} else if (c < ' ' || c == 0x7f) {
		strict_refuse(s, "a character that a start line must not have");
	} else if (s->n_value < STRICT_VALUE_MAX) {
		s->value[s->n_value++] = (char)c;
	}
	if (!s->facts.answer && s->spaces == 0 &&
	    (!is_of_method((char)c) || s->n_value > STRICT_METHOD_MAX)) {
		strict_refuse(s, "a method that is none");
	}
	if (!s->facts.answer && s->spaces > 2) {
		strict_refuse(s, "a start line with too many parts");
	}
}

static void name_char(struct strict *s, unsigned char c)
{
	if (c == ':') {
		field_name_ended(s);
	} else if (tokens[c]) {
		field_name_char(s, c);
	} else {
		strict_refuse(s, "a character that a field's name must not have");
	}
}

static void value_char(struct strict *s, unsigned char c)
{
	if (c == '\r') {
		s->state = LINE_FEED;
		field_ended(s);
	} else if (is_text(c)) {
		field_value_char(s, c);
	} else {
		strict_refuse(s, "a character that a field must not have");
	}
}

static void head_char(struct strict *s, unsigned char c)
{
	switch (s->state) {
	case START_FIRST:
		s->state = START_LINE;
		s->value[s->n_value++] = (char)c;
		if (!is_capital((char)c)) {
			strict_refuse(s, "no HTTP/1");
		}
		break;
	case START_LINE:
		start_char(s, c);
		break;
	case LINE_FEED:
		s->state = FIELD_FIRST;
		if (c != '\n') {
			strict_refuse(s, "a bare CR");
		}
		break;
	case FIELD_FIRST:
		if (c == '\r') {
			s->state = HEAD_FEED;
			break;
		}
		field_begin(s);
		/* fallthrough */
	case FIELD_NAME:
		name_char(s, c);
		break;
	case FIELD_VALUE:
		value_char(s, c);
		break;
	default: /* HEAD_FEED */
		if (c != '\n') {
			strict_refuse(s, "a bare CR");
		}
		break;
	}
}

/* ---- whole lines, in which nothing is out of the ordinary: the same, but faster */

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (c))

/* The first byte below ' ', or DEL; eight at a time (Hacker's Delight, 6-1). */
static const char *find_control(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t v, del, found;

		memcpy(&v, p, 8);
		v = le64toh(v);
		del = v ^ EACH_BYTE(0x7f);
		found = (((v - EACH_BYTE(0x20)) & ~v) | ((del - EACH_BYTE(1)) & ~del)) &
			EACH_BYTE(0x80);
		if (found) {
			return p + __builtin_ctzll(found) / 8;
		}
	}
	while (p < end && (unsigned char)*p >= ' ' && *p != 0x7f) {
		p++;
	}
	return p;
}

static bool ends_line(const char *p, const char *end)
{
	return end - p >= 2 && p[0] == '\r' && p[1] == '\n';
}

/* 0: not all of it is there, or it is not plainly right. */
static size_t plain_start(struct strict *s, const char *line, const char *end)
{
	const char *stop = find_control(line, end), *first, *second;
	bool right;

	if (!ends_line(stop, end) || !is_capital(line[0])) {
		return 0;
	}
	first = memchr(line, ' ', (size_t)(stop - line));
	if (!first) {
		return 0;
	}
	if (s->facts.answer) {
		right = is_version(line, (size_t)(first - line));
	} else {
		second = memchr(first + 1, ' ', (size_t)(stop - first - 1));
		right = second && is_version(second + 1, (size_t)(stop - second - 1)) &&
			read_method(s, line, (size_t)(first - line));
	}
	return right ? (size_t)(stop + 2 - line) : 0;
}

/* No name of a length, whatever its letters: llhttp need not see that field to know where the
 * message ends. */
static bool is_dull(const char *name, size_t len)
{
	switch (len) {
	case sizeof("content-length") - 1:
		return lower(*name) != 'c';
	case sizeof("transfer-encoding") - 1:
		return lower(*name) != 't';
	default:
		return true;
	}
}

static bool keep_value(struct strict *s, const char *value, const char *end)
{
	while (value < end && *value == ' ') {
		value++;
	}
	if (end - value > STRICT_VALUE_MAX) {
		return false;
	}
	for (s->n_value = 0; value < end; value++) {
		s->value[s->n_value++] = lower(*value);
	}
	return true;
}

enum lines {
	LINES_ALL,
	LINES_DULL,
	LINES_SHOWN, /* to llhttp: the others */
};

static size_t plain_field(struct strict *s, const char *line, const char *end, enum lines wanted)
{
	const char *name_end = line, *stop;

	while (name_end < end && tokens[(unsigned char)*name_end]) {
		name_end++;
	}
	if (name_end == line || name_end == end || *name_end != ':') {
		return 0;
	}
	s->dull = is_dull(line, (size_t)(name_end - line));
	if (wanted != LINES_ALL && s->dull != (wanted == LINES_DULL)) {
		return 0;
	}
	stop = find_control(name_end + 1, end);
	if (!ends_line(stop, end)) {
		return 0;
	}
	s->field = (uint8_t)field_of(line, (size_t)(name_end - line));
	if (s->field != FIELD_OTHER) {
		if (s->trailers || !keep_value(s, name_end + 1, stop)) {
			return 0;
		}
		field_ended(s);
	}
	return (size_t)(stop + 2 - line);
}

/* Whole lines with their ends, all of them dull or none; 0: there is none, or not one that is
 * plainly right. */
static size_t plain_lines(struct strict *s, const char *data, size_t len, bool *ret_done)
{
	const size_t room = STRICT_HEAD_MAX - s->n_head;
	const char *end = data + (len < room ? len : room);
	const bool first = s->state == START_FIRST;
	size_t n, more;
	bool dull;

	if (data == end || (!first && s->state != FIELD_FIRST)) {
		return 0;
	}
	n = first ? plain_start(s, data, end) : plain_field(s, data, end, LINES_ALL);
	dull = n && !first && s->dull;
	for (more = n; more && !s->why; n += more) {
		more = plain_field(s, data + n, end, dull ? LINES_DULL : LINES_SHOWN);
	}
	s->dull = dull;
	if (!dull && (n || !first) && !s->why && ends_line(data + n, end)) {
		n += 2;
		*ret_done = true;
	}
	if (n) {
		s->state = FIELD_FIRST;
		s->n_head += (uint32_t)n;
	}
	return n;
}

size_t strict_head(struct strict *s, const char *data, size_t len, bool *ret_done)
{
	size_t i = 0;

	*ret_done = s->dull = false;
	i = plain_lines(s, data, len, ret_done);
	if (i) {
		return i;
	}
	while (i < len && !s->why) {
		const bool last = s->state == HEAD_FEED;

		head_char(s, (unsigned char)data[i++]);
		if (last) {
			*ret_done = !s->why;
			break;
		}
		if (++s->n_head > STRICT_HEAD_MAX) {
			strict_refuse(s, "a head that does not end");
		}
		if (s->state == FIELD_FIRST) {
			break;
		}
	}
	return i;
}
