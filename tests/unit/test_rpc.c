#include <check.h>
#include <control/decode.h>
#include <control/encode.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/utf8.h>
#include <string.h>

#include "suite.h"

static void decoder_freep(struct decoder **d)
{
	*d = decoder_free(*d);
}

/* Feeds in pieces of step bytes. */
static int decode_by(const char *text, size_t step, struct rpc_request *ret)
{
	CLEANUP(decoder_freep) struct decoder *d = NULL;
	size_t len = strlen(text);

	ck_assert_int_eq(decoder_new(&d), 0);
	for (size_t at = 0; at < len; at += step) {
		(void)decoder_feed(d, text + at, len - at < step ? len - at : step);
	}
	return decoder_end(d, ret);
}

static int decode(const char *text, struct rpc_request *ret)
{
	return decode_by(text, 1 << 20, ret);
}

#define CALL(params) \
	"<?xml version='1.0'?>\n<methodCall><methodName>m</methodName>" params "</methodCall>"
#define PARAM(value) "<params><param><value>" value "</value></param></params>"

START_TEST(a_call_is_read_however_it_is_cut)
{
	const char *text = CALL("<params><param><value><string>a&amp;b</string></value></param>"
				"<param><value><int> -7 </int></value></param></params>");

	for (size_t step = 1; step < 20; step++) {
		CLEANUP(rpc_request_done) struct rpc_request rq = {0};

		ck_assert_int_eq(decode_by(text, step, &rq), 0);
		ck_assert_str_eq(rq.method, "m");
		ck_assert_uint_eq(rq.params->n, 2);
		ck_assert_str_eq(rq.params->first->text, "a&b");
		ck_assert_int_eq(rq.params->last->type, RPC_INT);
		ck_assert_int_eq(rq.params->last->number, -7);
	}
}
END_TEST

START_TEST(a_call_needs_no_params)
{
	CLEANUP(rpc_request_done) struct rpc_request rq = {0};

	ck_assert_int_eq(decode(CALL(""), &rq), 0);
	ck_assert_uint_eq(rq.params->n, 0);
}
END_TEST

START_TEST(every_type_is_read)
{
	static const struct {
		const char *xml;
		enum rpc_type type;
		int64_t number;
		const char *text;
	} cases[] = {
		{PARAM("bare"), RPC_STRING, 0, "bare"},
		{PARAM(""), RPC_STRING, 0, ""},
		{PARAM("<string/>"), RPC_STRING, 0, ""},
		{PARAM("<i4>2147483647</i4>"), RPC_INT, 2147483647, NULL},
		{PARAM("<i8>-9000000000</i8>"), RPC_INT, -9000000000, NULL},
		{PARAM("<boolean>1</boolean>"), RPC_BOOLEAN, 1, NULL},
		{PARAM("<boolean>0</boolean>"), RPC_BOOLEAN, 0, NULL},
		{PARAM("<double>1.5</double>"), RPC_DOUBLE, 0, "1.5"},
		{PARAM("<base64>aGVs\nbG8=</base64>"), RPC_STRING, 0, "hello"},
		{PARAM("<dateTime.iso8601>20261121T10:00:00</dateTime.iso8601>"), RPC_STRING, 0,
		 "20261121T10:00:00"},
		{PARAM("<nil/>"), RPC_NIL, 0, NULL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(rpc_request_done) struct rpc_request rq = {0};
		char text[512];

		(void)snprintf(text, sizeof(text), CALL("%s"), cases[i].xml);
		ck_assert_msg(decode(text, &rq) == 0, "%s", cases[i].xml);
		ck_assert_int_eq(rq.params->first->type, cases[i].type);
		ck_assert_int_eq(rq.params->first->number, cases[i].number);
		if (cases[i].text) {
			ck_assert_str_eq(rq.params->first->text, cases[i].text);
		}
	}
}
END_TEST

START_TEST(arrays_and_structs_nest)
{
	CLEANUP(rpc_request_done) struct rpc_request rq = {0};
	const struct rpc_value *call, *params;

	ck_assert_int_eq(
		decode(CALL(PARAM("<array><data><value><struct>"
				  "<member><name>methodName</name><value>x.y</value></member>"
				  "<member><name>params</name><value><array><data>"
				  "<value><int>1</int></value><value>2</value>"
				  "</data></array></value></member>"
				  "</struct></value></data></array>")),
		       &rq),
		0);
	call = rq.params->first->first;
	ck_assert_str_eq(rpc_value_member(call, "methodName")->text, "x.y");
	params = rpc_value_member(call, "params");
	ck_assert_uint_eq(params->n, 2);
	ck_assert_str_eq(params->last->text, "2");
	ck_assert_ptr_null(rpc_value_member(call, "none"));
	ck_assert_ptr_null(rpc_value_member(params, "none"));
}
END_TEST

START_TEST(what_is_no_call_is_refused)
{
	static const char *const bad[] = {
		"",
		"x",
		"<methodCall/>",
		"<methodCall><methodName></methodName></methodCall>",
		"<methodCall><methodName>a</methodName><methodName>b</methodName></methodCall>",
		"<methodResponse/>",
		CALL("<params><param/></params>"),
		CALL("<params><value>x</value></params>"),
		CALL(PARAM("<int>x</int>")),
		CALL(PARAM("<int/>")),
		CALL(PARAM("<int>99999999999999999999</int>")),
		CALL(PARAM("<double>1,5</double>")),
		CALL(PARAM("<base64>*</base64>")),
		CALL(PARAM("<int>1</int><int>2</int>")),
		CALL(PARAM("<float>1</float>")),
		CALL(PARAM("<struct><member><value>x</value></member></struct>")),
		CALL(PARAM("<struct><member><name>x</name></member></struct>")),
		CALL("<params><param><value>x</value><value>y</value></param></params>"),
		"<!DOCTYPE methodCall>" CALL(""),
		"<!DOCTYPE a [<!ENTITY b "
		"'c'>]><methodCall><methodName>&b;</methodName></methodCall>",
		"<methodCall><methodName>&b;</methodName></methodCall>",
		CALL("") "x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct rpc_request rq = {0};

		ck_assert_msg(decode(bad[i], &rq) == -EBADMSG, "\"%s\" was read", bad[i]);
		ck_assert_ptr_null(rq.method);
	}
}
END_TEST

static int decode_repeated(const char *begin, const char *piece, unsigned n, const char *end)
{
	CLEANUP(decoder_freep) struct decoder *d = NULL;
	CLEANUP(rpc_request_done) struct rpc_request rq = {0};

	ck_assert_int_eq(decoder_new(&d), 0);
	(void)decoder_feed(d, begin, strlen(begin));
	while (n-- > 0) {
		(void)decoder_feed(d, piece, strlen(piece));
	}
	(void)decoder_feed(d, end, strlen(end));
	return decoder_end(d, &rq);
}

START_TEST(depth_and_number_of_values_are_bounded)
{
	const char *begin = "<methodCall><methodName>m</methodName><params>";
	const char *end = "</params></methodCall>";

	ck_assert_int_eq(decode_repeated(begin, "<param><value/></param>", DECODE_VALUES_MAX, end),
			 0);
	ck_assert_int_eq(
		decode_repeated(begin, "<param><value/></param>", DECODE_VALUES_MAX + 1, end),
		-E2BIG);
	ck_assert_int_eq(decode_repeated("<methodCall><params><param>", "<value><array><data>",
					 DECODE_DEPTH_MAX, ""),
			 -E2BIG);
	ck_assert_int_eq(decode_repeated("<methodCall><methodName>", "xxxxxxxxxx",
					 DECODE_METHOD_MAX, "</methodName></methodCall>"),
			 -E2BIG);
}
END_TEST

START_TEST(answers_are_supervisors_bytes)
{
	CLEANUP(strbuf_done) struct strbuf value = {0}, out = {0};

	encode_int(&value, 1);
	encode_reply(&out, &value);
	ck_assert_str_eq(strbuf_str(&out),
			 "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n"
			 "<value><int>1</int></value>\n</param>\n</params>\n</methodResponse>\n");
	strbuf_reset(&out);
	encode_fault_reply(&out, 10, "BAD_NAME: x");
	ck_assert_str_eq(
		strbuf_str(&out),
		"<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n"
		"<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n<member>\n"
		"<name>faultString</name>\n<value><string>BAD_NAME: x</string></value>\n"
		"</member>\n</struct></value>\n</fault>\n</methodResponse>\n");
	strbuf_reset(&out);
	encode_array(&out);
	encode_bool(&out, true);
	encode_text(&out, NULL);
	encode_array_end(&out);
	ck_assert_str_eq(strbuf_str(&out), "<value><array><data>\n<value><boolean>1</boolean></"
					   "value>\n<value><string></string></value>\n"
					   "</data></array></value>\n");
}
END_TEST

static void ck_text(const char *in, size_t len, const char *expected)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};

	encode_escaped(&out, in, len);
	ck_assert_str_eq(strbuf_str(&out), expected);
}

#define REPLACED "\xef\xbf\xbd"

START_TEST(text_is_always_valid_xml)
{
	ck_text("a<&>\"'", 6, "a&lt;&amp;&gt;\"'");
	ck_text("\t\n\r", 3, "\t\n&#13;");
	ck_text("\x1b[31m", 5, REPLACED "[31m");
	ck_text("a\0b", 3, "a" REPLACED "b");
	ck_text("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	ck_text("\xff\xc3", 2, REPLACED REPLACED);
	ck_text("\xed\xa0\x80", 3, REPLACED REPLACED REPLACED); /* a surrogate */
	ck_text("\xc0\xaf", 2, REPLACED REPLACED);		/* overlong */
	ck_text("\xef\xbf\xbf", 3, REPLACED);			/* U+FFFF */
}
END_TEST

START_TEST(ints_are_capped)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};

	encode_int(&out, INT64_MAX);
	encode_int(&out, INT64_MIN);
	ck_assert_str_eq(strbuf_str(&out), "<value><int>2147483647</int></value>\n"
					   "<value><int>-2147483648</int></value>\n");
}
END_TEST

START_TEST(cut_characters_are_found)
{
	const unsigned char *text = (const unsigned char *)"a\xe2\x82\xac\xf0\x9f\x98\x80";

	ck_assert_uint_eq(utf8_tail(text, 4), 0);
	ck_assert_uint_eq(utf8_tail(text, 3), 2);
	ck_assert_uint_eq(utf8_tail(text, 7), 3);
	ck_assert_uint_eq(utf8_tail(text, 8), 0);
	ck_assert_uint_eq(utf8_head(text + 2, 6), 2);
	ck_assert_uint_eq(utf8_head(text, 8), 0);
	ck_assert_uint_eq(utf8_tail(text, 0), 0);
	ck_assert_int_eq(utf8_char(text + 4, 3), -1);
	ck_assert_int_eq(utf8_char(text + 4, 4), 4);
}
END_TEST

SUITE("rpc", a_call_is_read_however_it_is_cut, a_call_needs_no_params, every_type_is_read,
      arrays_and_structs_nest, what_is_no_call_is_refused, depth_and_number_of_values_are_bounded,
      answers_are_supervisors_bytes, text_is_always_valid_xml, ints_are_capped,
      cut_characters_are_found);
