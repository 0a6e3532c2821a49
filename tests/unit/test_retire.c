#include <check.h>
#include <slotd/cleanup.h>
#include <slotd/deploy.h>
#include <slotd/retire.h>
#include <stdio.h>

#include "golden.h"
#include "suite.h"

static const char *const retire_events[RETIRE_EV_MAX_] = {
	[RETIRE_EV_BEGIN] = "begin",   [RETIRE_EV_DRAINED] = "drained",
	[RETIRE_EV_CUT] = "cut",       [RETIRE_EV_NOW] = "now",
	[RETIRE_EV_RECALL] = "recall", [RETIRE_EV_STOPPED] = "stopped",
	[RETIRE_EV_TIMER] = "timer",   [RETIRE_EV_DISCARD] = "discard",
};

struct story {
	struct swap_policy policy;
	struct retire old;
	usec_t now;
	char text[16 * 1024];
};

static void story_init(struct story *t)
{
	*t = (struct story){
		.policy = {.drain_timeout = SECONDS(30), .idle_keep = SECONDS(900)},
		.now = SECONDS(1000),
	};
	retire_init(&t->old, 3, SLOT_A);
}

static const char *retire(struct story *t, enum retire_event_kind kind)
{
	struct plan plan;

	plan_init(&plan);
	retire_step(&t->old, &t->policy, &(struct retire_event){.kind = kind}, t->now, &plan);
	return plan_format(&plan, t->now, t->text, sizeof(t->text));
}

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

START_TEST(while_the_other_slot_is_baked_a_drained_one_stays_warm)
{
	static struct story t;

	story_init(&t);
	t.policy.idle_keep = 0;
	t.policy.bake = SECONDS(60);
	retire(&t, RETIRE_EV_BEGIN);
	ck_assert_str_eq(retire(&t, RETIRE_EV_DRAINED), "timer 3 a +60s");
}
END_TEST

START_TEST(a_slot_that_failed_drains_and_stops)
{
	static struct story t;

	story_init(&t);
	ck_assert_str_eq(retire(&t, RETIRE_EV_DISCARD), "timer 3 a +30s; drain 3 a");
	ck_assert_str_eq(retire(&t, RETIRE_EV_DRAINED), "timer 3 a off; slot-stop 3 a");
	retire(&t, RETIRE_EV_STOPPED);
	retire(&t, RETIRE_EV_BEGIN);
	ck_assert_str_eq(retire(&t, RETIRE_EV_DRAINED), "timer 3 a +900s");
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

SUITE("retire", every_end_of_a_slot_meets_every_event, the_old_slot_drains_stays_warm_and_stops,
      without_idle_keep_a_drained_slot_stops_at_once,
      while_the_other_slot_is_baked_a_drained_one_stays_warm, a_slot_that_failed_drains_and_stops,
      a_drain_that_takes_too_long_is_cut,
      drain_now_ends_all_at_once_even_while_the_rest_is_being_ended,
      workers_that_drain_themselves_are_told_to_stop_at_once_and_the_slot_is_cold_then,
      a_recalled_slot_is_not_stopped_by_its_old_timer);
