#include <check.h>
#include <errno.h>
#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/status_list.h>
#include <string.h>

#include "suite.h"

START_TEST(an_address_reads_and_prints_the_same)
{
	static const char *const good[] = {"127.0.0.1:8000", "0.0.0.0:0", "[::1]:65535",
					   "[2001:db8::7]:80", "unix:/run/payinv.sock"};
	char text[ADDRESS_TEXT_MAX];
	struct address a;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ck_assert_int_eq(address_parse(good[i], &a), 0);
		ck_assert_str_eq(address_format(&a, text, sizeof(text)), good[i]);
	}
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
	static const char *const bad[] = {
		"",	 "127.0.0.1", "localhost:80", "127.0.0.1:", "::1:80", "[::1]",
		"[]:80", "[]",	      "unix:",	      "1.2.3:80",   ":80",    "127.0.0.1:-1"};
	struct address a;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_msg(address_parse(bad[i], &a) == -EINVAL, "\"%s\" was read", bad[i]);
	}
	ck_assert_int_eq(address_parse("127.0.0.1:65536", &a), -ERANGE);
}
END_TEST

START_TEST(a_unix_path_may_be_as_long_as_the_kernel_takes)
{
	char text[200] = "unix:/";
	struct address a;

	memset(text + 6, 'x', 106);
	ck_assert_int_eq(address_parse(text, &a), 0);
	ck_assert_uint_eq(strlen(address_path(&a)), 107);
	text[112] = 'x';
	ck_assert_int_eq(address_parse(text, &a), -ENAMETOOLONG);
}
END_TEST

START_TEST(an_address_tells_family_port_and_path)
{
	struct address a;

	ck_assert_int_eq(address_parse("[::1]:8001", &a), 0);
	ck_assert_int_eq(address_family(&a), AF_INET6);
	ck_assert_uint_eq(address_port(&a), 8001);
	ck_assert_ptr_null(address_path(&a));
	ck_assert_int_eq(address_parse("unix:/x", &a), 0);
	ck_assert(address_is_unix(&a));
	ck_assert_uint_eq(address_port(&a), 0);
	ck_assert_str_eq(address_path(&a), "/x");
}
END_TEST

START_TEST(the_text_of_an_address_tells_a_path)
{
	ck_assert_str_eq(address_text_path("unix:/run/x"), "/run/x");
	ck_assert_ptr_null(address_text_path("127.0.0.1:8001"));
	ck_assert_ptr_null(address_text_path("unix"));
	ck_assert_ptr_null(address_text_path(""));
}
END_TEST

START_TEST(statuses_are_listed_one_by_one_and_as_ranges)
{
	ck_assert_int_eq(status_list_check("200-399, 404"), 0);
	ck_assert(status_list_has("200-399, 404", 200));
	ck_assert(status_list_has("200-399, 404", 399));
	ck_assert(status_list_has("200-399, 404", 404));
	ck_assert(!status_list_has("200-399, 404", 400));
	ck_assert(!status_list_has("204", 200));
}
END_TEST

START_TEST(what_is_no_list_of_statuses_is_refused)
{
	static const char *const bad[] = {"",	     "ok",	"200,",	       ",200",	  "200-",
					  "399-200", "200 404", "200-300-400", "200;404", "200x"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_msg(status_list_check(bad[i]) == -EINVAL, "\"%s\" was read", bad[i]);
		ck_assert(!status_list_has(bad[i], 404));
	}
	ck_assert_int_eq(status_list_check("99"), -ERANGE);
	ck_assert_int_eq(status_list_check("200-600"), -ERANGE);
	ck_assert_int_eq(status_list_check("99999999999999999999"), -ERANGE);
}
END_TEST

SUITE("address", an_address_reads_and_prints_the_same, what_is_no_address_is_refused,
      a_unix_path_may_be_as_long_as_the_kernel_takes, an_address_tells_family_port_and_path,
      the_text_of_an_address_tells_a_path, statuses_are_listed_one_by_one_and_as_ranges,
      what_is_no_list_of_statuses_is_refused);
