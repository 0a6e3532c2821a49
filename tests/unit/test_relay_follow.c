/* Following HTTP/1: each row is told whole, byte by byte, and cut in two at every place. */
#include "relay/follow.h"
#include "suite.h"

#include <slotd/cleanup.h>
#include <string.h>

#define GET	"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK_2	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

enum {
	PIECES_MAX = 6,
};

/* What "<" begins, the client says; what ">" begins, the worker; "." is the worker's end. */
struct row {
	const char *name;
	const char *said[PIECES_MAX];
	const char *known; /* see tell */
};

static const struct row rows[] = {
	/* whose end is known */
	{"nothing said", {NULL}, "between"},
	{"a request", {"<" GET}, "1 open, safe"},
	{"a head that has begun", {"<GET / HTTP/1.1\r\nHo"}, "1 open, head"},
	{"answered", {"<" GET, ">" OK_2}, "between"},
	{"answered in part",
	 {"<" GET, ">HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nh"},
	 "1 open, safe, begun"},
	{"no body: 204", {"<" GET, ">HTTP/1.1 204 No Content\r\n\r\n"}, "between"},
	{"no body: 304 with a length",
	 {"<" GET, ">HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n"},
	 "between"},
	{"no body: HEAD",
	 {"<HEAD / HTTP/1.1\r\n\r\n", ">HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"},
	 "between"},
	{"HEAD, chunked in name",
	 {"<HEAD / HTTP/1.1\r\n\r\n", ">HTTP/1.1 200 OK\r\n" CHUNKED},
	 "between"},
	{"chunks", {"<" GET, ">HTTP/1.1 200 OK\r\n" CHUNKED "3\r\nabc\r\n0\r\n\r\n"}, "between"},
	{"chunks and trailers",
	 {"<" GET, ">HTTP/1.1 200 OK\r\n" CHUNKED "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"},
	 "between"},
	{"chunks that go on",
	 {"<" GET, ">HTTP/1.1 200 OK\r\n" CHUNKED "3\r\nabc\r\n"},
	 "1 open, safe, begun"},
	{"until the end", {"<" GET, ">HTTP/1.1 200 OK\r\n\r\nhello"}, "1 open, safe, begun, last"},
	{"until the end, which came",
	 {"<" GET, ">HTTP/1.1 200 OK\r\n\r\nhello", "."},
	 "between, last"},
	{"half an answer at the end",
	 {"<" GET, ">HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", "."},
	 "1 open, safe, begun"},
	{"POST", {"<POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab"}, "1 open, other, coming"},
	{"POST that is whole",
	 {"<POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"},
	 "1 open, other"},
	{"POST in chunks",
	 {"<POST / HTTP/1.1\r\n" CHUNKED "3\r\nabc\r\n0\r\n\r\n"},
	 "1 open, other"},
	{"PUT", {"<PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"}, "1 open, idempotent"},
	{"DELETE", {"<DELETE / HTTP/1.1\r\n\r\n"}, "1 open, idempotent"},
	/* interim answers */
	{"100", {"<" GET, ">HTTP/1.1 100 Continue\r\n\r\n"}, "1 open, safe, begun"},
	{"103 then 200", {"<" GET, ">HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK_2}, "between"},
	{"an early answer",
	 {"<POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nab",
	  ">HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"},
	 "1 open, other, coming, early"},
	{"an early answer, and the rest",
	 {"<POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab",
	  ">HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", "<cd"},
	 "between"},
	/* pipelines */
	{"two requests", {"<" GET GET}, "2 open, safe"},
	{"one of two answered", {"<" GET GET, ">" OK_2}, "1 open, safe"},
	{"both answered",
	 {"<" GET "HEAD / HTTP/1.1\r\n\r\n",
	  ">" OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"},
	 "between"},
	/* the last */
	{"Connection: close",
	 {"<GET / HTTP/1.1\r\nConnection: close\r\n\r\n", ">" OK_2},
	 "between, last"},
	{"close in a list",
	 {"<" GET, ">HTTP/1.1 200 OK\r\nConnection: x , Close\r\nContent-Length: 0\r\n\r\n"},
	 "between, last"},
	{"HTTP/1.0",
	 {"<GET / HTTP/1.0\r\n\r\n", ">HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"},
	 "between, last"},
	{"HTTP/1.0 kept alive",
	 {"<GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	  ">HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n"},
	 "between"},
	{"an upgrade that was not taken",
	 {"<GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", ">" OK_2},
	 "between"},
	/* what is pinned */
	{"101",
	 {"<GET / HTTP/1.1\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
	  ">HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"},
	 "pinned, switched"},
	{"CONNECT", {"<CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"}, "pinned"},
	{"HTTP/2", {"<PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}, "pinned"},
	{"TLS", {"<\x16\x03\x01"}, "pinned"},
	{"another protocol", {"<hello\r\n"}, "pinned"},
	{"a server that speaks first", {">220 hello\r\n"}, "pinned"},
	{"an answer that nobody asked for", {"<" GET, ">" OK_2 OK_2}, "pinned"},
	{"an answer before its head ended", {"<GET / HT", ">" OK_2}, "pinned"},
	{"HTTP/0.9", {"<GET /\r\n"}, "pinned"},
	{"HTTP/1.2", {"<GET / HTTP/1.2\r\n\r\n"}, "pinned"},
	{"an empty line first", {"<\r\n" GET}, "pinned"},
	{"a bare LF", {"<GET / HTTP/1.1\nHost: x\r\n\r\n"}, "pinned"},
	{"a bare LF after a field", {"<GET / HTTP/1.1\r\nHost: x\n\r\n"}, "pinned"},
	{"a bare LF at the end", {"<GET / HTTP/1.1\r\nHost: x\r\n\n"}, "pinned"},
	{"a bare CR", {"<GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n"}, "pinned"},
	{"a folded field", {"<GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n"}, "pinned"},
	{"a fold at once", {"<GET / HTTP/1.1\r\n Host: x\r\n\r\n"}, "pinned"},
	{"a blank before the colon",
	 {"<POST / HTTP/1.1\r\nContent-Length : 3\r\n\r\nabc"},
	 "pinned"},
	{"a field without a name", {"<GET / HTTP/1.1\r\n: x\r\n\r\n"}, "pinned"},
	{"a field without a colon", {"<GET / HTTP/1.1\r\nHost\r\n\r\n"}, "pinned"},
	{"a control character", {"<GET / HTTP/1.1\r\nHost: \x01\r\n\r\n"}, "pinned"},
	{"two lengths",
	 {"<POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"},
	 "pinned"},
	{"a list of lengths", {"<POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\nx"}, "pinned"},
	{"a signed length", {"<POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\nx"}, "pinned"},
	{"a length of nothing", {"<POST / HTTP/1.1\r\nContent-Length:\r\n\r\n"}, "pinned"},
	{"a hexadecimal length", {"<POST / HTTP/1.1\r\nContent-Length: 0x1\r\n\r\nx"}, "pinned"},
	{"a huge length",
	 {"<POST / HTTP/1.1\r\nContent-Length: 18446744073709551617\r\n\r\nx"},
	 "pinned"},
	{"a length and chunks",
	 {"<POST / HTTP/1.1\r\nContent-Length: 1\r\n" CHUNKED "0\r\n\r\n"},
	 "pinned"},
	{"chunks and a length",
	 {"<POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n"},
	 "pinned"},
	{"chunked twice",
	 {"<POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" CHUNKED "0\r\n\r\n"},
	 "pinned"},
	{"another coding",
	 {"<POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
	 "pinned"},
	{"a coding that is almost chunked",
	 {"<POST / HTTP/1.1\r\nTransfer-Encoding: chunkedx\r\n\r\n0\r\n\r\n"},
	 "pinned"},
	{"chunks in HTTP/1.0", {"<POST / HTTP/1.0\r\n" CHUNKED "0\r\n\r\n"}, "pinned"},
	{"chunks in an answer of HTTP/1.0",
	 {"<" GET, ">HTTP/1.0 200 OK\r\n" CHUNKED "0\r\n\r\n"},
	 "pinned"},
	{"a chunk's extension",
	 {"<POST / HTTP/1.1\r\n" CHUNKED "3;a=b\r\nabc\r\n0\r\n\r\n"},
	 "pinned"},
	{"a chunk's size with a sign",
	 {"<POST / HTTP/1.1\r\n" CHUNKED "+3\r\nabc\r\n0\r\n\r\n"},
	 "pinned"},
	{"a chunk without an end",
	 {"<POST / HTTP/1.1\r\n" CHUNKED "3\r\nabcd\r\n0\r\n\r\n"},
	 "pinned"},
	{"a chunk that ends with LF",
	 {"<POST / HTTP/1.1\r\n" CHUNKED "3\nabc\r\n0\r\n\r\n"},
	 "pinned"},
	{"a chunk of no size", {"<POST / HTTP/1.1\r\n" CHUNKED "\r\nabc\r\n0\r\n\r\n"}, "pinned"},
	{"a length among the trailers",
	 {"<POST / HTTP/1.1\r\n" CHUNKED "0\r\nContent-Length: 3\r\n\r\n"},
	 "pinned"},
	{"a body of HEAD", {"<HEAD / HTTP/1.1\r\nContent-Length: 1\r\n\r\nx"}, "pinned"},
	{"a length of 204", {"<" GET, ">HTTP/1.1 204 No\r\nContent-Length: 2\r\n\r\n"}, "pinned"},
	{"an answer of no class",
	 {"<" GET, ">HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n"},
	 "pinned"},
	{"a request after the last",
	 {"<GET / HTTP/1.1\r\nConnection: close\r\n\r\n" GET},
	 "pinned"},
	{"a start line of too many parts", {"<GET / x HTTP/1.1\r\n\r\n"}, "pinned"},
	{"two blanks in a start line", {"<GET  / HTTP/1.1\r\n\r\n"}, "pinned"},
	{"a method in small letters", {"<get / HTTP/1.1\r\n\r\n"}, "pinned"},
};

static const char *const kinds[] = {"safe", "idempotent", "other"};

static const char *tell(const struct follow *f)
{
	static char text[128];

	if (follow_pinned(f, NULL)) {
		return follow_switched(f) ? "pinned, switched" : "pinned";
	}
	if (follow_between(f)) {
		return follow_last(f) ? "between, last" : "between";
	}
	(void)snprintf(text, sizeof(text), "%u open, %s%s%s%s%s", follow_open(f),
		       follow_head_open(f) ? "head" : kinds[follow_kind(f)],
		       !follow_head_open(f) && !follow_requests_whole(f) ? ", coming" : "",
		       follow_answer_begun(f) ? ", begun" : "",
		       follow_answered_early(f) ? ", early" : "", follow_last(f) ? ", last" : "");
	return text;
}

/* step: bytes at a time; cut: one more cut, that many bytes into each piece. */
static const char *play(const struct row *row, size_t step, size_t cut)
{
	static struct follow f;

	follow_start(&f);
	for (size_t i = 0; i < PIECES_MAX && row->said[i]; i++) {
		const char *piece = row->said[i] + 1;
		const size_t len = strlen(piece);
		const enum follow_side who = row->said[i][0] == '<' ? FOLLOW_CLIENT : FOLLOW_WORKER;

		if (row->said[i][0] == '.') {
			follow_ended(&f, FOLLOW_WORKER);
		}
		for (size_t at = 0; at < len;) {
			size_t n = step < len - at ? step : len - at;

			n = at < cut && at + n > cut ? cut - at : n;
			follow_heard(&f, who, piece + at, n);
			at += n;
		}
	}
	return tell(&f);
}

START_TEST(each_row_is_understood_whole)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *known = play(&rows[i], SIZE_MAX, 0);

		ck_assert_msg(strcmp(known, rows[i].known) == 0, "%s: %s", rows[i].name, known);
	}
}
END_TEST

START_TEST(each_row_is_understood_however_it_is_cut)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *known = play(&rows[i], 1, 0);

		ck_assert_msg(strcmp(known, rows[i].known) == 0, "%s, byte by byte: %s",
			      rows[i].name, known);
		for (size_t cut = 1; cut < 120; cut++) {
			known = play(&rows[i], SIZE_MAX, cut);
			ck_assert_msg(strcmp(known, rows[i].known) == 0, "%s, cut at %zu: %s",
				      rows[i].name, cut, known);
		}
	}
}
END_TEST

START_TEST(bodies_of_known_length_may_pass_unseen)
{
	static struct follow f;
	static const char post[] = "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n";
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 3000000000\r\n\r\n";

	follow_start(&f);
	follow_heard(&f, FOLLOW_CLIENT, post, strlen(post));
	ck_assert_uint_eq(follow_unseen(&f, FOLLOW_CLIENT), 1000);
	ck_assert_uint_eq(follow_unseen(&f, FOLLOW_WORKER), 0);
	follow_skip(&f, FOLLOW_CLIENT, 999);
	ck_assert(!follow_requests_whole(&f));
	follow_heard(&f, FOLLOW_CLIENT, "x", 1);
	ck_assert(follow_requests_whole(&f));
	follow_heard(&f, FOLLOW_WORKER, answer, strlen(answer));
	ck_assert_uint_eq(follow_unseen(&f, FOLLOW_WORKER), 3000000000u);
	follow_skip(&f, FOLLOW_WORKER, 3000000000u);
	ck_assert(follow_between(&f));
}
END_TEST

START_TEST(what_nobody_counts_passes_unseen_too)
{
	static struct follow f;
	static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n";

	follow_start(&f);
	follow_heard(&f, FOLLOW_CLIENT, GET, strlen(GET));
	follow_heard(&f, FOLLOW_WORKER, answer, strlen(answer));
	ck_assert(follow_unseen(&f, FOLLOW_WORKER) == UINT64_MAX);
	follow_skip(&f, FOLLOW_WORKER, 1 << 20);
	follow_ended(&f, FOLLOW_WORKER);
	ck_assert(follow_between(&f) && follow_last(&f));
	follow_start(&f);
	follow_heard(&f, FOLLOW_CLIENT, "\x16\x03", 2);
	ck_assert(follow_unseen(&f, FOLLOW_CLIENT) == UINT64_MAX);
}
END_TEST

START_TEST(more_requests_at_once_than_are_remembered_are_not_followed)
{
	static struct follow f;
	const char *why = NULL;

	follow_start(&f);
	for (int i = 0; i < FOLLOW_OPEN_MAX; i++) {
		follow_heard(&f, FOLLOW_CLIENT, GET, strlen(GET));
	}
	ck_assert_uint_eq(follow_open(&f), FOLLOW_OPEN_MAX);
	ck_assert(!follow_pinned(&f, NULL));
	for (int i = 0; i < FOLLOW_OPEN_MAX; i++) {
		follow_heard(&f, FOLLOW_WORKER, OK_2, strlen(OK_2));
	}
	ck_assert(follow_between(&f));
	for (int i = 0; i <= FOLLOW_OPEN_MAX; i++) {
		follow_heard(&f, FOLLOW_CLIENT, GET, strlen(GET));
	}
	ck_assert(follow_pinned(&f, &why));
	ck_assert_str_eq(why, "too many requests at once");
}
END_TEST

START_TEST(a_head_that_does_not_end_is_not_followed_for_ever)
{
	static struct follow f;

	follow_start(&f);
	follow_heard(&f, FOLLOW_CLIENT, "GET / HTTP/1.1\r\n", 16);
	for (int i = 0; i < STRICT_HEAD_MAX / 8; i++) {
		follow_heard(&f, FOLLOW_CLIENT, "A: b12\r\n", 8);
	}
	ck_assert(follow_pinned(&f, NULL));
}
END_TEST

int main(void)
{
	return suite_run("relay_follow", each_row_is_understood_whole,
			 each_row_is_understood_however_it_is_cut,
			 bodies_of_known_length_may_pass_unseen,
			 what_nobody_counts_passes_unseen_too,
			 more_requests_at_once_than_are_remembered_are_not_followed,
			 a_head_that_does_not_end_is_not_followed_for_ever);
}
