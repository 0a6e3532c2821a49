#include <check.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/swap.h>
#include <stdio.h>
#include <string.h>

#include "golden.h"
#include "suite.h"

static const char *const swap_events[SWAP_EV_MAX_] = {
	[SWAP_EV_BEGIN] = "begin",	   [SWAP_EV_PREPARED] = "prepared",
	[SWAP_EV_STARTED] = "started",	   [SWAP_EV_START_FAILED] = "start-failed",
	[SWAP_EV_READY] = "ready",	   [SWAP_EV_NOT_READY] = "not-ready",
	[SWAP_EV_RECORD_OK] = "record-ok", [SWAP_EV_RECORD_FAILED] = "record-failed",
	[SWAP_EV_FLIPPED] = "flipped",	   [SWAP_EV_FLIP_FAILED] = "flip-failed",
	[SWAP_EV_RECORDED] = "recorded",   [SWAP_EV_ABORT] = "abort",
	[SWAP_EV_TIMER] = "timer",	   [SWAP_EV_VACANT] = "vacant",
};

static const char *const retire_events[RETIRE_EV_MAX_] = {
	[RETIRE_EV_BEGIN] = "begin",   [RETIRE_EV_DRAINED] = "drained",
	[RETIRE_EV_CUT] = "cut",       [RETIRE_EV_NOW] = "now",
	[RETIRE_EV_RECALL] = "recall", [RETIRE_EV_STOPPED] = "stopped",
	[RETIRE_EV_TIMER] = "timer",
};

struct story {
	struct swap_policy policy;
	struct swap swap;
	struct retire old;
	usec_t now;
	char text[16 * 1024];
};

static void story_init(struct story *t)
{
	*t = (struct story){
		.policy = {.has_prepare = true,
			   .prepare_timeout = SECONDS(600),
			   .ready_timeout = SECONDS(60),
			   .drain_timeout = SECONDS(30),
			   .idle_keep = SECONDS(900)},
		.now = SECONDS(1000),
	};
	swap_init(&t->swap, 3, &t->policy, SLOT_A);
	retire_init(&t->old, 3, SLOT_A);
}

static const char *story_event(struct story *t, const struct swap_event *ev)
{
	struct plan plan;

	plan_init(&plan);
	swap_step(&t->swap, ev, t->now, &plan);
	return plan_format(&plan, t->now, t->text, sizeof(t->text));
}

static const char *send(struct story *t, enum swap_event_kind kind, const char *text)
{
	return story_event(t, &(struct swap_event){.kind = kind, .text = text});
}

static const char *begin(struct story *t, enum swap_kind what)
{
	return story_event(t, &(struct swap_event){.kind = SWAP_EV_BEGIN, .what = what});
}

static const char *retire(struct story *t, enum retire_event_kind kind)
{
	struct plan plan;

	plan_init(&plan);
	retire_step(&t->old, &t->policy, &(struct retire_event){.kind = kind}, t->now, &plan);
	return plan_format(&plan, t->now, t->text, sizeof(t->text));
}

/* Into a step by the shortest way. */
static void go_to(struct story *t, enum swap_step step)
{
	static const enum swap_event_kind way[] = {SWAP_EV_RECORD_OK, SWAP_EV_PREPARED,
						   SWAP_EV_STARTED,   SWAP_EV_READY,
						   SWAP_EV_RECORD_OK, SWAP_EV_FLIPPED};

	story_init(t);
	if (step == SWAP_WAIT) {
		story_event(t, &(struct swap_event){.kind = SWAP_EV_BEGIN,
						    .what = SWAP_KIND_DEPLOY,
						    .draining = true});
	} else if (step != SWAP_NONE) {
		begin(t, SWAP_KIND_DEPLOY);
		for (size_t i = 0; t->swap.step != step; i++) {
			ck_assert_uint_lt(i, ARRAY_SIZE(way));
			send(t, way[i], NULL);
		}
	}
	ck_assert_int_eq(t->swap.step, step);
}

static bool happened(const char *plan, const char *what)
{
	return strstr(plan, what) != NULL;
}

START_TEST(every_step_meets_every_event)
{
	static char all[GOLDEN_MAX];
	static struct story t;
	size_t used = 0;

	for (int s = 0; s < SWAP_STEP_MAX_; s++) {
		for (int e = 0; e < SWAP_EV_MAX_; e++) {
			const char *plan;

			go_to(&t, (enum swap_step)s);
			t.now = t.swap.deadline == USEC_NEVER ? t.now : t.swap.deadline;
			plan = send(&t, (enum swap_event_kind)e, "why");
			used += (size_t)snprintf(all + used, sizeof(all) - used, "%-8s %-14s %s\n",
						 swap_state_name((enum swap_step)s), swap_events[e],
						 *plan ? plan : "-");
		}
	}
	golden_check("swap_matrix.txt", all);
}
END_TEST

static void retire_go_to(struct story *t, enum retire_state state)
{
	story_init(t);
	if (state != RETIRE_NONE) {
		retire(t, RETIRE_EV_BEGIN);
	}
	if (state == RETIRE_CUTTING) {
		retire(t, RETIRE_EV_NOW);
	}
	if (state == RETIRE_WARM || state == RETIRE_STOPPING) {
		retire(t, RETIRE_EV_DRAINED);
	}
	if (state == RETIRE_STOPPING) {
		t->now += SECONDS(900);
		retire(t, RETIRE_EV_TIMER);
	}
	ck_assert_int_eq(t->old.state, state);
}

START_TEST(every_end_of_a_slot_meets_every_event)
{
	static char all[GOLDEN_MAX];
	static struct story t;
	size_t used = 0;

	for (int s = 0; s < RETIRE_STATE_MAX_; s++) {
		for (int e = 0; e < RETIRE_EV_MAX_; e++) {
			const char *plan;

			retire_go_to(&t, (enum retire_state)s);
			t.now = t.old.deadline == USEC_NEVER ? t.now : t.old.deadline;
			plan = retire(&t, (enum retire_event_kind)e);
			used += (size_t)snprintf(
				all + used, sizeof(all) - used, "%-8s %-8s -> %-8s %s\n",
				retire_state_name((enum retire_state)s), retire_events[e],
				retire_state_name(t.old.state), *plan ? plan : "-");
		}
	}
	golden_check("retire_matrix.txt", all);
}
END_TEST

START_TEST(a_swap_starts_gates_checks_the_record_flips_and_records)
{
	static struct story t;

	story_init(&t);
	ck_assert_str_eq(begin(&t, SWAP_KIND_SWAP),
			 "step 3 b start; timer 3 +60s; slot-start 3 b 0");
	ck_assert_str_eq(send(&t, SWAP_EV_STARTED, "5/5 running"),
			 "step 3 b gate \"5/5 running\"; gate 3 b");
	ck_assert_str_eq(send(&t, SWAP_EV_READY, "5/5 healthy"),
			 "gate-end 3 b; timer 3 off; step 3 b record \"5/5 healthy\"; "
			 "check-record 3 b");
	ck_assert_str_eq(send(&t, SWAP_EV_RECORD_OK, NULL), "step 3 b swap; flip 3 b");
	ck_assert_int_eq(t.swap.live, SLOT_A);
	ck_assert_str_eq(send(&t, SWAP_EV_FLIPPED, "0.2 ms"),
			 "step 3 b bake \"0.2 ms\"; record 3 b");
	ck_assert_int_eq(t.swap.live, SLOT_B);
	ck_assert_str_eq(send(&t, SWAP_EV_RECORDED, NULL), "finish 3 b 0");
	ck_assert(!swap_busy(&t.swap));
}
END_TEST

START_TEST(a_deploy_prepares_first_and_starts_afresh)
{
	static struct story t;

	story_init(&t);
	ck_assert_str_eq(begin(&t, SWAP_KIND_DEPLOY), "step 3 b precheck; check-record 3 b");
	ck_assert_str_eq(send(&t, SWAP_EV_RECORD_OK, NULL),
			 "touch 3 b; slot-stop 3 b; step 3 b prepare; timer 3 +600s; prepare 3 b");
	ck_assert_str_eq(send(&t, SWAP_EV_PREPARED, "4 commands"),
			 "step 3 b start \"4 commands\"; timer 3 +60s; slot-start 3 b 1");
}
END_TEST

START_TEST(a_prepare_that_fails_changes_nothing)
{
	static struct story t;

	go_to(&t, SWAP_PREPARE);
	ck_assert_str_eq(story_event(&t, &(struct swap_event){.kind = SWAP_EV_PREPARED,
							      .code = 1,
							      .text = "exit status 1"}),
			 "timer 3 off; finish 3 b 10 \"exit status 1\"");
	ck_assert_int_eq(t.swap.live, SLOT_A);
}
END_TEST

START_TEST(a_record_that_cannot_be_written_is_found_before_anything_is_touched)
{
	static struct story t;

	go_to(&t, SWAP_PRECHECK);
	ck_assert_str_eq(send(&t, SWAP_EV_RECORD_FAILED, "disk full"),
			 "finish 3 b 10 \"disk full\"");
}
END_TEST

START_TEST(a_slot_in_which_a_deploy_failed_is_not_warm_and_starts_afresh)
{
	static struct story t;

	story_init(&t);
	ck_assert_str_eq(story_event(&t, &(struct swap_event){.kind = SWAP_EV_BEGIN,
							      .what = SWAP_KIND_SWAP,
							      .warm = true,
							      .touched = true}),
			 "step 3 b start; timer 3 +60s; slot-start 3 b 1");
}
END_TEST

START_TEST(a_warm_slot_is_just_flipped_and_never_stopped_when_that_fails)
{
	static struct story t;
	const char *plan;

	story_init(&t);
	plan = story_event(&t, &(struct swap_event){.kind = SWAP_EV_BEGIN,
						    .what = SWAP_KIND_ROLLBACK,
						    .warm = true});
	ck_assert_str_eq(plan, "step 3 b record; check-record 3 b");
	ck_assert_str_eq(send(&t, SWAP_EV_RECORD_FAILED, "disk full"),
			 "finish 3 b 10 \"disk full\"");
}
END_TEST

START_TEST(a_deploy_waits_for_a_slot_that_still_drains)
{
	static struct story t;

	go_to(&t, SWAP_WAIT);
	ck_assert_str_eq(send(&t, SWAP_EV_VACANT, NULL), "step 3 b precheck; check-record 3 b");
}
END_TEST

START_TEST(whatever_fails_before_the_flip_leaves_live_alone_and_ends_with_10)
{
	static const struct {
		enum swap_step step;
		enum swap_event_kind kind;
	} failures[] = {
		{SWAP_WAIT, SWAP_EV_ABORT},
		{SWAP_PRECHECK, SWAP_EV_RECORD_FAILED},
		{SWAP_PRECHECK, SWAP_EV_ABORT},
		{SWAP_PREPARE, SWAP_EV_ABORT},
		{SWAP_PREPARE, SWAP_EV_TIMER},
		{SWAP_START, SWAP_EV_START_FAILED},
		{SWAP_START, SWAP_EV_TIMER},
		{SWAP_START, SWAP_EV_ABORT},
		{SWAP_GATE, SWAP_EV_NOT_READY},
		{SWAP_GATE, SWAP_EV_TIMER},
		{SWAP_GATE, SWAP_EV_ABORT},
		{SWAP_CHECK_RECORD, SWAP_EV_RECORD_FAILED},
		{SWAP_CHECK_RECORD, SWAP_EV_NOT_READY},
		{SWAP_CHECK_RECORD, SWAP_EV_ABORT},
		{SWAP_FLIP, SWAP_EV_FLIP_FAILED},
	};
	static struct story t;

	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		const char *plan;

		go_to(&t, failures[i].step);
		t.now = t.swap.deadline == USEC_NEVER ? t.now : t.swap.deadline;
		plan = send(&t, failures[i].kind, "why");
		ck_assert_msg(happened(plan, "finish 3 b 10 \"why\""), "%s: %s",
			      swap_state_name(failures[i].step), plan);
		ck_assert_msg(!happened(plan, " a"), "%s touches the live slot: %s",
			      swap_state_name(failures[i].step), plan);
		ck_assert_int_eq(t.swap.live, SLOT_A);
		ck_assert_uint_eq(t.swap.deadline, USEC_NEVER);
		ck_assert(!swap_busy(&t.swap));
	}
}
END_TEST

START_TEST(there_is_no_abort_once_the_flip_has_begun)
{
	static struct story t;

	go_to(&t, SWAP_FLIP);
	ck_assert_str_eq(send(&t, SWAP_EV_ABORT, "by ana"), "");
	go_to(&t, SWAP_BAKE);
	ck_assert_str_eq(send(&t, SWAP_EV_ABORT, "by ana"), "");
}
END_TEST

START_TEST(a_flip_stands_though_it_could_not_be_recorded)
{
	static struct story t;

	go_to(&t, SWAP_BAKE);
	ck_assert_str_eq(story_event(&t, &(struct swap_event){.kind = SWAP_EV_RECORDED,
							      .code = -28,
							      .text = "No space left"}),
			 "log 3 err \"No space left\"; finish 3 b 0 \"No space left\"");
	ck_assert_int_eq(t.swap.live, SLOT_B);
}
END_TEST

START_TEST(a_swap_with_bake_ends_when_that_is_over)
{
	static struct story t;

	go_to(&t, SWAP_BAKE);
	t.policy.bake = SECONDS(60);
	ck_assert_str_eq(send(&t, SWAP_EV_RECORDED, NULL), "timer 3 +60s");
	t.now += SECONDS(59);
	ck_assert_str_eq(send(&t, SWAP_EV_TIMER, NULL), "");
	t.now += SECONDS(1);
	ck_assert_str_eq(send(&t, SWAP_EV_TIMER, "2412 connections"),
			 "finish 3 b 0 \"2412 connections\"");
	ck_assert(!swap_busy(&t.swap));
}
END_TEST

START_TEST(an_old_timer_does_not_end_a_later_step)
{
	static struct story t;

	go_to(&t, SWAP_GATE);
	t.now += SECONDS(59);
	ck_assert_str_eq(send(&t, SWAP_EV_TIMER, "late"), "");
	ck_assert_int_eq(t.swap.step, SWAP_GATE);
}
END_TEST

START_TEST(the_old_slot_drains_stays_warm_and_stops)
{
	static struct story t;

	story_init(&t);
	ck_assert_str_eq(retire(&t, RETIRE_EV_BEGIN), "timer 3 a +30s; drain 3 a");
	ck_assert_str_eq(retire(&t, RETIRE_EV_DRAINED), "timer 3 a +900s");
	t.now += SECONDS(900);
	ck_assert_str_eq(retire(&t, RETIRE_EV_TIMER), "slot-stop 3 a");
	ck_assert_str_eq(retire(&t, RETIRE_EV_STOPPED), "");
	ck_assert_int_eq(t.old.state, RETIRE_NONE);
}
END_TEST

START_TEST(without_idle_keep_a_drained_slot_stops_at_once)
{
	static struct story t;

	story_init(&t);
	t.policy.idle_keep = 0;
	retire(&t, RETIRE_EV_BEGIN);
	ck_assert_str_eq(retire(&t, RETIRE_EV_DRAINED), "timer 3 a off; slot-stop 3 a");
}
END_TEST

START_TEST(a_drain_that_takes_too_long_is_cut)
{
	static struct story t;

	story_init(&t);
	retire(&t, RETIRE_EV_BEGIN);
	t.now += SECONDS(30);
	ck_assert_str_eq(retire(&t, RETIRE_EV_TIMER), "cut 3 a");
	ck_assert_str_eq(retire(&t, RETIRE_EV_CUT), "timer 3 a +900s");
}
END_TEST

START_TEST(drain_now_ends_all_at_once_even_while_the_rest_is_being_ended)
{
	static struct story t;

	story_init(&t);
	retire(&t, RETIRE_EV_BEGIN);
	t.now += SECONDS(30);
	retire(&t, RETIRE_EV_TIMER);
	ck_assert_str_eq(retire(&t, RETIRE_EV_NOW), "cut 3 a 1");
	ck_assert_str_eq(retire(&t, RETIRE_EV_CUT), "timer 3 a +900s");
}
END_TEST

START_TEST(workers_that_drain_themselves_are_told_to_stop_at_once_and_the_slot_is_cold_then)
{
	static struct story t;

	story_init(&t);
	t.policy.drain_by_worker = true;
	ck_assert_str_eq(retire(&t, RETIRE_EV_BEGIN), "timer 3 a +30s; drain 3 a; slot-stop 3 a 1");
	ck_assert_str_eq(retire(&t, RETIRE_EV_DRAINED), "timer 3 a off; slot-stop 3 a");
	ck_assert_str_eq(retire(&t, RETIRE_EV_STOPPED), "");
	ck_assert_int_eq(t.old.state, RETIRE_NONE);
	retire(&t, RETIRE_EV_BEGIN);
	ck_assert_str_eq(retire(&t, RETIRE_EV_STOPPED), "timer 3 a off");
}
END_TEST

START_TEST(a_recalled_slot_is_not_stopped_by_its_old_timer)
{
	static struct story t;

	story_init(&t);
	retire(&t, RETIRE_EV_BEGIN);
	retire(&t, RETIRE_EV_DRAINED);
	ck_assert_str_eq(retire(&t, RETIRE_EV_RECALL), "timer 3 a off");
	t.now += SECONDS(900);
	ck_assert_str_eq(retire(&t, RETIRE_EV_TIMER), "");
}
END_TEST

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
	return suite_run(
		"swap", every_step_meets_every_event, every_end_of_a_slot_meets_every_event,
		a_swap_starts_gates_checks_the_record_flips_and_records,
		a_deploy_prepares_first_and_starts_afresh, a_prepare_that_fails_changes_nothing,
		a_record_that_cannot_be_written_is_found_before_anything_is_touched,
		a_slot_in_which_a_deploy_failed_is_not_warm_and_starts_afresh,
		a_warm_slot_is_just_flipped_and_never_stopped_when_that_fails,
		a_deploy_waits_for_a_slot_that_still_drains,
		whatever_fails_before_the_flip_leaves_live_alone_and_ends_with_10,
		there_is_no_abort_once_the_flip_has_begun,
		a_flip_stands_though_it_could_not_be_recorded,
		a_swap_with_bake_ends_when_that_is_over, an_old_timer_does_not_end_a_later_step,
		the_old_slot_drains_stays_warm_and_stops,
		without_idle_keep_a_drained_slot_stops_at_once, a_drain_that_takes_too_long_is_cut,
		drain_now_ends_all_at_once_even_while_the_rest_is_being_ended,
		workers_that_drain_themselves_are_told_to_stop_at_once_and_the_slot_is_cold_then,
		a_recalled_slot_is_not_stopped_by_its_old_timer,
		health_needs_rise_results_to_come_and_fall_results_to_go,
		min_ready_is_a_number_a_share_or_all,
		the_gate_ends_as_soon_as_its_outcome_is_certain);
}
