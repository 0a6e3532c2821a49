#include <check.h>
#include <errno.h>
#include <slotd/health.h>
#include <string.h>

#include "suite.h"

START_TEST(health_needs_rise_results_to_come_and_fall_results_to_go)
{
	struct gate_policy p = {.rise = 2, .fall = 3, .interval = SECONDS(5)};
	struct health h;

	health_reset(&h, 100);
	ck_assert_uint_eq(h.next, 100);
	ck_assert(!health_result(&h, &p, true, 0, 100));
	ck_assert(!health_result(&h, &p, false, 0, 100));
	ck_assert(!health_result(&h, &p, true, 0, 100));
	ck_assert(health_result(&h, &p, true, 0, 100));
	ck_assert(h.healthy);
	ck_assert_uint_eq(h.next, 100 + SECONDS(5));
	ck_assert(!health_result(&h, &p, false, 0, 100));
	ck_assert(!health_result(&h, &p, false, 0, 100));
	ck_assert(health_result(&h, &p, false, 0, 100));
	ck_assert(!h.healthy);
}
END_TEST

START_TEST(min_ready_is_a_number_a_share_or_all)
{
	ck_assert_int_eq(gate_min_ready("all", 5), 5);
	ck_assert_int_eq(gate_min_ready("3", 5), 3);
	ck_assert_int_eq(gate_min_ready("9", 5), 5);
	ck_assert_int_eq(gate_min_ready("0", 5), 1);
	ck_assert_int_eq(gate_min_ready("50%", 5), 3);
	ck_assert_int_eq(gate_min_ready("1%", 5), 1);
	ck_assert_int_eq(gate_min_ready("all", 0), 0);
	ck_assert_int_eq(gate_min_ready("100%", 5), 5);
	ck_assert_int_eq(gate_min_ready("1024", GATE_WORKERS_MAX), GATE_WORKERS_MAX);
	ck_assert_int_eq(gate_min_ready("1025", GATE_WORKERS_MAX), -EINVAL);
	ck_assert_int_eq(gate_min_ready("101%", 5), -EINVAL);
	ck_assert_int_eq(gate_min_ready("-1", 5), -EINVAL);
	ck_assert_int_eq(gate_min_ready("some", 5), -EINVAL);
	ck_assert_int_eq(gate_min_ready("99999999999999999999", 5), -EINVAL);
	ck_assert_int_eq(gate_min_ready("3", 5), 3); /* an errno of before is none of its own */
}
END_TEST

START_TEST(the_gate_ends_as_soon_as_its_outcome_is_certain)
{
	struct gate_policy p = {.total = 5, .min_ready = 4};

	ck_assert_int_eq(gate_judge(&p, &(struct gate_count){.ready = 3, .lost = 1}), GATE_WAIT);
	ck_assert_int_eq(gate_judge(&p, &(struct gate_count){.ready = 4, .lost = 1}), GATE_PASSED);
	ck_assert_int_eq(gate_judge(&p, &(struct gate_count){.ready = 3, .lost = 2}),
			 GATE_HOPELESS);
}
END_TEST

/* ---- after the gate */

static const struct gate_policy after = {.rise = 1,
					 .fall = 2,
					 .interval = SECONDS(1),
					 .start_period = SECONDS(10),
					 .ready_timeout = SECONDS(60)};

START_TEST(failures_in_the_start_period_do_not_count_until_one_has_passed)
{
	struct health h = {0};

	for (int i = 1; i < 10; i++) {
		(void)health_result(&h, &after, false, 0, SECONDS(i));
		ck_assert_uint_eq(h.bad, 0);
		ck_assert_uint_eq(h.failed, i);
	}
	(void)health_result(&h, &after, false, 0, SECONDS(10));
	ck_assert_uint_eq(h.bad, 1);
	health_reset(&h, SECONDS(20));
	ck_assert(health_result(&h, &after, true, SECONDS(20), SECONDS(21)));
	ck_assert(!health_result(&h, &after, false, SECONDS(20), SECONDS(22)));
	ck_assert(health_result(&h, &after, false, SECONDS(20), SECONDS(23))); /* it had started */
	ck_assert(!h.healthy);
}
END_TEST

START_TEST(an_unhealthy_worker_is_restarted_one_at_a_time_and_ever_later)
{
	struct health h = {0};
	usec_t started = SECONDS(100);

	health_result(&h, &after, true, started, started + SECONDS(1));
	health_result(&h, &after, false, started, started + SECONDS(2));
	ck_assert(!health_wants_restart(&h, &after, started, false, started + SECONDS(2)));
	health_result(&h, &after, false, started, started + SECONDS(3));
	ck_assert(health_wants_restart(&h, &after, started, false, started + SECONDS(3)));
	ck_assert(!health_wants_restart(&h, &after, started, true, started + SECONDS(3)));
	for (unsigned n = 1; n < 9; n++) {
		const usec_t waits = n < 7 ? SECONDS(1) << (n - 1) : SECONDS(60);

		health_note_restart(&h, started, started + SECONDS(3));
		ck_assert_uint_eq(h.restarts, n);
		started += SECONDS(100);
		health_reset(&h, started);
		health_result(&h, &after, true, started, started);
		health_result(&h, &after, false, started, started);
		health_result(&h, &after, false, started, started);
		ck_assert(!health_wants_restart(&h, &after, started, false, started + waits - 1));
		ck_assert(health_wants_restart(&h, &after, started, false, started + waits));
	}
	health_note_restart(&h, started, started + SECONDS(60)); /* it had lived for a minute */
	ck_assert_uint_eq(h.restarts, 1);
}
END_TEST

START_TEST(one_that_comes_up_is_not_restarted_until_its_time_is_over)
{
	struct gate_policy p = after;
	struct health h = {0};

	ck_assert(health_coming_up(&h, &p, 0, SECONDS(9)));
	ck_assert(!health_coming_up(&h, &p, 0, SECONDS(10)));
	p.start_period = 0;
	for (int i = 1; i < 60; i++) {
		health_result(&h, &p, false, 0, SECONDS(i));
		ck_assert(health_coming_up(&h, &p, 0, SECONDS(i)));
		ck_assert(!health_wants_restart(&h, &p, 0, false, SECONDS(i)));
	}
	ck_assert(health_wants_restart(&h, &p, 0, false, SECONDS(60)));
	health_result(&h, &p, true, 0, SECONDS(61));
	ck_assert(!health_coming_up(&h, &p, 0, SECONDS(62)));
	ck_assert(!health_wants_restart(&h, &p, 0, false, SECONDS(62)));
}
END_TEST

/* ---- health=notify */

static struct sd_message parse(const char *text)
{
	struct sd_message n;

	sd_message_parse(text, strlen(text), &n);
	return n;
}

START_TEST(a_datagram_is_read_line_by_line)
{
	struct sd_message n = parse("READY=1\nSTATUS=warm: 3/5\nWATCHDOG=1\nMAINPID=12\nX_Y=1\n");
	char text[400];

	ck_assert(n.ready && n.watchdog && n.main_pid && n.has_status);
	ck_assert(!n.reloading && !n.stopping && !n.barrier && !n.trigger && !n.watchdog_usec);
	ck_assert_str_eq(n.status, "warm: 3/5");
	n = parse("RELOADING=1\nSTOPPING=1\nBARRIER=1\nWATCHDOG=trigger\nWATCHDOG_USEC=5");
	ck_assert(n.reloading && n.stopping && n.barrier && n.trigger && n.watchdog_usec);
	n = parse("READY=0\nREADY\n READY=1\nready=1\nREADY=11\n\n=\nFDSTORE=1");
	ck_assert(memcmp(&n, &(struct sd_message){0}, sizeof(n)) == 0);
	n = parse("STATUS=");
	ck_assert(n.has_status && !*n.status);
	sd_message_parse("READY=1\0STATUS=x", 16, &n); /* one line, which nobody knows */
	ck_assert(!n.ready && !n.has_status);
	n = parse("STATUS=a\tb\033[31m \xff \xc2\x9b \xc3\xa9\x7f");
	ck_assert_str_eq(n.status, "a?b?[31m ? ? \xc3\xa9?");
	memset(text, 'x', sizeof(text));
	memcpy(text, "STATUS=", 7);
	memcpy(text + 7 + 126, "\xc3\xa9", 2); /* a character is not cut */
	sd_message_parse(text, sizeof(text), &n);
	ck_assert_uint_eq(strlen(n.status), 126);
}
END_TEST

static enum sd_effect says(struct health *h, const char *text, usec_t now)
{
	const struct sd_message n = parse(text);

	return health_told(h, &n, now);
}

START_TEST(a_worker_is_healthy_from_ready_to_stopping)
{
	struct health h = {.notifies = true};

	ck_assert_int_eq(says(&h, "STATUS=loading", 1), SD_SHOWN);
	ck_assert_int_eq(says(&h, "STATUS=loading", 1), SD_NOTHING);
	ck_assert(!h.healthy);
	ck_assert_int_eq(says(&h, "READY=1\nSTATUS=up", 2), SD_HEALTH);
	ck_assert(h.healthy && h.passed);
	ck_assert_str_eq(h.status, "up");
	ck_assert_int_eq(says(&h, "READY=1", 3), SD_NOTHING);
	ck_assert_int_eq(says(&h, "RELOADING=1", 4), SD_SHOWN);
	ck_assert(h.healthy && h.reloading);
	ck_assert_int_eq(says(&h, "READY=1", 5), SD_SHOWN);
	ck_assert(!h.reloading);
	health_ask_again(&h, 6); /* a gate: what it has said stands */
	ck_assert(h.healthy);
	ck_assert_int_eq(says(&h, "STOPPING=1", 7), SD_HEALTH);
	ck_assert(!h.healthy);
	ck_assert_int_eq(says(&h, "READY=1", 8), SD_NOTHING);
	ck_assert_uint_eq(h.late_at, USEC_NEVER);
	health_reset(&h, 9);
	ck_assert(!h.ready && !h.stopping && !*h.status);
	h.healthy = h.ready = true; /* of checks; it has no socket */
	health_ask_again(&h, 10);
	ck_assert(!h.healthy);
}
END_TEST

START_TEST(a_worker_that_sends_no_watchdog_in_time_is_late_once)
{
	struct health h = {.notifies = true, .watchdog = SECONDS(2)};

	ck_assert(!health_is_late(&h, SECONDS(99)));
	says(&h, "WATCHDOG=1", 0);
	ck_assert(!health_is_late(&h, SECONDS(99))); /* it is not ready yet */
	says(&h, "READY=1", SECONDS(100));
	ck_assert_uint_eq(h.late_at, SECONDS(102));
	says(&h, "STATUS=x", SECONDS(101));
	ck_assert_uint_eq(h.late_at, SECONDS(102));
	says(&h, "WATCHDOG=1", SECONDS(101));
	ck_assert(!health_is_late(&h, SECONDS(103) - 1));
	health_watch(&h, SECONDS(110)); /* slotd was away */
	ck_assert(!health_is_late(&h, SECONDS(112) - 1));
	ck_assert(h.healthy);
	ck_assert(health_is_late(&h, SECONDS(112)));
	ck_assert(!h.healthy && h.late);
	ck_assert(!health_is_late(&h, SECONDS(200)));
	says(&h, "WATCHDOG=1", SECONDS(113)); /* too late */
	says(&h, "READY=1", SECONDS(113));
	ck_assert(!h.healthy && h.late_at == USEC_NEVER);
	h = (struct health){.notifies = true, .watchdog = SECONDS(2)};
	says(&h, "READY=1", SECONDS(100));
	says(&h, "WATCHDOG=trigger", SECONDS(101));
	ck_assert(health_is_late(&h, SECONDS(101)));
	h = (struct health){.notifies = true};
	says(&h, "READY=1\nWATCHDOG=trigger", SECONDS(100)); /* it has no watchdog */
	ck_assert(!health_is_late(&h, SECONDS(999)));
}
END_TEST

SUITE("health", health_needs_rise_results_to_come_and_fall_results_to_go,
      min_ready_is_a_number_a_share_or_all, the_gate_ends_as_soon_as_its_outcome_is_certain,
      failures_in_the_start_period_do_not_count_until_one_has_passed,
      an_unhealthy_worker_is_restarted_one_at_a_time_and_ever_later,
      one_that_comes_up_is_not_restarted_until_its_time_is_over, a_datagram_is_read_line_by_line,
      a_worker_is_healthy_from_ready_to_stopping,
      a_worker_that_sends_no_watchdog_in_time_is_late_once);
