#include "probe/request.h"
#include "probe/verdict.h"

#include <check.h>
#include <slotd/cleanup.h>
#include <string.h>

#include "suite.h"

static struct message ask(enum probe_kind kind, const char *address)
{
	struct message m;

	message_init(&m, MSG_PROBE, 1);
	message_put_u64(&m, TAG_KIND, kind);
	message_put_text(&m, TAG_ADDRESS, address);
	message_put_u64(&m, TAG_TIMEOUT, SECONDS(2));
	return m;
}

static struct request request(const char *address, const char *host)
{
	struct message m = ask(PROBE_HTTP, address);
	struct request r;
	const char *why;

	message_put_text(&m, TAG_PATH, "/healthz");
	message_put_text(&m, TAG_HOST, host);
	ck_assert_int_eq(request_read(&m, &r, &why), 0);
	return r;
}

static struct verdict verdict(const struct request *r, struct outcome o)
{
	struct verdict v;

	if (o.body) {
		o.body_len = strlen(o.body);
	}
	verdict_reach(r, &o, &v);
	return v;
}

START_TEST(a_request_is_read_with_its_defaults)
{
	CLEANUP(request_done) struct request r = request("127.0.0.1:8102", NULL);
	char url[200];

	ck_assert_str_eq(request_url(&r, url, sizeof(url)), "http://127.0.0.1:8102/");
	ck_assert_str_eq(request_host(&r), "127.0.0.1:8102");
	ck_assert_str_eq(r.expect, "200-399");
	ck_assert_uint_eq(r.timeout, SECONDS(2));
}
END_TEST

START_TEST(a_unix_socket_is_asked_as_localhost)
{
	CLEANUP(request_done) struct request r = request("unix:/run/payinv.sock", NULL);
	char url[200];

	ck_assert_str_eq(request_url(&r, url, sizeof(url)), "http://localhost/");
	ck_assert_str_eq(request_host(&r), "localhost");
}
END_TEST

START_TEST(a_request_that_cannot_be_sent_is_refused)
{
	static const struct {
		enum message_tag tag;
		const char *value;
	} bad[] = {
		{TAG_PATH, "healthz"}, {TAG_PATH, "/a b"},    {TAG_PATH, "/\r\nX: y"},
		{TAG_HOST, "a\r"},     {TAG_HEADER, "A: \1"}, {TAG_EXPECT, "200-"},
	};
	struct request r;
	const char *why;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct message m = ask(PROBE_HTTP, "127.0.0.1:1");

		message_put_text(&m, bad[i].tag, bad[i].value);
		ck_assert_int_eq(request_read(&m, &r, &why), -EINVAL);
		ck_assert_str_ne(why, "");
	}
}
END_TEST

START_TEST(a_kind_or_an_address_that_is_unknown_is_refused)
{
	struct message m = ask(PROBE_KIND_MAX_, "127.0.0.1:1");
	struct request r;
	const char *why;

	ck_assert_int_eq(request_read(&m, &r, &why), -EINVAL);
	m = ask(PROBE_TCP, "localhost:80");
	ck_assert_int_eq(request_read(&m, &r, &why), -EINVAL);
}
END_TEST

START_TEST(an_expected_status_passes)
{
	CLEANUP(request_done) struct request r = request("127.0.0.1:8001", "payinv.example");
	struct verdict v = verdict(&r, (struct outcome){OUTCOME_ANSWERED, .status = 302});

	ck_assert_int_eq(v.code, PROBE_PASSED);
	ck_assert_str_eq(v.text, "answered 302 to GET /healthz (Host: payinv.example)");
}
END_TEST

START_TEST(another_status_fails_with_the_first_line_of_the_body)
{
	CLEANUP(request_done) struct request r = request("127.0.0.1:8001", "payinv.example");
	struct verdict v = verdict(
		&r, (struct outcome){OUTCOME_ANSWERED, .status = 503, .body = "\n starting \nx"});

	ck_assert_int_eq(v.code, PROBE_FAILED);
	ck_assert_str_eq(v.text, "answered 503 to GET /healthz (Host: payinv.example)\nstarting");
}
END_TEST

START_TEST(a_400_to_the_address_as_host_says_which_option_helps)
{
	CLEANUP(request_done) struct request r = request("127.0.0.1:8102", NULL);
	struct verdict v = verdict(
		&r, (struct outcome){OUTCOME_ANSWERED, .status = 400,
				     .body = "Invalid HTTP_HOST header: '127.0.0.1:8102'\n"});

	ck_assert_str_eq(v.text, "answered 400 to GET /healthz (Host: 127.0.0.1:8102)\n"
				 "Invalid HTTP_HOST header: '127.0.0.1:8102' -> set health_host=");
}
END_TEST

START_TEST(the_first_line_of_a_page_is_its_first_text)
{
	static const struct {
		const char *body, *line;
	} pages[] = {
		{"<!doctype html>\n<html>\n<head><title>Bad Request (400)</title>",
		 "Bad Request (400)"},
		{"<style>p { color: red }</style>\n<p>no  <b>database</b></p>", "no database"},
		{"<style>p {", ""},
		{"1 < 2", "1 < 2"},
		{"\r\n\t \n", ""},
		{"a\001b", "a?b"},
		{"<", "<"},
	};
	char line[VERDICT_LINE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		const char *body = pages[i].body;

		ck_assert_str_eq(verdict_first_line(body, strlen(body), line, sizeof(line)),
				 pages[i].line);
	}
}
END_TEST

START_TEST(a_long_line_is_cut)
{
	char body[400], line[20];

	memset(body, 'x', sizeof(body));
	verdict_first_line(body, sizeof(body), line, sizeof(line));
	ck_assert_uint_eq(strlen(line), sizeof(line) - 1);
}
END_TEST

START_TEST(every_outcome_has_a_name_and_a_sentence)
{
	CLEANUP(request_done) struct request r = request("127.0.0.1:8001", NULL);

	for (int kind = 0; kind < OUTCOME_MAX_; kind++) {
		struct verdict v = verdict(&r, (struct outcome){.kind = (enum outcome_kind)kind});

		ck_assert_str_ne(outcome_name((enum outcome_kind)kind), "?");
		ck_assert_str_ne(v.text, "");
	}
	ck_assert_str_eq(outcome_name(OUTCOME_INVALID_), "?");
}
END_TEST

START_TEST(a_refused_connection_is_a_failure)
{
	CLEANUP(request_done) struct request r = request("127.0.0.1:8001", NULL);
	struct verdict v = verdict(&r, (struct outcome){OUTCOME_NOT_CONNECTED, ECONNREFUSED});

	ck_assert_int_eq(v.code, PROBE_FAILED);
	ck_assert_str_eq(v.text, "refused the connection to 127.0.0.1:8001");
}
END_TEST

START_TEST(a_want_of_our_own_is_no_failure_of_the_worker)
{
	static const int wants[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS, EADDRNOTAVAIL};
	CLEANUP(request_done) struct request r = request("127.0.0.1:8001", NULL);

	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		struct verdict v = verdict(&r, (struct outcome){OUTCOME_NOT_CONNECTED, wants[i]});

		ck_assert_int_eq(v.code, -wants[i]);
	}
}
END_TEST

START_TEST(a_late_answer_says_how_long_was_waited)
{
	CLEANUP(request_done) struct request r = request("127.0.0.1:8001", NULL);
	struct verdict v = verdict(&r, (struct outcome){OUTCOME_ANSWER_LATE});

	ck_assert_str_eq(v.text, "did not answer GET /healthz (Host: 127.0.0.1:8001) within 2.0 s");
}
END_TEST

SUITE("probe", a_request_is_read_with_its_defaults, a_unix_socket_is_asked_as_localhost,
      a_request_that_cannot_be_sent_is_refused, a_kind_or_an_address_that_is_unknown_is_refused,
      an_expected_status_passes, another_status_fails_with_the_first_line_of_the_body,
      a_400_to_the_address_as_host_says_which_option_helps,
      the_first_line_of_a_page_is_its_first_text, a_long_line_is_cut,
      every_outcome_has_a_name_and_a_sentence, a_refused_connection_is_a_failure,
      a_want_of_our_own_is_no_failure_of_the_worker, a_late_answer_says_how_long_was_waited);
