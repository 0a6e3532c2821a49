#include <check.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/diag.h>
#include <slotd/map.h>
#include <slotd/strbuf.h>
#include <slotd/usec.h>
#include <slotd/vec.h>
#include <stdio.h>

#include "suite.h"

START_TEST(durations_are_read_with_and_without_units)
{
	usec_t t;

	ck_assert_int_eq(usec_parse("10", &t), 0);
	ck_assert_uint_eq(t, SECONDS(10));
	ck_assert_int_eq(usec_parse(" 0.5 ", &t), 0);
	ck_assert_uint_eq(t, MSECONDS(500));
	ck_assert_int_eq(usec_parse("250ms", &t), 0);
	ck_assert_uint_eq(t, MSECONDS(250));
	ck_assert_int_eq(usec_parse("5m", &t), 0);
	ck_assert_uint_eq(t, SECONDS(300));
	ck_assert_int_eq(usec_parse("2h", &t), 0);
	ck_assert_uint_eq(t, SECONDS(7200));
}
END_TEST

START_TEST(what_is_no_duration_is_refused)
{
	static const char *const bad[] = {"", "-1", "x", "10 parsecs", "inf", "nan", "0x10", "5mm"};
	usec_t t;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		ck_assert_msg(usec_parse(bad[i], &t) == -EINVAL, "\"%s\" was read", bad[i]);
	}
	ck_assert_int_eq(usec_parse("1e300", &t), -ERANGE);
}
END_TEST

START_TEST(times_saturate)
{
	ck_assert_uint_eq(usec_add(USEC_NEVER, 1), USEC_NEVER);
	ck_assert_uint_eq(usec_add(USEC_NEVER - 1, 5), USEC_NEVER);
	ck_assert_uint_eq(usec_sub(3, 5), 0);
}
END_TEST

START_TEST(durations_print_for_people)
{
	static const struct {
		usec_t span;
		const char *text;
	} edges[] = {
		{0, "0.0 ms"},
		{9949, "9.9 ms"},
		{9950, "10 ms"},
		{999499, "999 ms"},
		{999500, "1.0 s"},
		{999999, "1.0 s"},
		{SECONDS(1), "1.0 s"},
		{9949999, "9.9 s"},
		{9950000, "10 s"},
		{SECONDS(59), "59 s"},
		{59949999, "59 s"},
		{59950000, "1m00s"},
		{SECONDS(3600) - 1, "1h 0m"},
		{SECONDS(86400) - 1, "1d 0h"},
		{USEC_NEVER, "never"},
	};
	char buf[USEC_TEXT_MAX];

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		ck_assert_str_eq(usec_format(edges[i].span, buf, sizeof(buf)), edges[i].text);
	}
	ck_assert_str_eq(usec_format(200, buf, sizeof(buf)), "0.2 ms");
	ck_assert_str_eq(usec_format(SECONDS(41), buf, sizeof(buf)), "41 s");
	ck_assert_str_eq(usec_format(SECONDS(130), buf, sizeof(buf)), "2m10s");
	ck_assert_str_eq(usec_format(SECONDS(2 * 86400 + 4 * 3600), buf, sizeof(buf)), "2d 4h");
}
END_TEST

START_TEST(a_diag_names_the_place)
{
	struct diag d = {0};
	char buf[256];

	ck_assert_int_eq(diag_set_at(&d, -EINVAL, "x.conf", 14, "unknown option \"%s\"", "heath"),
			 -EINVAL);
	ck_assert_str_eq(diag_format(&d, buf, sizeof(buf)), "x.conf:14: unknown option \"heath\"");
	diag_prefix(&d, "[service:%s]", "p");
	ck_assert_str_eq(d.text, "[service:p]: unknown option \"heath\"");
	ck_assert_int_eq(diag_set(NULL, -EIO, "nobody listens"), -EIO);
}
END_TEST

START_TEST(a_map_keeps_what_it_was_given)
{
	CLEANUP(map_done) struct map m = {0};
	static int values[1000];
	char key[16];
	size_t pos = 0, n = 0;

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		ck_assert_int_eq(map_set(&m, key, &values[i]), 0);
	}
	for (int i = 0; i < 1000; i += 2) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		ck_assert_ptr_eq(map_remove(&m, key), &values[i]);
	}
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(key, sizeof(key), "k%d", i);
		ck_assert_ptr_eq(map_get(&m, key), i % 2 ? &values[i] : NULL);
	}
	while (map_next(&m, &pos, NULL)) {
		n++;
	}
	ck_assert_uint_eq(n, 500);
}
END_TEST

START_TEST(a_string_stops_at_its_bound)
{
	CLEANUP(strbuf_done) struct strbuf sb = {.max = 10};

	ck_assert_int_eq(strbuf_adds(&sb, "12345"), 0);
	ck_assert_int_eq(strbuf_addf(&sb, "%d", 123456), -E2BIG);
	ck_assert_int_eq(strbuf_addc(&sb, 'x'), -E2BIG);
	ck_assert_str_eq(strbuf_str(&sb), "12345");
}
END_TEST

START_TEST(a_vec_grows_and_shrinks)
{
	VEC(int) v = {0};
	int sum = 0;

	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(vec_push(&v, i), 0);
	}
	vec_remove(&v, 0);
	vec_remove(&v, 98);
	vec_for_each (p, &v) {
		sum += *p;
	}
	ck_assert_int_eq(sum, 99 * 98 / 2);
	vec_done(&v);
}
END_TEST

SUITE("common", durations_are_read_with_and_without_units, what_is_no_duration_is_refused,
      times_saturate, durations_print_for_people, a_diag_names_the_place,
      a_map_keeps_what_it_was_given, a_string_stops_at_its_bound, a_vec_grows_and_shrinks);
