#include <check.h>
#include <errno.h>
#include <slotd/health.h>

#include "suite.h"

START_TEST(health_needs_rise_results_to_come_and_fall_results_to_go)
{
	struct gate_policy p = {.rise = 2, .fall = 3, .interval = SECONDS(5)};
	struct health h;

	health_reset(&h, 100);
	ck_assert_uint_eq(h.next, 100);
	ck_assert(!health_result(&h, &p, true, 100));
	ck_assert(!health_result(&h, &p, false, 100));
	ck_assert(!health_result(&h, &p, true, 100));
	ck_assert(health_result(&h, &p, true, 100));
	ck_assert(h.healthy);
	ck_assert_uint_eq(h.next, 100 + SECONDS(5));
	ck_assert(!health_result(&h, &p, false, 100));
	ck_assert(!health_result(&h, &p, false, 100));
	ck_assert(health_result(&h, &p, false, 100));
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

int main(void)
{
	return suite_run("health", health_needs_rise_results_to_come_and_fall_results_to_go,
			 min_ready_is_a_number_a_share_or_all,
			 the_gate_ends_as_soon_as_its_outcome_is_certain);
}
