/* relay/answer.c: requests that are answered without a worker, and what heads of answers say. */
#include "relay/answer.h"
#include "suite.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#define GET	  "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(...) "POST / HTTP/1.1\r\n" __VA_ARGS__ "\r\n"
#define PATHS	  "/healthz /ready"

/* What becomes of a connection that says this, read in pieces of that size: "page", "page head",
 * "ok", each with " old" and " last" where that is so; "more" for the beginning of a request. */
static const char *story(const char *text, size_t len, size_t piece)
{
	static char told[512];
	struct answer_request q;
	size_t used = 0, at = 0;

	told[0] = '\0';
	answer_start(&q);
	while (at < len) {
		const size_t n = len - at < piece ? len - at : piece;
		size_t taken;
		const enum answer_step step = answer_hear(&q, text + at, n, &taken);

		ck_assert(taken <= n);
		at += taken;
		if (step == ANSWER_REFUSED) {
			(void)snprintf(told + used, sizeof(told) - used, "refused; ");
			return told;
		}
		if (step == ANSWER_MORE) {
			ck_assert_uint_eq(taken, n);
			continue;
		}
		used += (size_t)snprintf(told + used, sizeof(told) - used, "%s%s%s%s; ",
					 answer_asks_for(&q, PATHS) ? "ok" : "page",
					 answer_is_head(&q) ? " head" : "",
					 answer_is_old(&q) ? " old" : "",
					 answer_is_last(&q) ? " last" : "");
		if (answer_is_last(&q)) {
			return told;
		}
		answer_start(&q);
		ck_assert(!answer_begun(&q));
	}
	if (answer_begun(&q)) {
		(void)snprintf(told + used, sizeof(told) - used, "more; ");
	}
	return told;
}

START_TEST(each_request_gets_its_answer_however_it_comes)
{
	static const struct {
		const char *text, *told;
	} rows[] = {
		{GET, "page; "},
		{GET GET GET, "page; page; page; "},
		{"\r\n" GET "\r\n" GET, "page; page; "},
		{"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" GET, "page head; page; "},
		{"GET /healthz HTTP/1.1\r\n\r\nGET /ready?a=b HTTP/1.1\r\n\r\n"
		 "HEAD http://x:80/ready HTTP/1.1\r\n\r\n",
		 "ok; ok; ok head; "},
		{"GET /healthz/ HTTP/1.1\r\n\r\nGET /health HTTP/1.1\r\n\r\nGET /a?/ready "
		 "HTTP/1.1\r\n"
		 "\r\nOPTIONS * HTTP/1.1\r\n\r\n",
		 "page; page; page; page; "},
		{"GET / HTTP/1.1\r\nConnection: close\r\n\r\n" GET, "page last; "},
		{"GET / HTTP/1.0\r\n\r\n", "page old last; "},
		{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" GET, "page old; page; "},
		{POST("Content-Length: 5\r\n") "12345" GET, "page; page; "},
		{POST("Content-Length: 5\r\n") "1234", "more; "},
		{POST("Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n0\r\n\r\n" GET,
		 "page; page; "},
		{POST("Content-Length: 5\r\nExpect: 100-continue\r\n"), "page last; "},
		{POST("Content-Length: 1048577\r\n"), "page last; "},
		{POST("Content-Length: 1048576\r\n"), "more; "},
		{"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", "page; "},
		{GET "GET", "page; more; "},
		{"\r", "more; "},
		{"", ""},
		{"\x16\x03\x01\x02", "refused; "},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refused; "},
		{"CONNECT x:1 HTTP/1.1\r\n\r\n", "refused; "},
		{GET "GET / HTTP/1.1\n\n", "page; refused; "},
		{POST("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), "refused; "},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t piece = 1; piece <= 64; piece++) {
			ck_assert_str_eq(story(rows[i].text, strlen(rows[i].text), piece),
					 rows[i].told);
		}
		ck_assert_str_eq(story(rows[i].text, strlen(rows[i].text), SIZE_MAX), rows[i].told);
	}
}
END_TEST

START_TEST(a_body_without_end_is_not_read_to_its_end)
{
	static char text[ANSWER_BODY_MAX + 8192];
	const char head[] = POST("Transfer-Encoding: chunked\r\n");
	size_t n = strlen(head);

	memcpy(text, head, n);
	while (n + 1024 < sizeof(text)) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "3f0\r\n%01008d\r\n", 7);
	}
	ck_assert_str_eq(story(text, n, 4096), "page last; ");
}
END_TEST

START_TEST(a_path_that_is_not_within_the_first_bytes_is_no_health_path)
{
	static char text[8192];
	size_t n = (size_t)snprintf(text, sizeof(text), "GET /healthz?%02000d HTTP/1.1\r\n\r\n", 1);

	ck_assert_str_eq(story(text, n, 100), "page; ");
	n = (size_t)snprintf(text, sizeof(text), "GET /healthz?%0900d HTTP/1.1\r\n\r\n", 1);
	ck_assert_str_eq(story(text, n, 100), "ok; ");
}
END_TEST

#define COMMON "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"

START_TEST(a_head_says_all_that_it_must)
{
	struct answer_head head = {
		.type = "text/plain", .length = 5, .now = SECONDS(784111777), .retry_after = 1};
	char buf[ANSWER_HEAD_MAX + 1] = "";

	buf[answer_compose(&head, buf)] = '\0';
	ck_assert_str_eq(buf, "HTTP/1.1 503 Service Unavailable\r\n" COMMON
			      "Content-Length: 5\r\nRetry-After: 1\r\n"
			      "Cache-Control: no-store\r\n\r\n");
	head = (struct answer_head){.healthy = true,
				    .type = "text/plain",
				    .now = SECONDS(784111777),
				    .last = true,
				    .old = true};
	buf[answer_compose(&head, buf)] = '\0';
	ck_assert_str_eq(buf, "HTTP/1.1 200 OK\r\n" COMMON "Content-Length: 0\r\n"
			      "Cache-Control: no-store\r\nConnection: close\r\n\r\n");
	head.last = false;
	head.retry_after = SECONDS(2) + 1;
	head.length = UINT64_MAX;
	head.now = UINT64_MAX / 2;
	head.type = "a/type-that-is-much-longer-than-any-that-slotd-itself-ever-sends-to-relays";
	buf[answer_compose(&head, buf)] = '\0';
	ck_assert_ptr_nonnull(strstr(buf, "Retry-After: 3\r\n"));
	ck_assert_ptr_nonnull(strstr(buf, "Connection: keep-alive\r\n\r\n"));
}
END_TEST

START_TEST(the_date_is_that_of_the_clock)
{
	for (uint64_t at = 0; at < UINT64_C(8000000000); at += 86400 * 13 + 12345) {
		const struct answer_head head = {.type = "x", .now = SECONDS(at)};
		const time_t seconds = (time_t)at;
		char buf[ANSWER_HEAD_MAX + 1] = "", want[64] = "";
		struct tm tm;

		buf[answer_compose(&head, buf)] = '\0';
		ck_assert_ptr_nonnull(gmtime_r(&seconds, &tm));
		ck_assert_uint_gt(strftime(want, sizeof(want),
					   "\r\nDate: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm),
				  0);
		ck_assert_msg(strstr(buf, want) != NULL, "%s not in %s", want, buf);
	}
}
END_TEST

SUITE("relay_answer", each_request_gets_its_answer_however_it_comes,
      a_body_without_end_is_not_read_to_its_end,
      a_path_that_is_not_within_the_first_bytes_is_no_health_path, a_head_says_all_that_it_must,
      the_date_is_that_of_the_clock);
