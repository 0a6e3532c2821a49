#include "relay/count.h"
#include "suite.h"

#define NOW SECONDS(100)

static uint32_t get(_Atomic uint32_t *at)
{
	return atomic_load(at);
}

START_TEST(a_connection_is_counted_in_one_class_at_a_time)
{
	struct relay_counts c = {0};

	count_move(&c, CONN_UNPLACED, CONN_QUEUED);
	ck_assert_uint_eq(get(&c.queued), 1);
	count_move(&c, CONN_QUEUED, CONN_SILENT);
	ck_assert_uint_eq(get(&c.queued), 0);
	ck_assert_uint_eq(get(&c.silent), 1);
	count_move(&c, CONN_SILENT, CONN_IN_FLIGHT);
	count_move(&c, CONN_IN_FLIGHT, CONN_IDLE);
	count_move(&c, CONN_IDLE, CONN_IDLE);
	ck_assert_uint_eq(get(&c.silent) + get(&c.in_flight), 0);
	ck_assert_uint_eq(get(&c.idle), 1);
	count_move(&c, CONN_IDLE, CONN_UNPLACED);
	ck_assert_uint_eq(get(&c.idle), 0);
}
END_TEST

static enum drain_verdict judge(enum drain_mode mode, enum conn_class class, usec_t spoke_ago)
{
	usec_t again = 0;
	enum drain_verdict v = drain_judge(mode, class, NOW - spoke_ago, NOW, &again);

	if (v == DRAIN_LATER) {
		ck_assert_uint_eq(again, NOW - spoke_ago + DRAIN_SETTLE);
	}
	return v;
}

START_TEST(draining_requests_closes_idle_ones_after_a_pause_and_waits_for_those_in_flight)
{
	ck_assert_int_eq(judge(DRAIN_REQUESTS, CONN_IDLE, SECONDS(1)), DRAIN_CLOSE);
	ck_assert_int_eq(judge(DRAIN_REQUESTS, CONN_IDLE, DRAIN_SETTLE), DRAIN_CLOSE);
	ck_assert_int_eq(judge(DRAIN_REQUESTS, CONN_IDLE, DRAIN_SETTLE - 1), DRAIN_LATER);
	ck_assert_int_eq(judge(DRAIN_REQUESTS, CONN_IN_FLIGHT, SECONDS(50)), DRAIN_KEEP);
}
END_TEST

START_TEST(draining_connections_closes_none)
{
	ck_assert_int_eq(judge(DRAIN_CONNECTIONS, CONN_IDLE, SECONDS(50)), DRAIN_KEEP);
	ck_assert_int_eq(judge(DRAIN_CONNECTIONS, CONN_IN_FLIGHT, SECONDS(50)), DRAIN_KEEP);
}
END_TEST

START_TEST(what_has_not_begun_moves_in_every_mode)
{
	for (int mode = 0; mode < DRAIN_MODE_MAX_; mode++) {
		ck_assert_int_eq(judge((enum drain_mode)mode, CONN_QUEUED, 0), DRAIN_MOVE);
		ck_assert_int_eq(judge((enum drain_mode)mode, CONN_SILENT, 0), DRAIN_MOVE);
	}
}
END_TEST

START_TEST(every_class_has_a_name)
{
	for (int c = 0; c < CONN_CLASS_MAX_; c++) {
		ck_assert_str_ne(conn_class_name((enum conn_class)c), "?");
	}
	ck_assert_str_eq(conn_class_name(CONN_CLASS_MAX_), "?");
}
END_TEST

int main(void)
{
	return suite_run(
		"relay_count", a_connection_is_counted_in_one_class_at_a_time,
		draining_requests_closes_idle_ones_after_a_pause_and_waits_for_those_in_flight,
		draining_connections_closes_none, what_has_not_begun_moves_in_every_mode,
		every_class_has_a_name);
}
