#include "ctl/commands.h"
#include "ctl/complete.h"
#include "ctl/http.h"
#include "ctl/names.h"
#include "ctl/options.h"
#include "ctl/xmlrpc.h"

#include <check.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <string.h>

#include "suite.h"

/* ---- XML-RPC --------------------------------------------------------------------------------- */

static int encode(struct strbuf *to, const char *method, const char *types, ...)
{
	va_list ap;
	int r;

	va_start(ap, types);
	r = xmlrpc_encode(to, method, types, ap);
	va_end(ap);
	return r;
}

START_TEST(a_call_is_written_with_its_arguments_escaped)
{
	CLEANUP(strbuf_done) struct strbuf sb = {0};

	ck_assert_int_eq(encode(&sb, "a.b", "sib", "x<&>y", -1600, 7), 0);
	ck_assert_str_eq(strbuf_str(&sb),
			 "<?xml version='1.0'?>\n<methodCall>\n<methodName>a.b</methodName>\n"
			 "<params>\n<param>\n<value><string>x&lt;&amp;&gt;y</string></value>\n"
			 "</param>\n<param>\n<value><int>-1600</int></value>\n</param>\n"
			 "<param>\n<value><boolean>1</boolean></value>\n</param>\n"
			 "</params>\n</methodCall>\n");
}
END_TEST

START_TEST(what_xml_cannot_hold_is_not_sent)
{
	static const char *const texts[] = {"r\xff", "r\x1b[31m", "\xc3"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		CLEANUP(strbuf_done) struct strbuf sb = {0};

		ck_assert_int_eq(encode(&sb, "a.b", "ss", "\xc3\xbc\n\t", texts[i]), -EILSEQ);
	}
}
END_TEST

static int decode(const char *text, struct value *ret, struct xmlrpc_fault *fault)
{
	struct diag diag = {0};

	return xmlrpc_decode(text, strlen(text), &diag, ret, fault);
}

START_TEST(a_reply_becomes_a_tree)
{
	CLEANUP(value_done) struct value v = {0};
	struct xmlrpc_fault fault = {0};
	const struct value *list;

	ck_assert_int_eq(
		decode("<?xml "
		       "version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n"
		       "<member>\n<name>pid</name>\n<value><int>42</int></value>\n</member>\n"
		       "<member>\n<name>text</name>\n<value>a &amp; b\n</value>\n</member>\n"
		       "<member>\n<name>none</name>\n<value><string></string></value>\n</member>\n"
		       "<member>\n<name>up</name>\n<value><boolean>1</boolean></value>\n</member>\n"
		       "<member>\n<name>list</name>\n<value><array><data>\n"
		       "<value><string>x</string></value>\n<value><array><data>\n</data></array>"
		       "</value>\n</data></array></value>\n</member>\n"
		       "</struct></value>\n</param>\n</params>\n</methodResponse>\n",
		       &v, &fault),
		0);
	ck_assert_int_eq(value_int(&v, "pid"), 42);
	ck_assert_str_eq(value_text(&v, "text"), "a & b\n");
	ck_assert_str_eq(value_text(&v, "none"), "");
	ck_assert(value_true(&v, "up"));
	list = value_array(&v, "list");
	ck_assert_uint_eq(list->len, 2);
	ck_assert_str_eq(value_str(&list->items[0]), "x");
	ck_assert_int_eq(list->items[1].kind, VALUE_ARRAY);
	ck_assert_str_eq(value_text(&v, "absent"), "");
	ck_assert_uint_eq(value_array(&v, "absent")->len, 0);
}
END_TEST

START_TEST(a_fault_keeps_its_code_and_sentence)
{
	CLEANUP(xmlrpc_fault_done) struct xmlrpc_fault fault = {0};
	struct value v = {0};

	ck_assert_int_eq(
		decode("<methodResponse><fault><value><struct><member><name>faultCode</name><value>"
		       "<int>10</int></value></member><member><name>faultString</"
		       "name><value><string>"
		       "BAD_NAME: x</string></value></member></struct></value></fault>"
		       "</methodResponse>",
		       &v, &fault),
		-EREMOTE);
	ck_assert_int_eq(fault.code, 10);
	ck_assert_str_eq(fault.text, "BAD_NAME: x");
}
END_TEST

START_TEST(what_is_no_reply_is_refused)
{
	static const char *const bad[] = {
		"",
		"hello",
		"<methodResponse>",
		"<methodResponse></methodResponse>",
		"<a><value>1</value><value>2</value></a>",
		"<a><value>text<value>2</value></value></a>",
		"<!DOCTYPE a [<!ENTITY x 'y'>]><a><value>&x;</value></a>",
		"<a><value><string>\x01</string></value></a>",
		"<a><value><string>1</string><string>2</string></value></a>",
		"<a><value><struct></struct><int>2</int></value></a>",
		"<a><int>2</int></a>",
	};
	struct xmlrpc_fault fault = {0};
	struct value v = {0};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_msg(decode(bad[i], &v, &fault) == -EBADMSG, "\"%s\" was read", bad[i]);
	}
}
END_TEST

START_TEST(a_reply_may_not_nest_without_end)
{
	CLEANUP(strbuf_done) struct strbuf sb = {0};
	struct xmlrpc_fault fault = {0};
	struct value v = {0};

	for (int i = 0; i < 100; i++) {
		(void)strbuf_adds(&sb, "<value><array><data>");
	}
	ck_assert_int_eq(decode(strbuf_str(&sb), &v, &fault), -EBADMSG);
}
END_TEST

/* ---- HTTP ------------------------------------------------------------------------------------ */

static int collect(void *data, const char *bytes, size_t len)
{
	return strbuf_add(data, bytes, len);
}

/* Feeds it in pieces of every size: the pieces must not matter. */
static void check_reply(const char *text, bool ends, int expected, unsigned status,
			const char *body)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		CLEANUP(strbuf_done) struct strbuf got = {0};
		struct http_reply reply;
		int r = 0;

		http_reply_init(&reply);
		for (size_t at = 0; at < strlen(text) && r == 0; at += piece) {
			size_t n = strlen(text) - at < piece ? strlen(text) - at : piece;

			r = http_reply_feed(&reply, text + at, n, collect, &got);
		}
		if (r == 0 && ends) {
			r = http_reply_end(&reply);
		}
		ck_assert_msg(r == expected, "%s: in pieces of %zu: %d", text, piece, r);
		if (expected == 0) {
			ck_assert_int_eq(reply.phase, HTTP_DONE);
			ck_assert_uint_eq(reply.status, status);
			ck_assert_str_eq(strbuf_str(&got), body);
		}
	}
}

START_TEST(replies_come_by_length_in_chunks_or_to_the_end)
{
	check_reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 0, 200, "hello");
	check_reply("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", false, 0, 200, "");
	check_reply(
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n"
		"0\r\nA: b\r\n\r\n",
		false, 0, 200, "hello");
	check_reply("HTTP/1.0 200 OK\r\n\r\nhello", true, 0, 200, "hello");
	check_reply("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		    false, 0, 200, "ok");
	check_reply("HTTP/1.1 401 Unauthorized\r\nContent-Length: 3\r\n\r\nbad", false, 0, 401, "");
	check_reply("HTTP/1.1 204 No Content\r\n\r\n", false, 0, 204, "");
}
END_TEST

START_TEST(a_cut_or_broken_reply_is_noticed)
{
	check_reply("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", true, -ECONNRESET, 0, "");
	check_reply("HTTP/1.1 200 OK\r\nContent-Le", true, -ECONNRESET, 0, "");
	check_reply("SSH-2.0-OpenSSH_9.2\r\n", true, -EPROTO, 0, "");
	check_reply("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", true, -EPROTO, 0, "");
	check_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", true, -EPROTO, 0, "");
	check_reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", true, -EPROTO, 0,
		    "");
}
END_TEST

START_TEST(a_header_line_has_a_bound)
{
	char filler[HTTP_LINE_MAX];
	struct http_reply reply;

	memset(filler, 'x', sizeof(filler));
	http_reply_init(&reply);
	ck_assert_int_eq(http_reply_feed(&reply, "HTTP/1.1 200 OK\r\nA: ", 20, NULL, NULL), 0);
	ck_assert_int_eq(http_reply_feed(&reply, filler, sizeof(filler), NULL, NULL), -EPROTO);
}
END_TEST

START_TEST(server_urls_are_read)
{
	struct http_target t;
	struct diag diag = {0};

	ck_assert_int_eq(http_target_init(&t, "unix:///run/x.sock", NULL, NULL, &diag), 0);
	ck_assert_str_eq(t.path, "/run/x.sock");
	ck_assert_ptr_null(t.authorization);
	http_target_done(&t);
	ck_assert_int_eq(http_target_init(&t, "http://localhost:9001", "user", "pass", &diag), 0);
	ck_assert_str_eq(t.host, "localhost");
	ck_assert_str_eq(t.port, "9001");
	ck_assert_str_eq(t.authorization, "Basic dXNlcjpwYXNz");
	http_target_done(&t);
	ck_assert_int_eq(http_target_init(&t, "http://[::1]:81/RPC2", NULL, NULL, &diag), 0);
	ck_assert_str_eq(t.host, "::1");
	ck_assert_str_eq(t.port, "81");
	http_target_done(&t);
	ck_assert_int_eq(http_target_init(&t, "http://host", NULL, NULL, &diag), 0);
	ck_assert_str_eq(t.port, "80");
	http_target_done(&t);
}
END_TEST

START_TEST(bad_server_urls_are_refused)
{
	static const char *const bad[] = {
		"",	     "/run/x.sock",   "ftp://x",     "unix://",
		"http://",   "http://x:port", "http://[::1", "http://[::1]x",
		"http://x:", "https://x"};
	struct http_target t;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct diag diag = {0};

		ck_assert_msg(http_target_init(&t, bad[i], NULL, NULL, &diag) == -EINVAL,
			      "\"%s\" was read", bad[i]);
		ck_assert_msg(diag.text[0] != '\0', "\"%s\": no sentence", bad[i]);
	}
}
END_TEST

/* ---- names, words, options ------------------------------------------------------------------- */

static const char *reparsed(const char *text)
{
	static char buf[NAMESPEC_MAX];
	CLEANUP(namespec_done) struct namespec n = {0};

	ck_assert_int_eq(namespec_parse(&n, text), 0);
	(void)snprintf(buf, sizeof(buf), "%s|%s", n.group, n.process ? n.process : "(all)");
	return buf;
}

START_TEST(names_are_split_as_supervisorctl_splits_them)
{
	char buf[NAMESPEC_MAX];

	ck_assert_str_eq(reparsed("a"), "a|a");
	ck_assert_str_eq(reparsed("a:b"), "a|b");
	ck_assert_str_eq(reparsed("a:*"), "a|(all)");
	ck_assert_str_eq(reparsed("a:"), "a|(all)");
	ck_assert_str_eq(reparsed(":b"), "|b");
	ck_assert_str_eq(reparsed("a:b:c"), "a|b:c");
	ck_assert_str_eq(namespec_format("a", "a", buf, sizeof(buf)), "a");
	ck_assert_str_eq(namespec_format("a", "b", buf, sizeof(buf)), "a:b");
}
END_TEST

START_TEST(options_among_the_words_are_taken_where_the_command_allows_them)
{
	CLEANUP(words_done) struct words w = {0};
	struct diag diag = {0};

	ck_assert_int_eq(words_parse(&w, " payinv  4f2 --wait 10m --json",
				     OURS | ALLOW_WAIT | ALLOW_JSON, &diag),
			 0);
	ck_assert_int_eq(w.n, 2);
	ck_assert_str_eq(w.at[0], "payinv");
	ck_assert_str_eq(w.at[1], "4f2");
	ck_assert_uint_eq(w.wait, SECONDS(600));
	ck_assert(w.json);
	words_done(&w);
	ck_assert_int_eq(words_parse(&w, "x --wait=5s", OURS | ALLOW_WAIT, &diag), 0);
	ck_assert_uint_eq(w.wait, SECONDS(5));
	words_done(&w);
	ck_assert_int_eq(words_parse(&w, "--json x", 0, &diag), 0);
	ck_assert_int_eq(w.n, 2); /* to Supervisor's commands it is a name like another */
	words_done(&w);
	ck_assert_int_eq(words_parse(&w, "x --jsn", OURS | ALLOW_JSON, &diag), -EINVAL);
	ck_assert_str_eq(diag.text, "unknown option \"--jsn\"");
	ck_assert_int_eq(words_parse(&w, "x --wait soon", OURS | ALLOW_WAIT, &diag), -EINVAL);
	ck_assert_int_eq(words_parse(&w, "x --wait", OURS | ALLOW_WAIT, &diag), -EINVAL);
}
END_TEST

static int read_options(struct options *o, char *argv[], struct diag *diag)
{
	int argc = 0;

	while (argv[argc]) {
		argc++;
	}
	return options_init(o, argc, argv, diag);
}

START_TEST(the_command_line_is_joined_with_blanks)
{
	CLEANUP(options_done) struct options o = {0};
	char *argv[] = {"slotctl", "-s", "unix:///x", "signal HUP", "a", "-b", NULL};
	struct diag diag = {0};

	ck_assert_int_eq(read_options(&o, argv, &diag), 0);
	ck_assert_str_eq(o.line, "signal HUP a -b");
	ck_assert_str_eq(o.url, "unix:///x");
	ck_assert(!o.own_socket);
	ck_assert(!o.interactive);
}
END_TEST

START_TEST(bad_options_are_refused_in_supervisorctls_words)
{
	static const struct {
		char *argv[6];
		const char *text;
	} rows[] = {
		{{"slotctl", "-x", NULL}, "option -x not recognized"},
		{{"slotctl", "--nope", NULL}, "option --nope not recognized"},
		{{"slotctl", "-s", NULL}, "option -s requires argument"},
		{{"slotctl", "-s", "foo", NULL},
		 "invalid value for -s 'foo': value 'foo' is not a URL"},
		{{"slotctl", "-u", "a", "-u", "b", NULL}, "conflicting command line option '-u'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(options_done) struct options o = {0};
		struct diag diag = {0};

		ck_assert_int_eq(read_options(&o, (char **)rows[i].argv, &diag), -EINVAL);
		ck_assert_str_eq(diag.text, rows[i].text);
	}
}
END_TEST

START_TEST(every_command_has_a_function_and_a_help)
{
	for (int i = COMMAND_NONE + 1; i < COMMAND_MAX_; i++) {
		enum command c = (enum command)i;
		const struct command_row *row = command_row(c);

		ck_assert_msg(!row->usage == !command_function(c),
			      "%s: usage and function go together", row->name);
		ck_assert_msg((command_function(c) == cmd_ask) == !!row->done,
			      "%s: cmd_ask says what the row has", row->name);
		if (row->usage) {
			ck_assert_msg(strncmp(row->usage, row->name, strlen(row->name)) == 0,
				      "the help of %s does not begin with it", row->name);
			ck_assert_int_eq(command_find(row->name), c);
		}
	}
	ck_assert_int_eq(command_find("nope"), COMMAND_NONE);
	ck_assert_int_eq(command_find("event"), COMMAND_NONE);
}
END_TEST

/* ---- completion --------------------------------------------------------------------------------
 */

static const char machine[] =
	"<a><value><struct><member><name>workers</name><value><array><data>"
	"<value><struct><member><name>group</name><value>web-a</value></member>"
	"<member><name>name</name><value>web-a_1</value></member></struct></value>"
	"<value><struct><member><name>group</name><value>cron</value></member>"
	"<member><name>name</name><value>cron</value></member></struct></value>"
	"</data></array></value></member><member><name>services</name><value><array><data>"
	"<value><struct><member><name>service</name><value>web</value></member></struct></value>"
	"</data></array></value></member></struct></value></a>";

static const struct value *machine_status(void *data)
{
	return data;
}

/* What is offered for the line, with blanks between; the word begins at '|'. */
static const char *completed(const char *line)
{
	static char text[512];
	CLEANUP(value_done) struct value status = {0};
	CLEANUP(completions_done) struct completions found = {0};
	struct xmlrpc_fault fault = {0};

	ck_assert_int_eq(decode(machine, &status, &fault), 0);
	ck_assert_int_eq(completions_find(line, strlen(line), machine_status, &status, &found), 0);
	(void)snprintf(text, sizeof(text), "%.*s|", (int)found.start, line);
	vec_for_each (word, &found.words) {
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s", *word);
	}
	return text;
}

START_TEST(commands_and_names_are_completed)
{
	ck_assert_str_eq(completed("dr"), "| drain");
	ck_assert_str_eq(completed("  stat"), "  | status");
	ck_assert_str_eq(completed("start "), "start | cron web-a:* web-a:web-a_1");
	ck_assert_str_eq(completed("stop cron w"), "stop cron | web-a:* web-a:web-a_1");
	ck_assert_str_eq(completed("stop cron:"), "stop | cron:* cron:cron");
	ck_assert_str_eq(completed("add "), "add | cron web-a");
	ck_assert_str_eq(completed("deploy "), "deploy | web");
	ck_assert_str_eq(completed("help sw"), "help | swap");
	ck_assert_str_eq(completed("version "), "version |");
	ck_assert_str_eq(completed("nope x"), "nope |");
}
END_TEST

START_TEST(what_all_completions_share_can_be_typed_ahead)
{
	char *words[] = {"web-a:*", "web-a:web-a_1", "web-b:*"};
	struct completions c = {.words = {.at = words, .len = 2}};

	ck_assert_uint_eq(completions_common(&c), strlen("web-a:"));
	c.words.len = 3;
	ck_assert_uint_eq(completions_common(&c), strlen("web-"));
	c.words.len = 1;
	ck_assert_uint_eq(completions_common(&c), strlen("web-a:*"));
	c.words.len = 0;
	ck_assert_uint_eq(completions_common(&c), 0);
}
END_TEST

SUITE("ctl", a_call_is_written_with_its_arguments_escaped, what_xml_cannot_hold_is_not_sent,
      a_reply_becomes_a_tree, a_fault_keeps_its_code_and_sentence, what_is_no_reply_is_refused,
      a_reply_may_not_nest_without_end, replies_come_by_length_in_chunks_or_to_the_end,
      a_cut_or_broken_reply_is_noticed, a_header_line_has_a_bound, server_urls_are_read,
      bad_server_urls_are_refused, names_are_split_as_supervisorctl_splits_them,
      options_among_the_words_are_taken_where_the_command_allows_them,
      the_command_line_is_joined_with_blanks, bad_options_are_refused_in_supervisorctls_words,
      every_command_has_a_function_and_a_help, commands_and_names_are_completed,
      what_all_completions_share_can_be_typed_ahead);
