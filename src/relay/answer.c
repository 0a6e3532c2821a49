#include "answer.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>

void answer_start(struct answer_request *q)
{
	follow_start(&q->follow, NULL);
	q->n_body = 0;
	q->n_line = 0;
	q->read_out = false;
}

/* Its body may never come (RFC 9110, 10.1.1), or is more than is worth reading. */
static bool is_unfinished(const struct answer_request *q)
{
	const struct strict_facts *facts = &q->follow.client.strict.facts;

	return !follow_requests_whole(&q->follow) &&
	       (facts->expect || facts->length > ANSWER_BODY_MAX || q->n_body > ANSWER_BODY_MAX);
}

static void keep_line(struct answer_request *q, const char *data, size_t len)
{
	const size_t room = sizeof(q->line) - q->n_line;
	const size_t n = len < room ? len : room;

	memcpy(q->line + q->n_line, data, n);
	q->n_line += (uint16_t)n;
}

/* n bytes were read, with which a request had begun if it has now. */
static void note(struct answer_request *q, const char *data, size_t n)
{
	if (q->read_out) {
		q->n_body += n;
	} else if (follow_open(&q->follow)) {
		keep_line(q, data, n);
		q->read_out = !follow_head_open(&q->follow);
	}
}

enum answer_step answer_hear(struct answer_request *q, const void *data, size_t len, size_t *ret_n)
{
	const char *at = data;

	for (*ret_n = 0; *ret_n < len;) {
		const size_t n = follow_some(&q->follow, FOLLOW_CLIENT, at + *ret_n, len - *ret_n);

		if (follow_pinned(&q->follow, NULL)) {
			return ANSWER_REFUSED;
		}
		note(q, at + *ret_n, n);
		*ret_n += n;
		if (q->read_out && (follow_requests_whole(&q->follow) || is_unfinished(q))) {
			return ANSWER_DUE;
		}
	}
	return ANSWER_MORE;
}

bool answer_begun(const struct answer_request *q)
{
	return !follow_between(&q->follow);
}

bool answer_is_last(const struct answer_request *q)
{
	return follow_last(&q->follow) || is_unfinished(q);
}

bool answer_is_head(const struct answer_request *q)
{
	return q->follow.runs[0].head;
}

bool answer_is_old(const struct answer_request *q)
{
	return q->follow.runs[0].old;
}

/* The path of "GET /x?y HTTP/1.1" or "GET http://host/x HTTP/1.1"; NULL: it has none. */
static const char *find_path(const struct answer_request *q, size_t *ret_len)
{
	const char *end = q->line + q->n_line, *at, *stop;

	at = memchr(q->line, ' ', q->n_line);
	stop = at ? memchr(at + 1, ' ', (size_t)(end - at - 1)) : NULL;
	if (!stop) {
		return NULL;
	}
	at++;
	if (*at != '/') {
		const char *host = memmem(at, (size_t)(stop - at), "://", 3);

		at = host ? memchr(host + 3, '/', (size_t)(stop - host - 3)) : NULL;
	}
	if (!at) {
		return NULL;
	}
	*ret_len = (size_t)(stop - at);
	for (size_t i = 0; i < *ret_len; i++) {
		if (at[i] == '?' || at[i] == '#') {
			*ret_len = i;
		}
	}
	return at;
}

bool answer_asks_for(const struct answer_request *q, const char *paths)
{
	size_t len = 0;
	const char *path = find_path(q, &len);

	while (path && paths && *paths) {
		const size_t n = strcspn(paths, " ");

		if (n && n == len && memcmp(paths, path, n) == 0) {
			return true;
		}
		paths += n + strspn(paths + n, " ");
	}
	return false;
}

/* RFC 9110, 5.6.7. gmtime_r would look for the time zone's file. Years begin in March here, so that
 * the day that not all of them have is the last one. */
static void format_date(usec_t wall, char *buf, size_t size)
{
	static const char weekdays[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
	static const char months[][4] = {"Mar", "Apr", "May", "Jun", "Jul", "Aug",
					 "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"};
	const uint64_t seconds = wall / SECONDS(1), days = seconds / 86400;
	const uint64_t since = days + 719468, era = since / 146097, day = since % 146097;
	const uint64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
	const unsigned of_year = (unsigned)(day - (365 * year + year / 4 - year / 100));
	const unsigned month = (5 * of_year + 2) / 153;

	(void)snprintf(buf, size, "%s, %02u %s %04u %02u:%02u:%02u GMT", weekdays[days % 7],
		       of_year - (153 * month + 2) / 5 + 1, months[month],
		       (unsigned)(era * 400 + year + (month >= 10)),
		       (unsigned)(seconds / 3600 % 24), (unsigned)(seconds / 60 % 60),
		       (unsigned)(seconds % 60));
}

size_t answer_compose(const struct answer_head *head, char buf[ANSWER_HEAD_MAX])
{
	char date[64], retry[64] = "";
	int n;

	format_date(head->now, date, sizeof(date));
	if (head->retry_after) {
		(void)snprintf(
			retry, sizeof(retry), "Retry-After: %llu\r\n",
			(unsigned long long)((head->retry_after + SECONDS(1) - 1) / SECONDS(1)));
	}
	n = snprintf(buf, ANSWER_HEAD_MAX,
		     "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: %.*s\r\nContent-Length: %llu\r\n%s"
		     "Cache-Control: no-store\r\n%s\r\n",
		     head->healthy ? "200 OK" : "503 Service Unavailable", date, ANSWER_TYPE_MAX,
		     head->type, (unsigned long long)head->length, retry,
		     head->last	 ? "Connection: close\r\n"
		     : head->old ? "Connection: keep-alive\r\n"
				 : "");
	return n > 0 && n < ANSWER_HEAD_MAX ? (size_t)n : 0;
}
