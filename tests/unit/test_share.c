/* Shares, networks and cookies: what decides who gets a canary. */
#include "relay/cookie.h"
#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <slotd/canary_share.h>
#include <slotd/cleanup.h>
#include <slotd/network.h>
#include <string.h>

START_TEST(a_share_is_a_percentage)
{
	static const struct {
		const char *text;
		int share; /* -1: it is none */
		const char *again;
	} cases[] = {
		{"10%", 1000, "10%"},  {"10", 1000, "10%"},
		{"2.5%", 250, "2.5%"}, {"0", 0, "0%"},
		{"0.01%", 1, "0.01%"}, {"100%", 10000, "100%"},
		{".5%", 50, "0.5%"},   {"", -1, NULL},
		{"%", -1, NULL},       {"101%", -1, NULL},
		{"100.01%", -1, NULL}, {"1.234%", -1, NULL},
		{"-1%", -1, NULL},     {"10 %", -1, NULL},
		{"10%%", -1, NULL},    {"ten", -1, NULL},
		{"1e1", -1, NULL},     {"1.2.3", -1, NULL},
		{".", -1, NULL},       {"99999999999", -1, NULL},
	};
	char buf[SHARE_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct diag diag = {0};
		uint16_t share = 7;
		int r = share_parse(cases[i].text, &share, &diag);

		ck_assert_msg((r == 0) == (cases[i].share >= 0), "%s", cases[i].text);
		if (r == 0) {
			ck_assert_int_eq(share, cases[i].share);
			ck_assert_str_eq(share_format(share, buf), cases[i].again);
		} else {
			ck_assert_int_eq(r, -EINVAL);
			ck_assert_uint_eq(share, 7);
			ck_assert(strstr(diag.text, "is not a share"));
		}
	}
}
END_TEST

START_TEST(steps_are_shares_with_times)
{
	static const char *const wrong[] = {
		"5%",	    "5%:",   ":60s", "0%:60s",	     "5%:0",
		"5%:never", "x:60s", ",",    "5%:1s,,6%:1s", "1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1,1:1"};
	struct canary_step steps[CANARY_STEPS_MAX];
	struct diag diag = {0};

	ck_assert_int_eq(canary_steps_parse(" 5%:60s, 25%:5m\n", steps, &diag), 2);
	ck_assert_uint_eq(steps[0].weight, 500);
	ck_assert_uint_eq(steps[0].time, SECONDS(60));
	ck_assert_uint_eq(steps[1].weight, 2500);
	ck_assert_uint_eq(steps[1].time, SECONDS(300));
	ck_assert_int_eq(canary_steps_parse("", steps, &diag), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		diag = (struct diag){0};
		ck_assert_msg(canary_steps_parse(wrong[i], steps, &diag) == -EINVAL, "%s",
			      wrong[i]);
		ck_assert_str_ne(diag.text, "");
	}
}
END_TEST

static bool has(const char *network, const char *address)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct network n;

	ck_assert_msg(network_parse(network, &n, NULL) == 0, "%s", network);
	if (inet_pton(AF_INET, address, &in.sin_addr) == 1) {
		return network_has(&n, (const struct sockaddr *)&in);
	}
	ck_assert_int_eq(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
	return network_has(&n, (const struct sockaddr *)&in6);
}

START_TEST(a_network_has_the_addresses_that_begin_as_it_does)
{
	static const char *const wrong[] = {"",		  "10.0.0.0/33", "10.0.0.0/",	"10.0.0/8",
					    "::1/129",	  "host/8",	 "10.0.0.0/8x", "/8",
					    "10.0.0.0/-1"};
	const struct sockaddr unknown = {.sa_family = AF_UNIX};
	struct network n;

	ck_assert(has("10.0.0.0/8", "10.255.1.2") && !has("10.0.0.0/8", "11.0.0.1"));
	ck_assert(has("192.0.2.128/25", "192.0.2.200") && !has("192.0.2.128/25", "192.0.2.127"));
	ck_assert(has("192.0.2.7", "192.0.2.7") && !has("192.0.2.7", "192.0.2.6"));
	ck_assert(has("0.0.0.0/0", "1.2.3.4") && !has("0.0.0.0/0", "2001:db8::1"));
	ck_assert(has("2001:db8::/33", "2001:db8:7fff::") &&
		  !has("2001:db8::/33", "2001:db8:8000::"));
	ck_assert(has("10.0.0.0/8", "::ffff:10.1.2.3") && !has("::/0", "10.1.2.3"));
	ck_assert_int_eq(network_parse("::/0", &n, NULL), 0);
	ck_assert(!network_has(&n, &unknown));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct diag diag = {0};

		ck_assert_msg(network_parse(wrong[i], &n, &diag) == -EINVAL, "%s", wrong[i]);
		ck_assert(strstr(diag.text, "is not a network"));
	}
}
END_TEST

/* ---- cookies */

static const char *found(const char *head)
{
	static const char *const names[] = {"absent", "more", "slot", "hash"};
	static char text[32];
	enum slot_id slot = SLOT_INVALID_;
	uint32_t hash = 0;
	enum cookie_found what = cookie_find(head, strlen(head), "ab", &slot, &hash);

	ck_assert((what == COOKIE_HASH) == (hash != 0));
	(void)snprintf(text, sizeof(text), "%s%s%s", names[what], what == COOKIE_SLOT ? " " : "",
		       what == COOKIE_SLOT ? slot_name(slot) : "");
	return text;
}

#define GET "GET / HTTP/1.1\r\nHost: x\r\n"

START_TEST(a_cookie_names_a_slot_or_is_hashed)
{
	static const struct {
		const char *head, *found;
	} cases[] = {
		{GET "Cookie: ab=a\r\n\r\n", "slot a"},
		{GET "cookie:ab=b\r\n\r\n", "slot b"},
		{GET "Cookie: x=1; ab=\"b\"; y=2\r\n\r\n", "slot b"},
		{GET "Cookie: x=1;ab=b \r\n\r\n", "slot b"},
		{GET "Cookie: xab=b; ab=c\r\n\r\n", "hash"},
		{GET "Cookie: ab=\r\n\r\n", "hash"},
		{GET "Cookie: AB=a\r\n\r\n", "absent"},
		{GET "Cookie: ab\r\n\r\n", "absent"},
		{GET "X-Cookie: ab=a\r\n\r\n", "absent"},
		{GET "Cookie: x=1\r\nCookie: ab=a\r\n\r\n", "slot a"},
		{GET "\r\nCookie: ab=a\r\n", "absent"}, /* that is its body */
		{"\r\n" GET "Cookie: ab=a\r\n\r\n", "slot a"},
		{"GET / HTTP/1.0\nCookie: ab=a\n\n", "slot a"},
		{"", "more"},
		{"GE", "more"},
		{"GET / HTTP/1.1", "more"},
		{GET, "more"},
		{GET "Cookie: ab=a", "more"}, /* it may go on */
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "absent"},
		{"HELO example\r\n", "absent"},
		{"\x16\x03\x01", "absent"},
		{"{\"a\":1}", "absent"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_msg(strcmp(found(cases[i].head), cases[i].found) == 0, "%s: %s",
			      cases[i].head, found(cases[i].head));
	}
}
END_TEST

START_TEST(equal_values_have_equal_hashes)
{
	static const char one[] = GET "Cookie: ab=7f3a\r\n\r\n",
			  same[] = "POST /x HTTP/1.1\r\nCookie: z=1; ab=7f3a\r\n\r\n",
			  other[] = GET "Cookie: ab=7f3b\r\n\r\n";
	enum slot_id slot;
	uint32_t a = 0, b = 0, c = 0;

	(void)cookie_find(one, strlen(one), "ab", &slot, &a);
	(void)cookie_find(same, strlen(same), "ab", &slot, &b);
	(void)cookie_find(other, strlen(other), "ab", &slot, &c);
	ck_assert_uint_eq(a, b);
	ck_assert_uint_ne(a, c);
}
END_TEST

/* Every beginning of a head waits for more, and nobody waits for ever. */
START_TEST(a_head_that_comes_in_pieces_is_waited_for_up_to_a_bound)
{
	static const char head[] = GET "Cookie: ab=b\r\n\r\n";
	static char lasting[COOKIE_HEAD_MAX];
	enum slot_id slot;
	uint32_t hash;

	for (size_t len = 0; len < strlen(head) - 2; len++) {
		ck_assert_int_eq(cookie_find(head, len, "ab", &slot, &hash), COOKIE_MORE);
	}
	memset(lasting, 'x', sizeof(lasting));
	memcpy(lasting, GET, strlen(GET));
	ck_assert_int_eq(cookie_find(lasting, sizeof(lasting) - 1, "ab", &slot, &hash),
			 COOKIE_MORE);
	ck_assert_int_eq(cookie_find(lasting, sizeof(lasting), "ab", &slot, &hash), COOKIE_ABSENT);
}
END_TEST

START_TEST(a_cookie_has_the_name_of_a_token)
{
	ck_assert(cookie_name_ok("ab") && cookie_name_ok("__Host-x.y"));
	ck_assert(!cookie_name_ok("") && !cookie_name_ok("a b") && !cookie_name_ok("a=b") &&
		  !cookie_name_ok("a;b"));
}
END_TEST

SUITE("share", a_share_is_a_percentage, steps_are_shares_with_times,
      a_network_has_the_addresses_that_begin_as_it_does, a_cookie_names_a_slot_or_is_hashed,
      equal_values_have_equal_hashes, a_head_that_comes_in_pieces_is_waited_for_up_to_a_bound,
      a_cookie_has_the_name_of_a_token);
