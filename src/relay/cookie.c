#include "cookie.h"

#include "place.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* A line of the head without its end; *ret_next is where the next one begins. NULL: it has no end.
 */
static const char *line_end(const char *at, const char *end, const char **ret_next)
{
	const char *lf = memchr(at, '\n', (size_t)(end - at));

	if (!lf) {
		return NULL;
	}
	*ret_next = lf + 1;
	return lf > at && lf[-1] == '\r' ? lf - 1 : lf;
}

/* "GET / HTTP/1.1" */
static bool is_request_line(const char *at, const char *end)
{
	static const char version[] = " HTTP/1.";
	const size_t len = strlen(version);

	return (size_t)(end - at) > len + 1 && memcmp(end - len - 1, version, len) == 0;
}

/* The first byte of a method. */
static bool may_be_request(const char *data, size_t len)
{
	return len == 0 || (data[0] >= 'A' && data[0] <= 'Z');
}

/* "Cookie:"; the value follows. */
static bool is_cookie_field(const char *at, const char *end)
{
	static const char name[] = "cookie:";

	return (size_t)(end - at) >= strlen(name) && strncasecmp(at, name, strlen(name)) == 0;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t')) {
		at++;
	}
	return at;
}

/* The value of NAME in "A=1; NAME=2"; NULL: it is not there. */
static const char *value_in(const char *at, const char *end, const char *name, size_t *ret_len)
{
	const size_t len = strlen(name);

	while (at < end) {
		const char *stop = memchr(at, ';', (size_t)(end - at));

		stop = stop ? stop : end;
		at = skip_blanks(at, end);
		if ((size_t)(stop > at ? stop - at : 0) > len && memcmp(at, name, len) == 0 &&
		    at[len] == '=') {
			at += len + 1;
			while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t')) {
				stop--;
			}
			*ret_len = (size_t)(stop - at);
			return at;
		}
		at = stop < end ? stop + 1 : end;
	}
	return NULL;
}

static enum cookie_found judge(const char *value, size_t len, enum slot_id *ret_slot,
			       uint32_t *ret_hash)
{
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value++;
		len -= 2;
	}
	if (len == 1 && (value[0] == 'a' || value[0] == 'b')) {
		*ret_slot = value[0] == 'a' ? SLOT_A : SLOT_B;
		return COOKIE_SLOT;
	}
	*ret_hash = place_hash_bytes(value, len);
	return COOKIE_HASH;
}

enum cookie_found cookie_find(const char *data, size_t len, const char *name,
			      enum slot_id *ret_slot, uint32_t *ret_hash)
{
	const char *at = data, *end = data + len, *next = NULL, *stop, *value;
	bool first = true;
	size_t n = 0;

	while (at < end && (*at == '\r' || *at == '\n')) {
		at++; /* empty lines before a request: RFC 9112, 2.2 */
	}
	if (!may_be_request(at, (size_t)(end - at))) {
		return COOKIE_ABSENT;
	}
	for (; at < end; at = next, first = false) {
		stop = line_end(at, end, &next);
		if (!stop) {
			break;
		}
		if (stop == at || (first && !is_request_line(at, stop))) {
			return COOKIE_ABSENT;
		}
		value = is_cookie_field(at, stop) ? value_in(at + strlen("cookie:"), stop, name, &n)
						  : NULL;
		if (value) {
			return judge(value, n, ret_slot, ret_hash);
		}
	}
	return len < COOKIE_HEAD_MAX ? COOKIE_MORE : COOKIE_ABSENT;
}
