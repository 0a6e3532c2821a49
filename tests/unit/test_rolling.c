#include <check.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/rolling.h>
#include <stdio.h>

#include "golden.h"
#include "suite.h"

static const char *const events[ROLL_EV_MAX_] = {
	[ROLL_EV_TAKE] = "take",   [ROLL_EV_DRAINED] = "drained", [ROLL_EV_CUT] = "cut",
	[ROLL_EV_ENDED] = "ended", [ROLL_EV_READY] = "ready",	  [ROLL_EV_LOST] = "lost",
	[ROLL_EV_TIMER] = "timer", [ROLL_EV_SETTLE] = "settle",	  [ROLL_EV_RESUME] = "resume",
};

struct story {
	struct roll roll;
	struct roll_terms terms;
	usec_t now;
	char text[1024];
};

static void story_init(struct story *t)
{
	*t = (struct story){
		.roll = {.state = ROLL_WAITING, .deadline = USEC_NEVER},
		.terms = {.drain_timeout = SECONDS(30),
			  .ready_timeout = SECONDS(60),
			  .served = true,
			  .running = true},
		.now = SECONDS(1000),
	};
}

static const char *tell(struct story *t, enum roll_event_kind kind)
{
	struct plan plan;

	plan_init(&plan);
	roll_step(&t->roll, 7, &t->terms, kind, t->now, &plan);
	return plan_format(&plan, t->now, t->text, sizeof(t->text));
}

START_TEST(every_state_meets_every_event)
{
	static char all[GOLDEN_MAX];
	static struct story t;
	size_t used = 0;

	for (int variant = 0; variant < 4; variant++) {
		static const char *const variants[] = {"", "queue ", "by-worker ", "settling "};

		for (int s = 0; s < ROLL_STATE_MAX_ * ROLL_EV_MAX_; s++) {
			const enum roll_state from = (enum roll_state)(s / ROLL_EV_MAX_);
			const int kind = s % ROLL_EV_MAX_;
			const char *plan;

			story_init(&t);
			t.terms.served = variant != 1;
			t.terms.drain_by_worker = variant == 2;
			t.terms.settling = variant == 3;
			t.roll = (struct roll){.state = from, .deadline = t.now};
			plan = tell(&t, (enum roll_event_kind)kind);
			used += (size_t)snprintf(all + used, sizeof(all) - used,
						 "%s%-8s %-8s -> %-8s %s\n", variants[variant],
						 roll_state_name(from), events[kind],
						 roll_state_name(t.roll.state), *plan ? plan : "-");
		}
	}
	golden_check("rolling_matrix.txt", all);
}
END_TEST

START_TEST(a_worker_drains_stops_starts_and_is_done)
{
	static struct story t;

	story_init(&t);
	ck_assert_str_eq(tell(&t, ROLL_EV_TAKE), "worker-drain 7");
	ck_assert(roll_is_leaving(&t.roll));
	t.now += SECONDS(29);
	ck_assert_str_eq(tell(&t, ROLL_EV_TIMER), ""); /* too early */
	ck_assert_str_eq(tell(&t, ROLL_EV_DRAINED), "worker-stop 7");
	ck_assert(!roll_is_leaving(&t.roll));
	ck_assert_str_eq(tell(&t, ROLL_EV_DRAINED), "");
	ck_assert_str_eq(tell(&t, ROLL_EV_ENDED), "worker-start 7");
	ck_assert_uint_eq(t.roll.deadline, t.now + SECONDS(60));
	ck_assert_str_eq(tell(&t, ROLL_EV_READY), "rolled 7");
	ck_assert_int_eq(t.roll.state, ROLL_DONE);
	ck_assert_uint_eq(t.roll.since, SECONDS(1000));
}
END_TEST

START_TEST(who_does_not_drain_in_time_is_cut)
{
	static struct story t;

	story_init(&t);
	tell(&t, ROLL_EV_TAKE);
	t.now += SECONDS(30);
	ck_assert_str_eq(tell(&t, ROLL_EV_TIMER), "worker-cut 7");
	ck_assert(roll_is_leaving(&t.roll));
	ck_assert_str_eq(tell(&t, ROLL_EV_RESUME), "worker-cut 7");
	ck_assert_str_eq(tell(&t, ROLL_EV_CUT), "worker-stop 7");
}
END_TEST

START_TEST(a_restart_that_is_given_up_leaves_nobody_out)
{
	static const enum roll_event_kind way[] = {ROLL_EV_TAKE, ROLL_EV_DRAINED, ROLL_EV_ENDED,
						   ROLL_EV_READY};
	static struct story t;

	/* From each state that it has come to: whatever was taken away is given back. */
	for (size_t n = 0; n <= ARRAY_SIZE(way); n++) {
		bool stopped = false;

		story_init(&t);
		for (size_t i = 0; i < n; i++) {
			tell(&t, way[i]);
		}
		stopped = t.roll.state == ROLL_STOPPING;
		t.terms.settling = true;
		ck_assert_str_eq(tell(&t, ROLL_EV_SETTLE), n == 1 ? "worker-stays 7" : "");
		ck_assert_int_eq(t.roll.state, stopped ? ROLL_STOPPING : ROLL_NONE);
		ck_assert_str_eq(tell(&t, ROLL_EV_ENDED), stopped ? "worker-start 7" : "");
		ck_assert_int_eq(t.roll.state, ROLL_NONE);
	}
}
END_TEST

START_TEST(what_comes_next_is_decided_by_the_numbers)
{
	static const struct {
		struct roll_count count;
		enum roll_next next;
	} cases[] = {
		{{.waiting = 5, .most = 1, .serving = 5, .next_serves = true}, ROLL_NEXT_TAKE},
		{{.waiting = 4, .under_way = 1, .most = 1, .serving = 4, .next_serves = true},
		 ROLL_NEXT_WAIT},
		{{.waiting = 4, .under_way = 1, .most = 2, .serving = 4, .next_serves = true},
		 ROLL_NEXT_TAKE},
		/* The last that serves is not taken, */
		{{.waiting = 2, .most = 1, .serving = 1, .next_serves = true}, ROLL_NEXT_NOBODY},
		{{.waiting = 2, .under_way = 1, .most = 2, .serving = 1, .next_serves = true},
		 ROLL_NEXT_WAIT},
		/* unless it is forced; one that does not serve is. */
		{{.waiting = 1, .most = 1, .serving = 1, .next_serves = true, .forced = true},
		 ROLL_NEXT_TAKE},
		{{.waiting = 2, .most = 1, .serving = 1}, ROLL_NEXT_TAKE},
		/* One is cut at a time. */
		{{.under_way = 2, .overdue = 2, .most = 2}, ROLL_NEXT_CUT},
		{{.under_way = 2, .overdue = 1, .cutting = 1, .most = 2}, ROLL_NEXT_WAIT},
		{{.done = 5, .most = 1, .serving = 5}, ROLL_NEXT_OVER},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_msg(rolling_next(&cases[i].count) == cases[i].next, "case %zu", i);
	}
}
END_TEST

START_TEST(so_many_are_restarted_at_once)
{
	static const struct {
		const char *text;
		unsigned total;
		int most;
	} cases[] = {
		{"1", 5, 1},	    {"3", 5, 3},       {"5", 5, 4},	   {"9", 5, 4},
		{"25%", 8, 2},	    {"25%", 3, 1},     {"100%", 8, 7},	   {"1", 1, 1},
		{"50%", 1, 1},	    {"0", 5, -EINVAL}, {"0%", 5, -EINVAL}, {"101%", 5, -EINVAL},
		{"-1", 5, -EINVAL}, {"", 5, -EINVAL},  {"2x", 5, -EINVAL}, {"all", 5, -EINVAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_msg(rolling_most(cases[i].text, cases[i].total) == cases[i].most,
			      "%s of %u", cases[i].text, cases[i].total);
	}
}
END_TEST

SUITE("rolling", every_state_meets_every_event, a_worker_drains_stops_starts_and_is_done,
      who_does_not_drain_in_time_is_cut, a_restart_that_is_given_up_leaves_nobody_out,
      what_comes_next_is_decided_by_the_numbers, so_many_are_restarted_at_once);
