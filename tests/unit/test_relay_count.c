#include "relay/count.h"
#include "suite.h"

static uint32_t get(_Atomic uint32_t *at)
{
	return atomic_load(at);
}

START_TEST(a_connection_is_counted_in_one_class_at_a_time)
{
	struct relay_counts c = {0};

	count_move(&c, CONN_FRESH, CONN_QUEUED);
	ck_assert_uint_eq(get(&c.queued), 1);
	count_move(&c, CONN_QUEUED, CONN_SILENT);
	ck_assert_uint_eq(get(&c.queued), 0);
	ck_assert_uint_eq(get(&c.silent), 1);
	count_move(&c, CONN_SILENT, CONN_HEAD);
	count_move(&c, CONN_HEAD, CONN_REQUEST);
	ck_assert_uint_eq(get(&c.silent), 0);
	ck_assert_uint_eq(get(&c.in_request), 1);
	count_move(&c, CONN_REQUEST, CONN_BETWEEN);
	count_move(&c, CONN_BETWEEN, CONN_BETWEEN);
	ck_assert_uint_eq(get(&c.in_request), 0);
	ck_assert_uint_eq(get(&c.between), 1);
	count_move(&c, CONN_BETWEEN, CONN_PARKED);
	ck_assert_uint_eq(get(&c.between), 0);
	count_move(&c, CONN_HELD, CONN_PINNED);
	ck_assert_uint_eq(get(&c.pinned), 1);
}
END_TEST

START_TEST(each_class_has_a_name_and_those_with_a_worker_come_last)
{
	for (int k = 0; k < CONN_CLASS_MAX_; k++) {
		ck_assert_str_ne(conn_class_name((enum conn_class)k), "?");
		ck_assert_int_eq(class_is_placed((enum conn_class)k), k >= CONN_UNPLACED_CLASSES);
	}
	ck_assert_str_eq(conn_class_name(CONN_CLASS_MAX_), "?");
}
END_TEST

START_TEST(a_client_has_limits_for_what_costs_and_gives_nothing)
{
	const struct client_limits l = {SECONDS(60), USEC_NEVER, SECONDS(30)};

	ck_assert_uint_eq(class_limit(CONN_FRESH, &l), SECONDS(60));
	ck_assert_uint_eq(class_limit(CONN_HEAD, &l), SECONDS(60));
	ck_assert_uint_eq(class_limit(CONN_BETWEEN, &l), USEC_NEVER);
	ck_assert_uint_eq(class_limit(CONN_PARKED, &l), USEC_NEVER);
	ck_assert_uint_eq(class_limit(CONN_PINNED, &l), USEC_NEVER);
	ck_assert_uint_eq(class_limit(CONN_HALF, &l), SECONDS(30));
	ck_assert_uint_eq(class_limit(CONN_REQUEST, &l), USEC_NEVER);
	ck_assert_uint_eq(class_limit(CONN_EARLY, &l), USEC_NEVER);
	ck_assert_uint_eq(class_limit(CONN_HELD, &l), USEC_NEVER);
}
END_TEST

START_TEST(what_is_ended_is_ended_evenly)
{
	ck_assert_uint_eq(spread_at(SECONDS(60), 1, 10000), 6000);
	ck_assert_uint_eq(spread_at(SECONDS(60), 10000, 10000), SECONDS(60));
	ck_assert_uint_eq(spread_at(0, 5, 10), 0);
	ck_assert_uint_eq(spread_at(SECONDS(60), 1, 0), 0);
}
END_TEST

SUITE("relay_count", a_connection_is_counted_in_one_class_at_a_time,
      each_class_has_a_name_and_those_with_a_worker_come_last,
      a_client_has_limits_for_what_costs_and_gives_nothing, what_is_ended_is_ended_evenly);
