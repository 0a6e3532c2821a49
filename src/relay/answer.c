#include "answer.h"

#include <slotd/cleanup.h>

#include <string.h>
#include <strings.h>

static const char head_end[] = "\r\n\r\n";

/* ---- the request */

static bool begins_request(const char *data, size_t len)
{
	static const char *const methods[] = {"GET ",	 "POST ",  "PUT ",
					      "DELETE ", "PATCH ", "OPTIONS "};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		size_t n = strlen(methods[i]);

		if (len >= n && memcmp(data, methods[i], n) == 0) {
			return true; /* not HEAD: its answer's length is of what it leaves out */
		}
	}
	return false;
}

/* A whole request head, and not followed by another request. */
static bool is_one_request(const char *data, size_t len)
{
	const char *end = begins_request(data, len) ? memmem(data, len, head_end, 4) : NULL;

	return end && !begins_request(end + 4, len - (size_t)(end + 4 - data));
}

void answer_asked(struct answer *a, const void *data, size_t len, bool first)
{
	if (first) {
		a->state = is_one_request(data, len) ? ANSWER_HEAD : ANSWER_UNKNOWN;
	} else if (begins_request(data, len)) {
		a->state = ANSWER_UNKNOWN; /* pipelined */
	}
}

/* ---- the head of the answer */

struct head {
	unsigned status;
	bool has_length, chunked;
	uint64_t length;
};

static bool read_number(const char *text, size_t len, uint64_t *ret)
{
	uint64_t n = 0;

	if (len == 0 || len > 18) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9') {
			return false;
		}
		n = n * 10 + (uint64_t)(text[i] - '0');
	}
	*ret = n;
	return true;
}

static bool is_field(const char *line, size_t len, const char *name, const char **ret_value,
		     size_t *ret_len)
{
	size_t n = strlen(name);

	if (len <= n || line[n] != ':' || strncasecmp(line, name, n) != 0) {
		return false;
	}
	line += n + 1;
	len -= n + 1;
	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t')) {
		len--;
	}
	*ret_value = line;
	*ret_len = len;
	return true;
}

/* False for a line that makes the length doubtful. */
static bool read_field(struct head *h, const char *line, size_t len)
{
	const char *value;
	size_t n;

	if (is_field(line, len, "Content-Length", &value, &n)) {
		h->has_length = true;
		return read_number(value, n, &h->length);
	}
	if (is_field(line, len, "Transfer-Encoding", &value, &n)) {
		h->chunked = n == strlen("chunked") && strncasecmp(value, "chunked", n) == 0;
		return h->chunked;
	}
	return true;
}

/* "HTTP/1.1 200 OK" and the lines up to end. */
static bool read_head(struct head *h, const char *data, const char *end)
{
	uint64_t status;
	const char *line = memmem(data, (size_t)(end - data) + 2, "\r\n", 2);

	if (!line || line - data < 12 || memcmp(data, "HTTP/1.", 7) != 0 || data[8] != ' ' ||
	    !read_number(data + 9, 3, &status)) {
		return false;
	}
	h->status = (unsigned)status;
	while (line < end) {
		const char *next;

		line += 2;
		next = memmem(line, (size_t)(end - line) + 2, "\r\n", 2);
		if (!next || !read_field(h, line, (size_t)(next - line))) {
			return false;
		}
		line = next;
	}
	return true;
}

static enum answer_state state_after(const struct head *h)
{
	if (h->status == 101 || h->status < 100) {
		return ANSWER_UNKNOWN; /* another protocol from here on */
	}
	if (h->status < 200) {
		return ANSWER_HEAD; /* the real one follows */
	}
	if (h->status == 204 || h->status == 304) {
		return ANSWER_COMPLETE;
	}
	if (h->chunked) {
		return ANSWER_CHUNK_SIZE;
	}
	if (h->has_length) {
		return h->length ? ANSWER_BODY : ANSWER_COMPLETE;
	}
	return ANSWER_UNKNOWN; /* until the worker closes */
}

/* Bytes taken. */
static size_t hear_head(struct answer *a, const char *data, size_t len)
{
	const char *end = memmem(data, len, head_end, 4);
	struct head h = {0};

	if (!end || !read_head(&h, data, end)) {
		a->state = ANSWER_UNKNOWN;
		return len;
	}
	a->state = (uint8_t)state_after(&h);
	a->left = a->state == ANSWER_BODY ? h.length : 0;
	return (size_t)(end - data) + 4;
}

/* ---- the body */

static size_t hear_counted(struct answer *a, size_t len, enum answer_state then)
{
	size_t taken = len < a->left ? len : (size_t)a->left;

	a->left -= taken;
	if (a->left == 0) {
		a->state = (uint8_t)then;
	}
	return taken;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static void size_line_ended(struct answer *a)
{
	a->state = a->left ? ANSWER_CHUNK : ANSWER_TRAILER;
	a->left += a->left ? 2 : 0; /* its own line end */
}

static void hear_size(struct answer *a, char c)
{
	int digit = hex_digit(c);

	if (digit >= 0 && a->left < (uint64_t)1 << 56) {
		a->left = a->left * 16 + (uint64_t)digit;
	} else if (c == '\n') {
		size_line_ended(a);
	} else {
		a->state = digit < 0 ? ANSWER_CHUNK_EXT : ANSWER_UNKNOWN;
	}
}

static void hear_trailer(struct answer *a, char c)
{
	if (c == '\n') {
		a->state = a->state == ANSWER_TRAILER_TEXT ? ANSWER_TRAILER : ANSWER_COMPLETE;
	} else {
		a->state = c == '\r' && a->state == ANSWER_TRAILER ? ANSWER_TRAILER_CR
								   : ANSWER_TRAILER_TEXT;
	}
}

static size_t hear_some(struct answer *a, const char *data, size_t len)
{
	switch (a->state) {
	case ANSWER_HEAD:
		return hear_head(a, data, len);
	case ANSWER_BODY:
		return hear_counted(a, len, ANSWER_COMPLETE);
	case ANSWER_CHUNK:
		return hear_counted(a, len, ANSWER_CHUNK_SIZE);
	case ANSWER_CHUNK_SIZE:
		hear_size(a, *data);
		return 1;
	case ANSWER_CHUNK_EXT:
		if (*data == '\n') {
			size_line_ended(a);
		}
		return 1;
	case ANSWER_TRAILER:
	case ANSWER_TRAILER_CR:
	case ANSWER_TRAILER_TEXT:
		hear_trailer(a, *data);
		return 1;
	default: /* more than an answer is no answer we know */
		a->state = ANSWER_UNKNOWN;
		return len;
	}
}

bool answer_heard(struct answer *a, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		size_t taken = hear_some(a, at, len);

		at += taken;
		len -= taken;
	}
	return a->state == ANSWER_COMPLETE;
}
