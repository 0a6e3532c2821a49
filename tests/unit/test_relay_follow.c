#include "relay/follow.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

/* What is said, in order: 'c' and 'w' are client and worker, 'C' and 'W' end their halves. */
struct said {
	char who;
	const char *text;
};

struct row {
	struct said said[8];
	const char *verdict;
};

#define GET	    "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(...)   "POST / HTTP/1.1\r\n" __VA_ARGS__ "\r\n"
#define OK(...)	    "HTTP/1.1 200 OK\r\n" __VA_ARGS__ "\r\n"
#define EMPTY	    OK("Content-Length: 0\r\n")
#define LENGTH(...) "Content-Length: " #__VA_ARGS__ "\r\n"
#define CHUNKED	    "Transfer-Encoding: chunked\r\n"

static const char *verdict(const struct follow *f)
{
	static char text[128];

	if (follow_pinned(f, NULL)) {
		return follow_switched(f) ? "switched" : "pinned";
	}
	if (follow_between(f)) {
		ck_assert_uint_eq(follow_open(f), 0);
		return follow_client_last(f) ? "between, the client's last"
		       : follow_last(f)	     ? "between last"
					     : "between";
	}
	(void)snprintf(text, sizeof(text), "open %u%s%s%s%s%s", follow_open(f),
		       follow_head_open(f)	  ? " head"
		       : follow_requests_whole(f) ? ""
						  : " body",
		       follow_answer_begun(f) ? " answer" : "",
		       follow_answered_early(f) ? " early" : "", follow_last(f) ? " last" : "",
		       follow_kind(f) == REQUEST_SAFE	      ? " safe"
		       : follow_kind(f) == REQUEST_IDEMPOTENT ? " idempotent"
							      : "");
	return text;
}

static enum follow_side side_of(char who)
{
	return who == 'c' || who == 'C' ? FOLLOW_CLIENT : FOLLOW_WORKER;
}

/* As a relay that splices does it: what may pass unseen is not shown. */
static void pass(struct follow *f, enum follow_side who, const char *data, size_t len, bool splice)
{
	while (len) {
		const uint64_t unseen = splice ? follow_unseen(f, who) : 0;
		const size_t n = unseen && unseen < len ? (size_t)unseen : len;

		if (unseen) {
			follow_skip(f, who, n);
		} else {
			follow_heard(f, who, data, n);
		}
		data += n;
		len -= n;
	}
}

/* The byte at cut (of all that is said) begins a piece; with step not 0 every step-th one does. */
static const char *hear(const struct row *row, size_t cut, size_t step, bool splice)
{
	static struct follow_memo memo; /* of all rows before, too */
	struct follow f;
	size_t said = 0;

	follow_start(&f, splice ? &memo : NULL);
	for (const struct said *s = row->said; s->who; s++) {
		const char *text = s->text ? s->text : "";

		if (!s->text) {
			follow_ended(&f, side_of(s->who));
		}
		for (size_t at = 0, len = strlen(text), n; at < len; at += n, said += n) {
			n = step ? step : said < cut ? cut - said : len - at;
			n = n < len - at ? n : len - at;
			pass(&f, side_of(s->who), text + at, n, splice);
		}
	}
	return verdict(&f);
}

static void check_row(const struct row *row)
{
	size_t len = 0;

	for (const struct said *s = row->said; s->who; s++) {
		len += s->text ? strlen(s->text) : 0;
	}
	for (size_t i = 0; i < 2 * len + 6; i++) {
		const size_t cut = i < 2 * len ? i / 2 : 0, step = i < 2 * len ? 0 : i / 2 - len;
		const char *is = hear(row, cut, step, i % 2);

		ck_assert_msg(strcmp(is, row->verdict) == 0,
			      "cut at %zu, step %zu, %s\n%c: %s\n%c: %s\nis %s, should be %s", cut,
			      step, i % 2 ? "spliced" : "heard", row->said[0].who,
			      row->said[0].text, row->said[1].who ? row->said[1].who : '-',
			      row->said[1].who ? row->said[1].text : "", is, row->verdict);
	}
}

#define check_rows(rows)                                                   \
	for (size_t i_ = 0; i_ < sizeof(rows) / sizeof((rows)[0]); i_++) { \
		check_row(&(rows)[i_]);                                    \
	}

static const struct row requests[] = {
	{{{'c', "G"}}, "open 1 head"},
	{{{'c', "GET / HTTP/1.1\r\nHost: x\r\n\r"}}, "open 1 head"},
	{{{'c', GET}}, "open 1 safe"},
	{{{'c', "HEAD / HTTP/1.1\r\n\r\n"}}, "open 1 safe"},
	{{{'c', "OPTIONS * HTTP/1.1\r\n\r\n"}}, "open 1 safe"},
	{{{'c', "BAN /x HTTP/1.1\r\n\r\n"}}, "open 1"},
	{{{'c', "X-9!_ / HTTP/1.0\r\n\r\n"}}, "open 1 last"},
	{{{'c', "A2345678901234567890123456789012 / HTTP/1.1\r\n\r\n"}}, "open 1"},
	{{{'c', "Q"}}, "open 1 head"},
	{{{'c', "QUERY "}}, "open 1 head"},
	{{{'c', "QUERY /x HTTP/1.1\r\n" LENGTH(5) "\r\nhell"}}, "open 1 body"},
	{{{'c', "QUERY /x HTTP/1.1\r\n" LENGTH(5) "\r\nhello"}}, "open 1"},
	{{{'c', "PROPFIND /x HTTP/1.1\r\n" CHUNKED "\r\n5\r\nhello\r\n0\r\n\r\n"}}, "open 1"},
	{{{'c', "DELETE /x HTTP/1.1\r\n\r\n"}}, "open 1 idempotent"},
	{{{'c', "PUT /x HTTP/1.1\r\n" LENGTH(2) "\r\nh"}}, "open 1 body idempotent"},
	{{{'c', "PUT /x HTTP/1.1\r\n" LENGTH(2) "\r\nhi"}}, "open 1 idempotent"},
	{{{'c', POST()}}, "open 1"},
	{{{'c', POST(LENGTH(0))}}, "open 1"},
	{{{'c', POST(LENGTH(5)) "hell"}}, "open 1 body"},
	{{{'c', POST(LENGTH(5)) "hello"}}, "open 1"},
	{{{'c', POST("content-LENGTH:  5\r\n") "\r\n\r\n\n"}}, "open 1"},
	{{{'c', POST("Content-Length:\t 5 \r\n") "hello"}}, "open 1"},
	{{{'c', "\r\n" GET}}, "open 1 safe"},
	{{{'c', "\r"}}, "open 0 head"},
	{{{'c', "\r\n\r\n"}}, "between"},
	{{{'c', POST(LENGTH(5)) "hello\r\n"}}, "open 1"},
	{{{'c', POST(CHUNKED)}}, "open 1 body"},
	{{{'c', POST(CHUNKED) "5\r\nhello\r\n0\r\n"}}, "open 1 body"},
	{{{'c', POST(CHUNKED) "5\r\nhello\r\n00a\r\n0123456789\r\n0\r\n\r\n"}}, "open 1"},
	{{{'c', POST(CHUNKED) "0\r\nX-Sum: 1\r\nX-More:\r\n\r\n"}}, "open 1"},
	{{{'c', POST(CHUNKED) "0\r\nX-Sum: 1\r\n"}}, "open 1 body"},
	{{{'c', "GET / HTTP/1.0\r\n\r\n"}}, "open 1 last safe"},
	{{{'c', "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"}}, "open 1 safe"},
	{{{'c', "GET / HTTP/1.1\r\nConnection: te , Close\r\n\r\n"}}, "open 1 last safe"},
	{{{'c', "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"}},
	 "open 1 safe"},
	{{{'c', "GET / HTTP/1.1\r\nX: a\tb \xc3\xa4 c\r\nY:\r\n\r\n"}}, "open 1 safe"},
	{{{'c', "GET / HTTP/1.1\r\nContent-Lengths: 5\r\nContentsLength: 6\r\n\r\n"}},
	 "open 1 safe"},
};

START_TEST(a_request_is_followed_to_its_end)
{
	check_rows(requests);
}
END_TEST

static const struct row exchanges[] = {
	{{{'c', GET}, {'w', "H"}}, "open 1 answer safe"},
	{{{'c', GET}, {'w', OK(LENGTH(5)) "hell"}}, "open 1 answer safe"},
	{{{'c', GET}, {'w', OK(LENGTH(5)) "hello"}}, "between"},
	{{{'c', GET}, {'w', EMPTY}}, "between"},
	{{{'c', GET}, {'w', "HTTP/1.1 200\r\n" LENGTH(0) "\r\n"}}, "between"},
	{{{'c', GET}, {'w', EMPTY}, {'c', GET}, {'w', EMPTY}}, "between"},
	{{{'c', "QUERY / HTTP/1.1\r\n\r\n"}, {'w', OK(LENGTH(5)) "hello"}}, "between"},
	{{{'c', "QUERY / HTTP/1.1\r\n\r\n" GET}, {'w', EMPTY}}, "open 1 safe"},
	{{{'c', POST(LENGTH(5)) "hello\r\n"}, {'w', EMPTY}}, "between"},
	{{{'c', POST(LENGTH(5)) "hello\r"}, {'w', EMPTY}}, "open 0 head"},
	{{{'c', POST(LENGTH(5)) "hello\r"}, {'w', EMPTY}, {'c', "\n" GET}}, "open 1 safe"},
	{{{'c', GET}, {'w', EMPTY}, {'c', "P"}}, "open 1 head"},
	{{{'c', GET}, {'w', OK(CHUNKED) "5\r\nhello\r\n0\r\n\r"}}, "open 1 answer safe"},
	{{{'c', GET}, {'w', OK(CHUNKED) "5\r\nhello\r\n0\r\n\r\n"}}, "between"},
	{{{'c', GET}, {'w', OK(CHUNKED) "0\r\nServer-Timing: 3\r\n\r\n"}}, "between"},
	/* until the end */
	{{{'c', GET}, {'w', OK() "hello"}}, "open 1 answer last safe"},
	{{{'c', GET}, {'w', OK() "hello"}, {'W', NULL}}, "between last"},
	{{{'c', GET}, {'w', "HTTP/1.0 200 OK\r\n\r\nhello"}, {'W', NULL}}, "between last"},
	{{{'c', GET}, {'w', OK(LENGTH(5)) "hell"}, {'W', NULL}}, "open 1 answer safe"},
	{{{'c', GET}, {'W', NULL}}, "open 1 safe"},
	/* the last one */
	{{{'c', "GET / HTTP/1.0\r\n\r\n"}, {'w', EMPTY}}, "between, the client's last"},
	{{{'c', "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"}, {'w', EMPTY}},
	 "between, the client's last"},
	{{{'c', GET}, {'w', "HTTP/1.0 200 OK\r\n" LENGTH(0) "\r\n"}}, "between last"},
	{{{'c', GET}, {'w', "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" LENGTH(0) "\r\n"}},
	 "between"},
	{{{'c', GET}, {'w', OK(LENGTH(0) "Connection: close\r\n")}}, "between last"},
	{{{'c', GET}, {'w', OK(LENGTH(0) "Connection: close\r\n")}, {'c', "G"}}, "pinned"},
	/* no body */
	{{{'c', "HEAD / HTTP/1.1\r\n\r\n"}, {'w', OK(LENGTH(5))}}, "between"},
	{{{'c', "HEAD / HTTP/1.1\r\n\r\n"}, {'w', OK(CHUNKED)}}, "between"},
	{{{'c', "HEAD / HTTP/1.1\r\n\r\n"}, {'w', OK()}}, "between"},
	{{{'c', "HEAD / HTTP/1.1\r\n\r\n"}, {'w', OK(LENGTH(5)) "h"}}, "pinned"},
	{{{'c', GET}, {'w', "HTTP/1.1 204 No Content\r\n\r\n"}}, "between"},
	{{{'c', GET}, {'w', "HTTP/1.1 204 No Content\r\n" LENGTH(0) "\r\n"}}, "between"},
	{{{'c', GET}, {'w', "HTTP/1.1 204 No Content\r\n" LENGTH(5) "\r\n"}}, "pinned"},
	{{{'c', GET}, {'w', "HTTP/1.1 204 No Content\r\n" CHUNKED "\r\n"}}, "pinned"},
	{{{'c', GET}, {'w', "HTTP/1.1 304 Not Modified\r\n" LENGTH(5) "\r\n"}}, "between"},
	{{{'c', GET}, {'w', "HTTP/1.1 304 Not Modified\r\n" CHUNKED "\r\n"}}, "pinned"},
	/* no answers yet */
	{{{'c', GET}, {'w', "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"}}, "open 1 answer safe"},
	{{{'c', GET}, {'w', "HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\n\r\n" EMPTY}}, "between"},
	{{{'c', GET}, {'w', "HTTP/1.1 104 Upload Resumption\r\n\r\n"}}, "pinned"},
	{{{'c', GET}, {'w', "HTTP/1.1 100 Continue\r\n" LENGTH(0) "\r\n"}}, "pinned"},
	{{{'c', "GET / HTTP/1.0\r\n\r\n"}, {'w', "HTTP/1.1 100 Continue\r\n\r\n"}}, "pinned"},
	{{{'c', "GET / HTTP/1.0\r\n\r\n"}, {'w', OK(CHUNKED) "0\r\n\r\n"}}, "pinned"},
	/* a protocol of their own */
	{{{'c', "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"},
	  {'w', "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
		"Upgrade: websocket\r\n\r\n"}},
	 "switched"},
	{{{'c', "POST / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n" LENGTH(2) "\r\nhi"},
	  {'w', EMPTY},
	  {'c', GET},
	  {'w', EMPTY}},
	 "between"},
	/* the kinds are those of the oldest */
	{{{'c', GET POST() "PUT / HTTP/1.1\r\n\r\n"}}, "open 3 safe"},
	{{{'c', GET POST() "PUT / HTTP/1.1\r\n\r\n"}, {'w', EMPTY}}, "open 2"},
	{{{'c', GET POST() "PUT / HTTP/1.1\r\n\r\n"}, {'w', EMPTY EMPTY}}, "open 1 idempotent"},
	{{{'c', GET "HEAD / HTTP/1.1\r\n\r\nGE"}, {'w', EMPTY OK(LENGTH(5))}}, "open 1 head"},
	{{{'c', GET GET}, {'w', EMPTY EMPTY}}, "between"},
	{{{'c', GET GET}, {'w', EMPTY EMPTY "H"}}, "pinned"},
	{{{'c', GET "GET / HTTP/1.1\r\nConnection: close\r\n\r\n" GET}}, "pinned"},
};

START_TEST(an_exchange_is_followed_to_its_end)
{
	check_rows(exchanges);
}
END_TEST

#define EXPECTS POST("Expect: 100-continue\r\n" LENGTH(5))
#define TOO_BIG "HTTP/1.1 413 Too Big\r\n" LENGTH(3) "\r\nbig"

static const struct row early[] = {
	{{{'c', POST(LENGTH(9)) "hello"}, {'w', TOO_BIG}}, "open 1 body early"},
	{{{'c', POST(LENGTH(9)) "hello"}, {'w', TOO_BIG}, {'c', "more"}}, "between"},
	{{{'c', POST(CHUNKED) "5\r\nhe"}, {'w', TOO_BIG}, {'c', "llo\r\n0\r\n\r\n"}}, "between"},
	{{{'c', POST(LENGTH(9)) "hello"}, {'w', TOO_BIG}, {'c', "more" GET}}, "open 1 safe"},
	{{{'c', "PUT / HTTP/1.1\r\n" LENGTH(1) "\r\n"}, {'w', TOO_BIG}, {'c', "1" POST()}},
	 "open 1"},
	{{{'c', POST(LENGTH(9)) "hello"}, {'w', TOO_BIG "H"}}, "pinned"},
	{{{'c', POST(LENGTH(9)) "hello"}, {'w', OK() "x"}, {'c', "more"}}, "open 1 answer last"},
	{{{'c', POST(LENGTH(9)) "hello"}, {'w', OK() "x"}, {'W', NULL}, {'c', "more"}},
	 "between last"},
	{{{'c', GET POST(LENGTH(9))}, {'w', EMPTY}}, "open 1 body"},
	/* 100-continue */
	{{{'c', EXPECTS}, {'w', "HTTP/1.1 100 Continue\r\n\r\n"}}, "open 1 body answer"},
	{{{'c', EXPECTS}, {'w', "HTTP/1.1 100 Continue\r\n\r\n"}, {'c', "hello"}}, "open 1 answer"},
	{{{'c', EXPECTS}, {'w', "HTTP/1.1 100 C\r\n\r\n"}, {'c', "hello"}, {'w', EMPTY}},
	 "between"},
	{{{'c', EXPECTS}, {'w', "HTTP/1.1 100 C\r\n\r\n" TOO_BIG}, {'c', "hello"}}, "between"},
	{{{'c', EXPECTS "hello"}, {'w', EMPTY}}, "between"},
	{{{'c', EXPECTS "he"}, {'w', TOO_BIG}, {'c', "llo"}}, "between"},
	/* answered at once: a body and a new request look alike */
	{{{'c', EXPECTS}, {'w', TOO_BIG}}, "open 1 body early"},
	{{{'c', EXPECTS}, {'w', TOO_BIG}, {'c', "hello"}}, "pinned"},
	{{{'c', EXPECTS}, {'w', TOO_BIG}, {'c', GET}}, "pinned"},
	{{{'c', EXPECTS}, {'w', OK(LENGTH(3)) "b"}, {'c', "h"}}, "pinned"},
	{{{'c', POST("Expect: 100-continue\r\n" CHUNKED)}, {'w', TOO_BIG}, {'c', "0"}}, "pinned"},
};

START_TEST(final_answers_are_counted_once_and_errors_among_them)
{
	struct follow f;
	unsigned n, errors;

	follow_start(&f, NULL);
	follow_heard(&f, FOLLOW_CLIENT, GET GET GET, 3 * strlen(GET));
	follow_heard(&f, FOLLOW_WORKER, "HTTP/1.1 103 Early Hints\r\n\r\n", 28);
	follow_take_answers(&f, &n, &errors);
	ck_assert_uint_eq(n + errors, 0);
	follow_heard(&f, FOLLOW_WORKER, EMPTY "HTTP/1.1 503 X\r\n" LENGTH(0) "\r\n",
		     strlen(EMPTY) + 16 + strlen(LENGTH(0)) + 2);
	follow_take_answers(&f, &n, &errors);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(errors, 1);
	follow_heard(&f, FOLLOW_WORKER, "HTTP/1.1 499 X\r\n" LENGTH(0) "\r\n",
		     16 + strlen(LENGTH(0)) + 2);
	follow_take_answers(&f, &n, &errors);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(errors, 0);
	ck_assert(follow_between(&f));
}
END_TEST

START_TEST(an_early_answer_leaves_the_request_open)
{
	check_rows(early);
}
END_TEST

static const struct row unasked[] = {
	{{{'w', "H"}}, "pinned"},
	{{{'w', "220 mail ready\r\n"}}, "pinned"},
	{{{'c', "GET / HTTP/1.1\r\n"}, {'w', "HTTP/1.1 408 Request Timeout\r\n"}}, "pinned"},
	{{{'c', "GET / HTTP/1.1\r\n"}, {'w', "H"}, {'c', "\r\n"}}, "pinned"},
	{{{'c', GET}, {'w', EMPTY "HTTP/1.1 408 Request Timeout\r\n\r\n"}}, "pinned"},
	{{{'c', GET}, {'w', EMPTY "\r\n"}}, "pinned"},
	{{{'c', GET}, {'w', OK(LENGTH(1)) "12"}}, "pinned"},
	{{{'c', GET}, {'w', OK(CHUNKED) "0\r\n\r\n0"}}, "pinned"},
	{{{'c', GET "G"}, {'w', EMPTY}}, "open 1 head"},
};

START_TEST(what_nobody_asked_for_pins)
{
	check_rows(unasked);
}
END_TEST

/* Behind a request line. */
static const char *const bad_fields[] = {
	" X: folded\r\n\r\n",
	"X: a\r\n folded\r\n\r\n",
	"X: a\r\n\tfolded\r\n\r\n",
	"X : a\r\n\r\n",
	"X\t: a\r\n\r\n",
	"X Y: a\r\n\r\n",
	": a\r\n\r\n",
	"X\r\n\r\n",
	"X\n\r\n",
	"X: a\n\r\n",
	"X: a\r\r\n\r\n",
	"X: a\rb\r\n\r\n",
	"X: a\r\n\n",
	"X: a\r\n\rb",
	"\n",
	"X: a\x01\r\n\r\n",
	"X: a\x7f\r\n\r\n",
	"X: 0123456789abc\x1f\r\n\r\n",
	"X: 01234567\x7f"
	"89abc\r\n\r\n",
	"X(: a\r\n\r\n",
	"X\xc3\xa4: a\r\n\r\n",
	LENGTH(5) LENGTH(5) "\r\n",
	LENGTH(5) LENGTH(6) "\r\n",
	LENGTH(0) LENGTH(0) "\r\n",
	LENGTH(5) CHUNKED "\r\n",
	CHUNKED LENGTH(5) "\r\n",
	CHUNKED CHUNKED "\r\n",
	LENGTH(5, 5) "\r\n",
	LENGTH(+5) "\r\n",
	LENGTH(-5) "\r\n",
	LENGTH(05) "\r\n",
	LENGTH(0x5) "\r\n",
	LENGTH(5 5) "\r\n",
	LENGTH(5.0) "\r\n",
	LENGTH(1e1) "\r\n",
	LENGTH(1_0) "\r\n",
	LENGTH(1234567890123456789) "\r\n",
	LENGTH(99999999999999999999999999999999999999999999999999999999999999999999999) "\r\n",
	"Content-Length:\r\n\r\n",
	"Content-Length: \r\n\r\n",
	"Content-Length: 5\t\r\n\r\n",
	"Content-Length:\t+5\r\n\r\n",
	"Content-Length: 5 5\r\n\r\n",
	"Content-Length:\t\r\n\r\n",
	"Content-Length : 5\r\n\r\n",
	"Content_Length: 5\r\n\r\n",
	"content.length: 5\r\n\r\n",
	"Transfer-Encoding: identity\r\n\r\n",
	"Transfer-Encoding: gzip\r\n\r\n",
	"Transfer-Encoding: gzip, chunked\r\n\r\n",
	"Transfer-Encoding: chunked, identity\r\n\r\n",
	"Transfer-Encoding: chunked, chunked\r\n\r\n",
	"Transfer-Encoding: chunked;q=1\r\n\r\n",
	"Transfer-Encoding: \"chunked\"\r\n\r\n",
	"Transfer-Encoding: xchunked\r\n\r\n",
	"Transfer-Encoding: chunke\r\n\r\n",
	"Transfer-Encoding: chunked \r\n\r\n",
	"Transfer-Encoding:\tchunked\r\n\r\n",
	"Transfer-Encoding:\x0b"
	"chunked\r\n\r\n",
	"Transfer-Encoding:\r\n\r\n",
	"Transfer-Encoding:\r\n chunked\r\n\r\n",
	"Transfer_Encoding: chunked\r\n\r\n",
	"Connection: close\r\nConnection: keep-alive\r\n\r\n",
	"Connection: keep-alive, close\r\n\r\n",
	CHUNKED "\r\n;x\r\n",
	CHUNKED "\r\n5;x=y\r\n",
	CHUNKED "\r\n5;\n",
	CHUNKED "\r\n5 \r\n",
	CHUNKED "\r\n 5\r\n",
	CHUNKED "\r\n+5\r\n",
	CHUNKED "\r\n-5\r\n",
	CHUNKED "\r\n0x5\r\n",
	CHUNKED "\r\n5_0\r\n",
	CHUNKED "\r\n\r\n",
	CHUNKED "\r\n5\n",
	CHUNKED "\r\n5\rh",
	CHUNKED "\r\n11111111111111111\r\n",
	CHUNKED "\r\n5\r\nhello\n",
	CHUNKED "\r\n5\r\nhello\rx",
	CHUNKED "\r\n5\r\nhello0",
	CHUNKED "\r\n0\r\n\n",
	CHUNKED "\r\n0\r\n\r\r\n",
	CHUNKED "\r\n0\r\nX: a\n",
	CHUNKED "\r\n0\r\nX: a\r\n b\r\n",
	CHUNKED "\r\n0\r\nX : a\r\n",
	CHUNKED "\r\n0\r\n: a\r\n",
	CHUNKED "\r\n0\r\nContent-Length: 5\r\n",
	CHUNKED "\r\n0\r\nTransfer-Encoding: chunked\r\n",
	CHUNKED "\r\n0\r\nConnection: close\r\n",
};

static void check_pinned(const struct said first, const struct said second)
{
	check_row(&(struct row){.said = {first, second}, .verdict = "pinned"});
}

START_TEST(fields_and_chunks_that_can_be_read_in_two_ways_pin)
{
	for (size_t i = 0; i < sizeof(bad_fields) / sizeof(bad_fields[0]); i++) {
		char request[512], answer[512];

		(void)snprintf(request, sizeof(request), "POST / HTTP/1.1\r\n%s", bad_fields[i]);
		(void)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\n%s", bad_fields[i]);
		check_pinned((struct said){'c', request}, (struct said){0});
		check_pinned((struct said){'c', GET}, (struct said){'w', answer});
	}
}
END_TEST

static const char *const bad_requests[] = {
	"\r\r",
	"\rGET / HTTP/1.1\r\n\r\n",
	"\n",
	"\n\r\n",
	" GET / HTTP/1.1\r\n\r\n",
	"get / HTTP/1.1\r\n\r\n",
	"Get / HTTP/1.1\r\n\r\n",
	"FOo / HTTP/1.1\r\n\r\n",
	"F(O / HTTP/1.1\r\n\r\n",
	"F\xc3\xa4 / HTTP/1.1\r\n\r\n",
	"A23456789012345678901234567890123 / HTTP/1.1\r\n\r\n",
	"QUERY  / HTTP/1.1\r\n\r\n",
	"QUERY /\r\n\r\n",
	"QUERY x HTTP/1.1\r\n\r\n",
	"GET  / HTTP/1.1\r\n\r\n",
	"GET /  HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1 \r\n\r\n",
	"GET\t/\tHTTP/1.1\r\n\r\n",
	"GET /a b HTTP/1.1\r\n\r\n",
	"GET  HTTP/1.1\r\n\r\n",
	"GET HTTP/1.1\r\n\r\n",
	"GET /\r\n\r\n",
	"GET /\n",
	"GET / \r\n\r\n",
	"GET /\x01 HTTP/1.1\r\n\r\n",
	"GET / HTTP/1.1\n\r\n",
	"GET / HTTP/1.1\r\r\n\r\n",
	"GET / http/1.1\r\n\r\n",
	"GET / HTTP/0.9\r\n\r\n",
	"GET / HTTP/1.2\r\n\r\n",
	"GET / HTTP/1.10\r\n\r\n",
	"GET / HTTP/01.1\r\n\r\n",
	"GET / HTTP/1\r\n\r\n",
	"GET / HTTP/2.0\r\n\r\n",
	"OPTIONS * RTSP/1.0\r\n\r\n",
	"SOURCE /a ICE/1.0\r\n\r\n",
	"CONNECT example.net:443 HTTP/1.1\r\n\r\n",
	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"PRI * HTTP/1.1\r\nHost: x\r\n",
	"HEAD / HTTP/1.1\r\n" LENGTH(5) "\r\n",
	"HEAD / HTTP/1.1\r\n" CHUNKED "\r\n",
	"TRACE / HTTP/1.1\r\n" LENGTH(5) "\r\n",
	"POST / HTTP/1.0\r\n" CHUNKED "\r\n",
	"\x16\x03\x01\x02",
	"SSH-2.0-OpenSSH_9.2\r\n",
	"EHLO example.net\r\n",
	"*1\r\n$4\r\nPING\r\n",
};

static const char *const bad_answers[] = {
	"\r\nHTTP/1.1 200 OK\r\n\r\n",
	" HTTP/1.1 200 OK\r\n\r\n",
	"HTTP/1.1  200 OK\r\n\r\n",
	"HTTP/1.1 20 OK\r\n\r\n",
	"HTTP/1.1 2000 OK\r\n\r\n",
	"HTTP/1.1 OK\r\n\r\n",
	"HTTP/1.1 099 OK\r\n\r\n",
	"HTTP/1.1 600 OK\r\n\r\n",
	"HTTP/1.1\r\n\r\n",
	"HTTP/1.1 200 OK\n\r\n",
	"HTTP/1.1 200 O\x01K\r\n\r\n",
	"HTTP/1.1 200 O\rK\r\n\r\n",
	"http/1.1 200 OK\r\n\r\n",
	"HTTP/2 200\r\n\r\n",
	"HTTP/1.2 200 OK\r\n\r\n",
	"ICY 200 OK\r\n\r\n",
	"RTSP/1.0 200 OK\r\n\r\n",
	"HTTP/1.0 200 OK\r\n" CHUNKED "\r\n",
	"<html>hello</html>",
	"\x15\x03\x03\x02\x02F",
};

START_TEST(start_lines_that_are_not_plain_http_1_pin)
{
	for (size_t i = 0; i < sizeof(bad_requests) / sizeof(bad_requests[0]); i++) {
		check_pinned((struct said){'c', bad_requests[i]}, (struct said){0});
	}
	for (size_t i = 0; i < sizeof(bad_answers) / sizeof(bad_answers[0]); i++) {
		check_pinned((struct said){'c', GET}, (struct said){'w', bad_answers[i]});
	}
}
END_TEST

static const char *after_nul(const char *data, size_t len, size_t step)
{
	struct follow f;

	follow_start(&f, NULL);
	for (size_t at = 0; at < len; at += step) {
		follow_heard(&f, FOLLOW_CLIENT, data + at, step < len - at ? step : len - at);
	}
	return verdict(&f);
}

START_TEST(nul_pins_wherever_it_stands)
{
	for (size_t at = 0; at < sizeof(GET) - 1; at++) {
		char text[] = GET;

		text[at] = '\0';
		ck_assert_str_eq(after_nul(text, sizeof(text) - 1, 1), "pinned");
		ck_assert_str_eq(after_nul(text, sizeof(text) - 1, sizeof(text)), "pinned");
	}
}
END_TEST

static void say(struct follow *f, enum follow_side who, const char *text)
{
	follow_heard(f, who, text, strlen(text));
}

START_TEST(a_head_has_a_bound)
{
	static const char field[] = "X: 0123456789012345678901234567890123456789\r\n";
	struct follow f;
	size_t len = 0;

	follow_start(&f, NULL);
	say(&f, FOLLOW_CLIENT, "GET / HTTP/1.1\r\n");
	for (; len < STRICT_HEAD_MAX / 2; len += strlen(field)) {
		say(&f, FOLLOW_CLIENT, field);
	}
	ck_assert_str_eq(verdict(&f), "open 1 head");
	for (; len < STRICT_HEAD_MAX; len += strlen(field)) {
		say(&f, FOLLOW_CLIENT, field);
	}
	ck_assert_str_eq(verdict(&f), "pinned");

	follow_start(&f, NULL);
	say(&f, FOLLOW_CLIENT, "GET /");
	for (len = 0; len < STRICT_HEAD_MAX; len++) {
		say(&f, FOLLOW_CLIENT, "x");
	}
	ck_assert_str_eq(verdict(&f), "pinned");
}
END_TEST

START_TEST(only_so_many_requests_may_be_open)
{
	struct follow f;

	follow_start(&f, NULL);
	for (int i = 0; i < FOLLOW_RUNS; i++) {
		say(&f, FOLLOW_CLIENT, i % 2 ? "HEAD / HTTP/1.1\r\n\r\n" : GET);
	}
	ck_assert_uint_eq(follow_open(&f), FOLLOW_RUNS);
	for (int i = 0; i < FOLLOW_RUNS; i++) {
		say(&f, FOLLOW_WORKER, i % 2 ? OK(LENGTH(5)) : OK(LENGTH(5)) "hello");
	}
	ck_assert_str_eq(verdict(&f), "between");
	for (int i = 0; i < FOLLOW_OPEN_MAX; i++) {
		say(&f, FOLLOW_CLIENT, GET);
	}
	for (int i = 0; i < FOLLOW_OPEN_MAX; i++) {
		say(&f, FOLLOW_WORKER, OK(LENGTH(5)) "hello");
	}
	ck_assert_str_eq(verdict(&f), "between");
	for (int i = 0; i < FOLLOW_OPEN_MAX + 1; i++) {
		say(&f, FOLLOW_CLIENT, GET);
	}
	ck_assert_str_eq(verdict(&f), "pinned");
}
END_TEST

START_TEST(only_bodies_of_known_length_pass_unseen)
{
	struct follow f;
	const char *why = NULL;

	follow_start(&f, NULL);
	ck_assert_uint_eq(follow_unseen(&f, FOLLOW_CLIENT), 0);
	say(&f, FOLLOW_CLIENT, POST(LENGTH(123456789012345678)) "abc");
	ck_assert_uint_eq(follow_unseen(&f, FOLLOW_CLIENT), 123456789012345675);
	ck_assert_uint_eq(follow_unseen(&f, FOLLOW_WORKER), 0);
	follow_skip(&f, FOLLOW_CLIENT, 123456789012345675);
	say(&f, FOLLOW_WORKER, OK());
	ck_assert_uint_eq(follow_unseen(&f, FOLLOW_WORKER), UINT64_MAX);
	follow_skip(&f, FOLLOW_WORKER, 10);
	follow_ended(&f, FOLLOW_WORKER);
	ck_assert_str_eq(verdict(&f), "between last");

	follow_start(&f, NULL);
	say(&f, FOLLOW_CLIENT, POST(CHUNKED) "ff\r\n");
	ck_assert_uint_eq(follow_unseen(&f, FOLLOW_CLIENT), 0);
	say(&f, FOLLOW_WORKER, "H");
	say(&f, FOLLOW_WORKER, "\n");
	ck_assert(follow_pinned(&f, &why));
	ck_assert_ptr_nonnull(why);
	ck_assert_uint_eq(follow_unseen(&f, FOLLOW_WORKER), UINT64_MAX);
	ck_assert_int_eq(follow_kind(&f), REQUEST_OTHER);
}
END_TEST

/* What is kept is changed by hand, which shows where it is used. */
START_TEST(a_head_that_was_said_before_is_not_read_again)
{
	static struct follow_memo memo;
	struct follow f;

	follow_start(&f, &memo);
	say(&f, FOLLOW_CLIENT, POST(LENGTH(5)) "hello" GET);
	say(&f, FOLLOW_WORKER, EMPTY EMPTY);
	ck_assert_str_eq(verdict(&f), "between");
	say(&f, FOLLOW_CLIENT, POST(LENGTH(5)) "hello");
	ck_assert_str_eq(verdict(&f), "open 1");
	memo.heads[FOLLOW_CLIENT].after.strict.facts.length = 7;
	memo.heads[FOLLOW_WORKER].after.strict.facts.length = 2;

	follow_start(&f, &memo);
	say(&f, FOLLOW_CLIENT, POST(LENGTH(5)) "hello");
	ck_assert_str_eq(verdict(&f), "open 1 body");
	say(&f, FOLLOW_CLIENT, "!!");
	say(&f, FOLLOW_WORKER, EMPTY);
	ck_assert_str_eq(verdict(&f), "open 1 answer");
	say(&f, FOLLOW_WORKER, "hi");
	ck_assert_str_eq(verdict(&f), "between");
}
END_TEST

static void say_head_of(struct follow *f, size_t len)
{
	char head[FOLLOW_HEAD_MAX + 2];

	(void)snprintf(head, sizeof(head), "GET /%0*d HTTP/1.1\r\n\r\n", (int)len - 18, 0);
	ck_assert_uint_eq(strlen(head), len);
	say(f, FOLLOW_CLIENT, head);
	ck_assert_str_eq(verdict(f), "open 1 safe");
}

START_TEST(a_head_that_is_long_or_comes_in_pieces_is_not_kept)
{
	static struct follow_memo memo;
	struct follow f;

	follow_start(&f, &memo);
	say_head_of(&f, FOLLOW_HEAD_MAX + 1);
	ck_assert_uint_eq(memo.heads[FOLLOW_CLIENT].len, 0);
	follow_start(&f, &memo);
	say(&f, FOLLOW_CLIENT, "GET / HTTP/1.1\r\n");
	say(&f, FOLLOW_CLIENT, "Host: x\r\n\r\n");
	ck_assert_str_eq(verdict(&f), "open 1 safe");
	ck_assert_uint_eq(memo.heads[FOLLOW_CLIENT].len, 0);
	follow_start(&f, &memo);
	say_head_of(&f, FOLLOW_HEAD_MAX);
	ck_assert_uint_eq(memo.heads[FOLLOW_CLIENT].len, FOLLOW_HEAD_MAX);
}
END_TEST

SUITE("relay_follow", a_request_is_followed_to_its_end, an_exchange_is_followed_to_its_end,
      final_answers_are_counted_once_and_errors_among_them, an_early_answer_leaves_the_request_open,
      what_nobody_asked_for_pins, fields_and_chunks_that_can_be_read_in_two_ways_pin,
      start_lines_that_are_not_plain_http_1_pin, nul_pins_wherever_it_stands, a_head_has_a_bound,
      only_so_many_requests_may_be_open, only_bodies_of_known_length_pass_unseen,
      a_head_that_was_said_before_is_not_read_again,
      a_head_that_is_long_or_comes_in_pieces_is_not_kept);
