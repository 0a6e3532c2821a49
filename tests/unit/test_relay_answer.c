#include "relay/answer.h"
#include "suite.h"

#include <string.h>

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static struct answer a;

static void ask(const char *request, bool first)
{
	answer_asked(&a, request, strlen(request), first);
}

static bool hear(const char *text)
{
	return answer_heard(&a, text, strlen(text));
}

START_TEST(an_answer_ends_with_the_last_byte_of_its_length)
{
	ask(GET, true);
	ck_assert(!hear("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
	ck_assert(!hear("hell"));
	ck_assert(hear("o"));
	ask(GET, true);
	ck_assert(hear("HTTP/1.0 404 No\r\ncontent-length:2\r\nX: y\r\n\r\nno"));
}
END_TEST

START_TEST(answers_without_a_body_end_with_their_head)
{
	ask(GET, true);
	ck_assert(hear("HTTP/1.1 204 No Content\r\n\r\n"));
	ask(GET, true);
	ck_assert(hear("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n"));
	ask(GET, true);
	ck_assert(hear("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
}
END_TEST

START_TEST(a_chunked_answer_ends_with_its_last_chunk_however_it_is_cut)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"5\r\n0\r\n\r\n\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: z\r\n\r\n";
	const char *body = strstr(text, "\r\n\r\n") + 4;

	for (size_t cut = 1; cut < strlen(body); cut++) {
		ask(GET, true);
		ck_assert(!answer_heard(&a, text, (size_t)(body - text)));
		ck_assert_msg(!answer_heard(&a, body, cut), "cut at %zu", cut);
		ck_assert_msg(answer_heard(&a, body + cut, strlen(body) - cut), "cut at %zu", cut);
	}
}
END_TEST

START_TEST(an_interim_answer_is_not_the_last)
{
	ask("POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", true);
	ck_assert(!hear("HTTP/1.1 100 Continue\r\n\r\n"));
	ask("some body", true);
	ck_assert_int_eq(a.state, ANSWER_UNKNOWN);
}
END_TEST

START_TEST(what_is_no_plain_http_is_not_judged)
{
	static const char *const answers[] = {
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
		"HTTP/1.1 200 OK\r\n\r\nuntil the end",
		"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\ntoo much",
		"HTTP/1.1 2\r\n\r\n",
		"+OK\r\n",
		"\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Len",
	};

	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		ask(GET, true);
		ck_assert_msg(!hear(answers[i]), "%s", answers[i]);
		ck_assert_msg(!hear("\r\n\r\n"), "%s", answers[i]);
	}
}
END_TEST

START_TEST(only_one_whole_request_is_one)
{
	static const char *const requests[] = {
		"SELECT 1;", "HEAD / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n", GET GET, "",
	};

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		ask(requests[i], true);
		ck_assert_msg(a.state == ANSWER_UNKNOWN, "%s", requests[i]);
	}
	ask("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nbody", true);
	ck_assert_int_eq(a.state, ANSWER_HEAD);
	ask(" more", false);
	ck_assert_int_eq(a.state, ANSWER_HEAD);
	ask(GET, false); /* pipelined */
	ck_assert_int_eq(a.state, ANSWER_UNKNOWN);
}
END_TEST

int main(void)
{
	return suite_run("relay_answer", an_answer_ends_with_the_last_byte_of_its_length,
			 answers_without_a_body_end_with_their_head,
			 a_chunked_answer_ends_with_its_last_chunk_however_it_is_cut,
			 an_interim_answer_is_not_the_last, what_is_no_plain_http_is_not_judged,
			 only_one_whole_request_is_one);
}
