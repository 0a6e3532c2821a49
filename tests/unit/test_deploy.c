#include <check.h>
#include <slotd/cleanup.h>
#include <slotd/deploy.h>
#include <stdio.h>
#include <string.h>

#include "golden.h"
#include "suite.h"

static const char *const events[DEPLOY_EV_MAX_] = {
	[DEPLOY_EV_BEGIN] = "begin",	       [DEPLOY_EV_COMMANDS] = "commands",
	[DEPLOY_EV_STARTED] = "started",       [DEPLOY_EV_START_FAILED] = "start-failed",
	[DEPLOY_EV_READY] = "ready",	       [DEPLOY_EV_NOT_READY] = "not-ready",
	[DEPLOY_EV_RECORD_OK] = "record-ok",   [DEPLOY_EV_RECORD_FAILED] = "record-failed",
	[DEPLOY_EV_FLIPPED] = "flipped",       [DEPLOY_EV_FLIP_FAILED] = "flip-failed",
	[DEPLOY_EV_RECORDED] = "recorded",     [DEPLOY_EV_CRASHED] = "crashed",
	[DEPLOY_EV_FAILING] = "failing",       [DEPLOY_EV_ROLLED_BACK] = "rolled-back",
	[DEPLOY_EV_DRAINED] = "drained",       [DEPLOY_EV_ABORT] = "abort",
	[DEPLOY_EV_TIMER] = "timer",	       [DEPLOY_EV_RESUME] = "resume",
	[DEPLOY_EV_ROLLED] = "rolled",	       [DEPLOY_EV_ROLL_FAILED] = "roll-failed",
	[DEPLOY_EV_VERIFY_DUE] = "verify-due", [DEPLOY_EV_VERIFIED] = "verified",
	[DEPLOY_EV_PROMOTE] = "promote",       [DEPLOY_EV_SHARE] = "share",
};

struct story {
	struct swap_policy policy;
	struct deploy deploy;
	usec_t now;
	char text[16 * 1024];
};

static void story_init(struct story *t)
{
	*t = (struct story){
		.policy = {.has_hook[HOOK_PREPARE] = true,
			   .hook_timeout = {SECONDS(600), SECONDS(90), SECONDS(80), SECONDS(70),
					    SECONDS(65)},
			   .ready_timeout = SECONDS(60),
			   .drain_timeout = SECONDS(5),
			   .drain_spread = SECONDS(3)},
		.now = SECONDS(1000),
	};
	deploy_init(&t->deploy, 3, SLOT_A);
}

static const char *story_event(struct story *t, const struct deploy_event *ev)
{
	struct plan plan;

	plan_init(&plan);
	deploy_step(&t->deploy, ev, t->now, &plan);
	return plan_format(&plan, t->now, t->text, sizeof(t->text));
}

static const char *send(struct story *t, enum deploy_event_kind kind, const char *text)
{
	return story_event(
		t, &(struct deploy_event){.kind = kind, .policy = &t->policy, .text = text});
}

static const char *begin(struct story *t, enum swap_kind what)
{
	return story_event(t, &(struct deploy_event){
				      .kind = DEPLOY_EV_BEGIN, .policy = &t->policy, .what = what});
}

/* What ends each phase well. */
static const enum deploy_event_kind good[SWAP_STEP_MAX_] = {
	[SWAP_WAIT] = DEPLOY_EV_DRAINED,     [SWAP_PRECHECK] = DEPLOY_EV_RECORD_OK,
	[SWAP_PREPARE] = DEPLOY_EV_COMMANDS, [SWAP_START] = DEPLOY_EV_STARTED,
	[SWAP_VERIFY] = DEPLOY_EV_COMMANDS,  [SWAP_AFTER_SWAP] = DEPLOY_EV_COMMANDS,
	[SWAP_RELEASE] = DEPLOY_EV_COMMANDS, [SWAP_ON_FAILURE] = DEPLOY_EV_COMMANDS,
	[SWAP_GATE] = DEPLOY_EV_READY,	     [SWAP_CHECK_RECORD] = DEPLOY_EV_RECORD_OK,
	[SWAP_FLIP] = DEPLOY_EV_FLIPPED,     [SWAP_RECORD] = DEPLOY_EV_RECORDED,
	[SWAP_CANARY] = DEPLOY_EV_TIMER,     [SWAP_SHARE] = DEPLOY_EV_RECORDED,
	[SWAP_BAKE] = DEPLOY_EV_TIMER,	     [SWAP_DRAIN] = DEPLOY_EV_DRAINED,
	[SWAP_ROLL] = DEPLOY_EV_ROLLED,	     [SWAP_SETTLE] = DEPLOY_EV_ROLLED,
};

/* The phase ends as it should. */
static const char *go_on(struct story *t)
{
	enum swap_step step = t->deploy.step;

	t->now = step == SWAP_BAKE || step == SWAP_CANARY ? t->deploy.deadline : t->now;
	return send(t, good[step], NULL);
}

static void go_on_to(struct story *t, enum swap_step step)
{
	for (int i = 0; t->deploy.step != step; i++) {
		ck_assert_int_lt(i, DEPLOY_PHASES_MAX);
		go_on(t);
	}
}

static void add_steps(struct story *t)
{
	t->policy.n_canary = 3;
	t->policy.canary[0] = (struct canary_step){500, SECONDS(60)};
	t->policy.canary[1] = (struct canary_step){2500, SECONDS(120)};
	t->policy.canary[2] = (struct canary_step){5000, SECONDS(240)};
	t->policy.canary_crashes = 1;
	t->policy.canary_timeout = SECONDS(1800);
}

/* Into a phase of a deploy that has all of them. */
static void go_to(struct story *t, enum swap_step step)
{
	story_init(t);
	t->policy.bake = SECONDS(300);
	t->policy.has_hook[HOOK_VERIFY] = t->policy.has_hook[HOOK_AFTER_SWAP] = true;
	t->policy.has_hook[HOOK_RELEASE] = step == SWAP_RELEASE;
	t->policy.has_hook[HOOK_ON_FAILURE] = step == SWAP_ON_FAILURE;
	if (step == SWAP_CANARY) {
		add_steps(t);
	}
	if (step == SWAP_NONE) {
		return;
	}
	if (step == SWAP_ROLL || step == SWAP_SETTLE) {
		begin(t, SWAP_KIND_RESTART);
		if (step == SWAP_SETTLE) {
			send(t, DEPLOY_EV_ROLL_FAILED, "why");
		}
		return;
	}
	story_event(t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
					      .policy = &t->policy,
					      .what = SWAP_KIND_DEPLOY,
					      .stands = step == SWAP_SHARE,
					      .share = step == SWAP_SHARE ? 5000 : 0,
					      .draining = true,
					      .unnamed = true});
	if (step == SWAP_ON_FAILURE) {
		go_on_to(t, SWAP_GATE);
		send(t, DEPLOY_EV_NOT_READY, "why");
	} else {
		go_on_to(t, step);
	}
}

/* Into a phase of the way back, to a slot that runs (warm) or has to be started. */
static void go_back_to(struct story *t, enum swap_step step, bool warm)
{
	go_to(t, SWAP_BAKE);
	story_event(t, &(struct deploy_event){.kind = DEPLOY_EV_FAILING, .warm = warm});
	go_on_to(t, step);
}

static bool happened(const char *plan, const char *what)
{
	return strstr(plan, what) != NULL;
}

/* ---- the matrix ---- */

struct sheet {
	char text[GOLDEN_MAX];
	size_t used;
};

static void sheet_row(struct sheet *s, const char *where, enum deploy_event_kind kind,
		      const char *plan)
{
	s->used += (size_t)snprintf(s->text + s->used, sizeof(s->text) - s->used,
				    "%-12s %-14s %s\n", where, events[kind], *plan ? plan : "-");
}

static void sheet_phase(struct sheet *s, enum swap_step step, bool back)
{
	static struct story t;
	char where[32];

	(void)snprintf(where, sizeof(where), "%s%s", back ? "back: " : "", swap_state_name(step));
	for (int e = 0; e < DEPLOY_EV_MAX_; e++) {
		if (back) {
			go_back_to(&t, step, false);
		} else {
			go_to(&t, step);
		}
		t.now = t.deploy.deadline == USEC_NEVER ? t.now : t.deploy.deadline;
		sheet_row(s, where, (enum deploy_event_kind)e,
			  send(&t, (enum deploy_event_kind)e, "why"));
	}
}

/* Into a step of a deploy's canary, or into one made by hand, as people change its share. */
static void go_to_canary(struct story *t, unsigned step, bool by_hand)
{
	go_to(t, by_hand ? SWAP_NONE : SWAP_CANARY);
	for (unsigned i = 0; i < step; i++) {
		go_on(t);
	}
	if (by_hand) {
		add_steps(t);
		story_event(t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
						      .policy = &t->policy,
						      .what = SWAP_KIND_SWAP,
						      .share = 1000});
		go_on_to(t, SWAP_CANARY);
	}
}

/* Every event, also those that say that something is wrong. */
static void sheet_canary(struct sheet *s, unsigned step, bool by_hand)
{
	static struct story t;
	char where[32];

	(void)snprintf(where, sizeof(where), by_hand ? "by hand" : "canary %u", step + 1);
	for (int e = 0; e < DEPLOY_EV_MAX_; e++) {
		go_to_canary(&t, step, by_hand);
		t.now = t.deploy.deadline;
		sheet_row(s, where, (enum deploy_event_kind)e,
			  story_event(&t, &(struct deploy_event){.kind = (enum deploy_event_kind)e,
								 .policy = &t.policy,
								 .share = 700,
								 .code = -5,
								 .text = "why"}));
	}
}

START_TEST(every_phase_meets_every_event)
{
	static const enum swap_step forward[] = {
		SWAP_NONE, SWAP_WAIT,	    SWAP_PRECHECK,     SWAP_PREPARE,	SWAP_START,
		SWAP_GATE, SWAP_VERIFY,	    SWAP_CHECK_RECORD, SWAP_FLIP,	SWAP_RECORD,
		SWAP_BAKE, SWAP_AFTER_SWAP, SWAP_DRAIN,	       SWAP_ON_FAILURE, SWAP_RELEASE,
		SWAP_ROLL, SWAP_SETTLE,	    SWAP_CANARY,       SWAP_SHARE};
	static const enum swap_step back[] = {SWAP_START, SWAP_GATE, SWAP_FLIP, SWAP_RECORD};
	static struct sheet all;

	ck_assert_uint_eq(ARRAY_SIZE(forward), SWAP_STEP_MAX_);
	for (size_t i = 0; i < ARRAY_SIZE(forward); i++) {
		sheet_phase(&all, forward[i], false);
	}
	for (size_t i = 0; i < ARRAY_SIZE(back); i++) {
		sheet_phase(&all, back[i], true);
	}
	for (unsigned i = 0; i < 3; i++) {
		sheet_canary(&all, i, false);
	}
	sheet_canary(&all, 0, true);
	golden_check("deploy_matrix.txt", all.text);
}
END_TEST

/* ---- the list ---- */

static const char *list_text(const struct deploy *d, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < d->n; i++) {
		used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? " " : "",
					 swap_state_name(d->phases[i].step));
	}
	return buf;
}

START_TEST(the_list_has_the_phases_that_are_needed)
{
	static const struct {
		struct deploy_event begin;
		bool has_prepare;
		usec_t bake;
		const char *list;
		unsigned total;
	} lists[] = {
		{{.what = SWAP_KIND_DEPLOY, .draining = true},
		 true,
		 SECONDS(60),
		 "wait precheck prepare start gate check swap record bake drain",
		 6},
		{{.what = SWAP_KIND_DEPLOY},
		 false,
		 0,
		 "precheck start gate check swap record drain",
		 4},
		{{.what = SWAP_KIND_DEPLOY, .warm = true},
		 false,
		 0,
		 "precheck start gate check swap record drain",
		 4},
		{{.what = SWAP_KIND_SWAP}, true, 0, "start gate check swap record drain", 4},
		{{.what = SWAP_KIND_SWAP, .draining = true, .warm = true},
		 true,
		 SECONDS(60),
		 "check swap record bake drain",
		 3},
		{{.what = SWAP_KIND_SWAP, .warm = true, .touched = true, .draining = true},
		 true,
		 0,
		 "wait start gate check swap record drain",
		 4},
		{{.what = SWAP_KIND_SWAP, .warm = true, .touched = true},
		 true,
		 0,
		 "start gate check swap record drain",
		 4},
		{{.what = SWAP_KIND_ROLLBACK, .warm = true},
		 true,
		 SECONDS(60),
		 "check swap record drain",
		 2},
		{{.what = SWAP_KIND_ROLLBACK},
		 true,
		 SECONDS(60),
		 "start gate check swap record drain",
		 4},
		{{.what = SWAP_KIND_RESTART, .warm = true, .draining = true},
		 true,
		 SECONDS(60),
		 "roll",
		 1},
	};
	static struct story t;
	char text[256];

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct deploy_event ev = lists[i].begin;

		story_init(&t);
		t.policy.has_hook[HOOK_PREPARE] = lists[i].has_prepare;
		t.policy.bake = lists[i].bake;
		ev.policy = &t.policy;
		story_event(&t, &ev);
		ck_assert_str_eq(list_text(&t.deploy, text, sizeof(text)), lists[i].list);
		ck_assert_uint_eq(t.deploy.total, lists[i].total);
	}
}
END_TEST

START_TEST(what_a_reload_changes_is_for_the_next_deploy)
{
	static struct story t;

	story_init(&t);
	begin(&t, SWAP_KIND_DEPLOY);
	t.policy.hook_timeout[HOOK_PREPARE] = SECONDS(1);
	t.policy.has_hook[HOOK_PREPARE] = false;
	ck_assert_str_eq(
		go_on(&t),
		"touch 3 b; step 3 b prepare; timer 3 +600s; slot-stop 3 b; run 3 b prepare");
}
END_TEST

/* ---- canary ---- */

static const char *share(struct story *t, uint16_t to)
{
	return story_event(t, &(struct deploy_event){.kind = DEPLOY_EV_SHARE, .share = to});
}

START_TEST(a_canary_gets_its_shares_one_after_the_other)
{
	static struct story t;
	char text[256];

	go_to(&t, SWAP_CANARY);
	ck_assert_str_eq(list_text(&t.deploy, text, sizeof(text)),
			 "wait precheck prepare start gate verify canary canary canary check swap "
			 "record bake after_swap drain");
	ck_assert_uint_eq(t.deploy.weight, 500);
	ck_assert_str_eq(go_on(&t),
			 "step 3 b canary #5; timer 3 +120s; share 3 b 2500; checks 3 b");
	ck_assert_str_eq(go_on(&t),
			 "step 3 b canary #6; timer 3 +240s; share 3 b 5000; checks 3 b");
	ck_assert_str_eq(go_on(&t), "step 3 b check #7; check-record 3 b");
	ck_assert_uint_eq(t.deploy.weight, 5000);
	go_on_to(&t, SWAP_RECORD);
	ck_assert_uint_eq(t.deploy.weight, 0);
	ck_assert_int_eq(t.deploy.live, SLOT_B);
}
END_TEST

START_TEST(the_longest_way_of_a_canary_and_back_fits)
{
	static struct story t;

	go_to(&t, SWAP_NONE);
	for (t.policy.n_canary = 0; t.policy.n_canary < CANARY_STEPS_MAX; t.policy.n_canary++) {
		t.policy.canary[t.policy.n_canary] = (struct canary_step){100, SECONDS(1)};
	}
	t.policy.has_hook[HOOK_ON_FAILURE] = true;
	story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
					       .policy = &t.policy,
					       .what = SWAP_KIND_DEPLOY,
					       .draining = true});
	go_on_to(&t, SWAP_BAKE);
	send(&t, DEPLOY_EV_FAILING, "why");
	go_on_to(&t, SWAP_NONE);
	ck_assert_int_eq(t.deploy.live, SLOT_A);
}
END_TEST

START_TEST(a_promotion_leaves_the_steps_out_that_are_left)
{
	static struct story t;

	go_to(&t, SWAP_CANARY);
	ck_assert_str_eq(send(&t, DEPLOY_EV_PROMOTE, "promoted by ana"),
			 "step 3 b check #7 \"promoted by ana\"; timer 3 off; check-record 3 b");
	go_on_to(&t, SWAP_DRAIN);
	ck_assert_int_eq(t.deploy.live, SLOT_B);
}
END_TEST

/* Its connections end as after a flip, and then its workers. */
START_TEST(a_canary_that_is_given_up_drains_and_stops)
{
	static struct story t;

	go_to(&t, SWAP_CANARY);
	ck_assert_str_eq(send(&t, DEPLOY_EV_ABORT, "aborted by ana"),
			 "retire 3 b 1; timer 3 off; finish 3 b 10 #5 \"aborted by ana\"");
	ck_assert_uint_eq(t.deploy.weight, 0);
	go_to_canary(&t, 2, false);
	go_on(&t);
	ck_assert_int_eq(t.deploy.step, SWAP_CHECK_RECORD);
	ck_assert_str_eq(send(&t, DEPLOY_EV_RECORD_FAILED, "disk full"),
			 "retire 3 b 1; finish 3 b 10 #8 \"disk full\"");
}
END_TEST

START_TEST(a_canary_that_was_warm_stays_so_when_it_is_given_up)
{
	static struct story t;

	story_init(&t);
	add_steps(&t);
	ck_assert_str_eq(story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
								.policy = &t.policy,
								.what = SWAP_KIND_SWAP,
								.share = 1000,
								.warm = true}),
			 "recall 3 b; step 3 b canary; timer 3 +1800s; share 3 b 1000; checks 3 b");
	ck_assert_str_eq(send(&t, DEPLOY_EV_ABORT, "aborted by ana"),
			 "retire 3 b; timer 3 off; finish 3 b 10 #1 \"aborted by ana\"");
}
END_TEST

START_TEST(a_canary_bears_so_many_crashes_in_all_its_steps)
{
	static struct story t;

	go_to(&t, SWAP_CANARY);
	ck_assert_str_eq(send(&t, DEPLOY_EV_CRASHED, "b crashed"), "");
	go_on(&t);
	ck_assert_str_eq(send(&t, DEPLOY_EV_CRASHED, "b crashed"),
			 "retire 3 b 1; timer 3 off; finish 3 b 10 #6 \"b crashed\"");
}
END_TEST

START_TEST(people_change_the_share_of_a_canary_and_its_time_begins_again)
{
	static struct story t;

	go_to_canary(&t, 0, true);
	t.now += SECONDS(100);
	ck_assert_str_eq(share(&t, 3000), "timer 3 +1800s; share 3 b 3000");
	ck_assert_uint_eq(t.deploy.weight, 3000);
	t.now = t.deploy.deadline;
	ck_assert_str_eq(send(&t, DEPLOY_EV_TIMER, "nobody promoted it"),
			 "retire 3 b 1; finish 3 b 10 #4 \"nobody promoted it\"");
	go_to_canary(&t, 1, false);
	ck_assert_str_eq(share(&t, 3000), "share 3 b 3000");
}
END_TEST

START_TEST(a_canary_by_hand_without_a_limit_waits_for_ever)
{
	static struct story t;

	story_init(&t);
	story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
					       .policy = &t.policy,
					       .what = SWAP_KIND_SWAP,
					       .share = 1,
					       .warm = true});
	ck_assert_uint_eq(t.deploy.deadline, USEC_NEVER);
	ck_assert_str_eq(share(&t, 2), "share 3 b 2");
}
END_TEST

START_TEST(a_killed_slotd_gives_a_canary_the_share_that_it_had)
{
	static struct story t;
	struct plan plan;

	go_to_canary(&t, 0, true);
	share(&t, 3000);
	t.now += SECONDS(600);
	plan_init(&plan);
	deploy_resume(&t.deploy, t.now, &plan);
	ck_assert_str_eq(plan_format(&plan, t.now, t.text, sizeof(t.text)),
			 "timer 3 +1200s; share 3 b 3000; checks 3 b");
}
END_TEST

static const char *begin_test(struct story *t, uint16_t part, bool warm, bool keeps)
{
	return story_event(t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
						     .policy = &t->policy,
						     .what = SWAP_KIND_SWAP,
						     .stands = true,
						     .share = part,
						     .warm = warm,
						     .keeps = keeps});
}

START_TEST(an_ab_test_stands_when_its_job_has_ended)
{
	static struct story t;

	story_init(&t);
	add_steps(&t);
	begin_test(&t, 5000, false, false);
	go_on(&t);
	ck_assert_str_eq(send(&t, DEPLOY_EV_READY, "5/5 healthy"),
			 "gate-end 3 b; step 3 b share #2 \"5/5 healthy\"; timer 3 off; "
			 "stand 3 b 5000; checks 3 b");
	ck_assert_str_eq(send(&t, DEPLOY_EV_RECORDED, NULL), "ready 3 b; finish 3 b 0 #3");
	ck_assert_int_eq(t.deploy.step, SWAP_NONE);
	ck_assert_int_eq(t.deploy.live, SLOT_A);
	ck_assert_str_eq(begin_test(&t, 3000, true, true),
			 "recall 3 b; step 3 b share; stand 3 b 3000; checks 3 b");
	send(&t, DEPLOY_EV_RECORDED, NULL);
	ck_assert_str_eq(begin_test(&t, 0, true, true),
			 "recall 3 b; step 3 b share; stand 3 b 0; retire 3 b 1; checks 3 b");
}
END_TEST

START_TEST(an_ab_test_goes_on_when_what_follows_fails)
{
	static struct story t;

	story_init(&t);
	begin_test(&t, 5000, false, true);
	ck_assert_str_eq(send(&t, DEPLOY_EV_START_FAILED, "why"),
			 "timer 3 off; finish 3 b 10 #1 \"why\"");
	story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
					       .policy = &t.policy,
					       .what = SWAP_KIND_SWAP,
					       .warm = true,
					       .keeps = true});
	ck_assert_str_eq(send(&t, DEPLOY_EV_RECORD_FAILED, "disk full"),
			 "finish 3 b 10 #1 \"disk full\"");
}
END_TEST

/* ---- forward ---- */

START_TEST(a_swap_starts_gates_checks_the_record_flips_and_records)
{
	static struct story t;

	story_init(&t);
	ck_assert_str_eq(begin(&t, SWAP_KIND_SWAP),
			 "step 3 b start; timer 3 +60s; recall 3 b; slot-start 3 b 0");
	ck_assert_str_eq(send(&t, DEPLOY_EV_STARTED, "5/5 running"),
			 "step 3 b gate #1 \"5/5 running\"; gate 3 b");
	ck_assert_str_eq(send(&t, DEPLOY_EV_READY, "5/5 healthy"),
			 "gate-end 3 b; step 3 b check #2 \"5/5 healthy\"; timer 3 off; "
			 "check-record 3 b");
	ck_assert_str_eq(send(&t, DEPLOY_EV_RECORD_OK, NULL), "step 3 b swap; flip 3 b");
	ck_assert_int_eq(t.deploy.live, SLOT_A);
	ck_assert_int_eq(deploy_slot_in_use(&t.deploy), SLOT_B);
	ck_assert_str_eq(send(&t, DEPLOY_EV_FLIPPED, "0.2 ms"),
			 "step 3 b record #3 \"0.2 ms\"; live 3 b; prove 3 b; status 3 b; "
			 "record 3 b; retire 3 a; queue-workers 3 b; checks 3 b; "
			 "log 3 notice \"new connections go to slot b, a drains\"");
	ck_assert_int_eq(t.deploy.live, SLOT_B);
	ck_assert_int_eq(deploy_slot_in_use(&t.deploy), SLOT_INVALID_);
	ck_assert_str_eq(send(&t, DEPLOY_EV_RECORDED, NULL),
			 "step 3 b drain; timer 3 +10s; finish 3 b 0; watch-drain 3 a");
	ck_assert(!deploy_busy(&t.deploy));
	ck_assert_str_eq(send(&t, DEPLOY_EV_DRAINED, NULL), "timer 3 off; close 3 b");
	ck_assert_int_eq(t.deploy.step, SWAP_NONE);
}
END_TEST

START_TEST(a_deploy_prepares_first_and_starts_afresh)
{
	static struct story t;

	story_init(&t);
	ck_assert_str_eq(begin(&t, SWAP_KIND_DEPLOY), "step 3 b precheck; check-record 3 b");
	ck_assert_str_eq(
		send(&t, DEPLOY_EV_RECORD_OK, NULL),
		"touch 3 b; step 3 b prepare; timer 3 +600s; slot-stop 3 b; run 3 b prepare");
	ck_assert_str_eq(send(&t, DEPLOY_EV_COMMANDS, "4 commands"),
			 "step 3 b start #1 \"4 commands\"; timer 3 +60s; recall 3 b; "
			 "slot-start 3 b 1");
}
END_TEST

START_TEST(a_prepare_that_fails_changes_nothing)
{
	static struct story t;

	go_to(&t, SWAP_PREPARE);
	ck_assert_str_eq(story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_COMMANDS,
								.code = 1,
								.text = "exit status 1"}),
			 "timer 3 off; finish 3 b 10 #1 \"exit status 1\"");
	ck_assert_int_eq(t.deploy.live, SLOT_A);
}
END_TEST

START_TEST(a_slot_that_is_not_verified_is_stopped_and_live_is_untouched)
{
	static struct story t;

	go_to(&t, SWAP_GATE);
	ck_assert_str_eq(send(&t, DEPLOY_EV_READY, "5/5 healthy"),
			 "gate-end 3 b; step 3 b verify #3 \"5/5 healthy\"; timer 3 +90s; "
			 "run 3 b verify");
	ck_assert_str_eq(story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_COMMANDS,
								.code = 22,
								.text = "exit status 22"}),
			 "slot-stop 3 b; timer 3 off; finish 3 b 10 #4 \"exit status 22\"");
}
END_TEST

START_TEST(a_deploy_until_the_gate_leaves_the_slot_ready_and_flips_nothing)
{
	static struct story t;

	go_to(&t, SWAP_NONE);
	story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
					       .policy = &t.policy,
					       .what = SWAP_KIND_DEPLOY,
					       .until_gate = true});
	ck_assert_uint_eq(t.deploy.total, 4);
	go_on_to(&t, SWAP_VERIFY);
	ck_assert_str_eq(send(&t, DEPLOY_EV_COMMANDS, "2 commands"),
			 "ready 3 b; timer 3 off; finish 3 b 0 #4 \"2 commands\"");
	ck_assert_int_eq(t.deploy.live, SLOT_A);
	ck_assert(!deploy_busy(&t.deploy));
}
END_TEST

START_TEST(what_runs_after_a_swap_does_not_change_its_outcome)
{
	static struct story t;

	go_to(&t, SWAP_AFTER_SWAP);
	ck_assert_str_eq(
		story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_COMMANDS,
						       .code = 1,
						       .text = "exit status 1"}),
		"step 3 b drain code 1 #7 \"exit status 1\"; timer 3 +10s; finish 3 b 0 \"The "
		"commands of after_swap failed.\"; watch-drain 3 a");
}
END_TEST

START_TEST(a_slotd_that_ends_in_the_bake_runs_nothing_more)
{
	static struct story t;

	go_to(&t, SWAP_BAKE);
	ck_assert_str_eq(story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_ABORT,
								.code = -108,
								.text = "it ends"}),
			 "step 3 b drain #6 \"it ends\"; timer 3 +10s; finish 3 b 0; "
			 "watch-drain 3 a");
}
END_TEST

START_TEST(a_failure_is_told_then_its_commands_run_then_it_finishes)
{
	static struct story t;

	go_to(&t, SWAP_GATE);
	t.deploy.on_failure = SECONDS(70);
	ck_assert_str_eq(send(&t, DEPLOY_EV_NOT_READY, "why"),
			 "gate-end 3 b; slot-stop 3 b; failed 3 b #3 \"why\"; timer 3 +70s; "
			 "run 3 b on_failure");
	ck_assert(deploy_busy(&t.deploy));
	ck_assert_str_eq(send(&t, DEPLOY_EV_COMMANDS, NULL), "timer 3 off; finish 3 b 10");
}
END_TEST

START_TEST(the_commands_for_a_failure_run_after_the_way_back_too)
{
	static struct story t;

	go_back_to(&t, SWAP_RECORD, true);
	t.deploy.on_failure = SECONDS(70);
	ck_assert_str_eq(send(&t, DEPLOY_EV_RECORDED, NULL),
			 "failed 3 a; timer 3 +70s; run 3 a on_failure");
	ck_assert_str_eq(send(&t, DEPLOY_EV_COMMANDS, NULL), "timer 3 off; finish 3 a 11");
}
END_TEST

START_TEST(a_slotd_that_ends_runs_no_commands_for_that)
{
	static struct story t;

	go_to(&t, SWAP_GATE);
	t.deploy.on_failure = SECONDS(70);
	ck_assert_str_eq(story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_ABORT,
								.code = -108,
								.text = "it ends"}),
			 "gate-end 3 b; slot-stop 3 b; timer 3 off; finish 3 b 10 #3 \"it ends\"");
}
END_TEST

START_TEST(a_record_that_cannot_be_written_is_found_before_anything_is_touched)
{
	static struct story t;

	go_to(&t, SWAP_PRECHECK);
	ck_assert_str_eq(send(&t, DEPLOY_EV_RECORD_FAILED, "disk full"),
			 "finish 3 b 10 #1 \"disk full\"");
}
END_TEST

START_TEST(a_slot_in_which_a_deploy_failed_is_not_warm_and_starts_afresh)
{
	static struct story t;

	story_init(&t);
	ck_assert_str_eq(story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
								.policy = &t.policy,
								.what = SWAP_KIND_SWAP,
								.warm = true,
								.touched = true}),
			 "step 3 b start; timer 3 +60s; recall 3 b; slot-start 3 b 1");
}
END_TEST

START_TEST(a_warm_slot_is_just_flipped_and_goes_on_as_it_was_when_that_fails)
{
	static struct story t;

	story_init(&t);
	ck_assert_str_eq(story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
								.policy = &t.policy,
								.what = SWAP_KIND_ROLLBACK,
								.warm = true}),
			 "recall 3 b; step 3 b check; check-record 3 b");
	ck_assert_str_eq(send(&t, DEPLOY_EV_RECORD_FAILED, "disk full"),
			 "retire 3 b; finish 3 b 10 #1 \"disk full\"");
}
END_TEST

START_TEST(whatever_fails_before_the_flip_leaves_live_alone_and_ends_with_10)
{
	static const struct {
		enum swap_step step;
		enum deploy_event_kind kind;
	} failures[] = {
		{SWAP_WAIT, DEPLOY_EV_ABORT},
		{SWAP_PRECHECK, DEPLOY_EV_RECORD_FAILED},
		{SWAP_PRECHECK, DEPLOY_EV_ABORT},
		{SWAP_PREPARE, DEPLOY_EV_ABORT},
		{SWAP_PREPARE, DEPLOY_EV_TIMER},
		{SWAP_START, DEPLOY_EV_START_FAILED},
		{SWAP_START, DEPLOY_EV_TIMER},
		{SWAP_START, DEPLOY_EV_ABORT},
		{SWAP_GATE, DEPLOY_EV_NOT_READY},
		{SWAP_GATE, DEPLOY_EV_TIMER},
		{SWAP_GATE, DEPLOY_EV_ABORT},
		{SWAP_VERIFY, DEPLOY_EV_TIMER},
		{SWAP_VERIFY, DEPLOY_EV_ABORT},
		{SWAP_CHECK_RECORD, DEPLOY_EV_RECORD_FAILED},
		{SWAP_CHECK_RECORD, DEPLOY_EV_NOT_READY},
		{SWAP_CHECK_RECORD, DEPLOY_EV_ABORT},
		{SWAP_FLIP, DEPLOY_EV_FLIP_FAILED},
	};
	static struct story t;

	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		const char *plan;

		go_to(&t, failures[i].step);
		t.now = t.deploy.deadline == USEC_NEVER ? t.now : t.deploy.deadline;
		plan = send(&t, failures[i].kind, "why");
		ck_assert_msg(happened(plan, "finish 3 b 10 #") && happened(plan, "\"why\""),
			      "%s: %s", swap_state_name(failures[i].step), plan);
		ck_assert_msg(!happened(plan, " a"), "%s touches the live slot: %s",
			      swap_state_name(failures[i].step), plan);
		ck_assert_int_eq(t.deploy.live, SLOT_A);
		ck_assert_uint_eq(t.deploy.deadline, USEC_NEVER);
		ck_assert(!deploy_busy(&t.deploy));
	}
}
END_TEST

START_TEST(there_is_no_abort_once_the_flip_has_begun)
{
	static struct story t;

	go_to(&t, SWAP_FLIP);
	ck_assert_str_eq(send(&t, DEPLOY_EV_ABORT, "by ana"), "");
	go_to(&t, SWAP_RECORD);
	ck_assert_str_eq(send(&t, DEPLOY_EV_ABORT, "by ana"), "");
}
END_TEST

START_TEST(a_flip_stands_though_it_could_not_be_recorded)
{
	static struct story t;

	story_init(&t);
	begin(&t, SWAP_KIND_SWAP);
	go_on_to(&t, SWAP_RECORD);
	ck_assert_str_eq(story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_RECORDED,
								.code = -28,
								.text = "No space left"}),
			 "log 3 err \"No space left\"; step 3 b drain \"No space left\"; "
			 "timer 3 +10s; finish 3 b 0 \"No space left\"; watch-drain 3 a");
	ck_assert_int_eq(t.deploy.live, SLOT_B);
}
END_TEST

START_TEST(an_old_timer_does_not_end_a_later_phase)
{
	static struct story t;

	go_to(&t, SWAP_GATE);
	t.now += SECONDS(59);
	ck_assert_str_eq(send(&t, DEPLOY_EV_TIMER, "late"), "");
	ck_assert_int_eq(t.deploy.step, SWAP_GATE);
}
END_TEST

/* ---- bake ---- */

static const char *crash(struct story *t, bool warm)
{
	return story_event(t, &(struct deploy_event){.kind = DEPLOY_EV_CRASHED,
						     .warm = warm,
						     .text = "payinv-b_1 crashed"});
}

START_TEST(a_good_bake_ends_when_its_time_is_over)
{
	static struct story t;

	go_to(&t, SWAP_RECORD);
	ck_assert_str_eq(send(&t, DEPLOY_EV_RECORDED, NULL),
			 "step 3 b bake; timer 3 +300s; bake 3 b");
	ck_assert(deploy_busy(&t.deploy));
	t.now += SECONDS(299);
	ck_assert_str_eq(send(&t, DEPLOY_EV_TIMER, NULL), "");
	t.now += SECONDS(1);
	ck_assert_str_eq(send(&t, DEPLOY_EV_TIMER, "2412 conn, 0 failed"),
			 "step 3 b after_swap #6 \"2412 conn, 0 failed\"; "
			 "timer 3 +80s; "
			 "run 3 b after_swap");
}
END_TEST

/* ---- verify, again and again ---- */

/* Into the bake of a deploy that repeats verify, which at first is due in 20 s. */
static void go_to_verified_bake(struct story *t)
{
	go_to(t, SWAP_RECORD);
	t->policy.verify_interval = t->deploy.verify_interval = SECONDS(20);
	ck_assert(happened(go_on(t), "bake 3 b; verify-at 3 b +20s"));
}

static const char *verify_is_due(struct story *t)
{
	ck_assert_uint_ne(t->deploy.verify_at, USEC_NEVER);
	t->now = t->deploy.verify_at;
	return send(t, DEPLOY_EV_VERIFY_DUE, NULL);
}

START_TEST(verify_is_repeated_while_a_slot_is_baked_one_run_at_a_time)
{
	static struct story t;

	go_to_verified_bake(&t);
	ck_assert_uint_eq(t.deploy.verify_at, t.now + SECONDS(20));
	ck_assert_str_eq(send(&t, DEPLOY_EV_VERIFY_DUE, NULL), ""); /* not yet */
	ck_assert_str_eq(verify_is_due(&t), "verify 3 b 1");
	ck_assert_str_eq(send(&t, DEPLOY_EV_VERIFY_DUE, NULL), "");
	t.now += SECONDS(30);
	ck_assert_str_eq(send(&t, DEPLOY_EV_VERIFIED, NULL), "verify-at 3 b +20s");
	ck_assert_str_eq(send(&t, DEPLOY_EV_VERIFIED, NULL), ""); /* of a run that was ended */
	ck_assert_str_eq(verify_is_due(&t), "verify 3 b 1");
	ck_assert_str_eq(crash(&t, true), "back 3 b #6 \"payinv-b_1 crashed\"; recall 3 a; "
					  "step 3 a swap; verify 3 a 0; timer 3 off; flip 3 a");
	ck_assert_str_eq(send(&t, DEPLOY_EV_VERIFIED, NULL), "");
	ck_assert_str_eq(send(&t, DEPLOY_EV_VERIFY_DUE, NULL), "");
	for (int has_verify = 0; has_verify < 2; has_verify++) { /* and nowhere else */
		story_init(&t);
		t.policy.bake = SECONDS(300);
		t.policy.verify_interval = SECONDS(20);
		t.policy.has_hook[HOOK_VERIFY] = has_verify;
		begin(&t, SWAP_KIND_DEPLOY);
		while (t.deploy.step != SWAP_NONE) {
			ck_assert_int_eq(t.deploy.verify_at != USEC_NEVER,
					 has_verify && t.deploy.step == SWAP_BAKE);
			go_on(&t);
		}
	}
}
END_TEST

/* Whether the steps are shorter than the interval or not; the end of a step waits. */
START_TEST(verify_goes_on_through_the_steps_of_a_canary)
{
	static struct story t;
	usec_t due;

	go_to(&t, SWAP_NONE);
	add_steps(&t);
	t.policy.has_hook[HOOK_VERIFY] = true;
	t.policy.verify_interval = SECONDS(90);
	story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
					       .policy = &t.policy,
					       .what = SWAP_KIND_DEPLOY});
	go_on_to(&t, SWAP_CANARY);
	due = t.now + SECONDS(90);
	ck_assert_uint_eq(t.deploy.verify_at, due);
	go_on(&t);
	ck_assert_uint_eq(t.deploy.weight, 2500);
	ck_assert_uint_eq(t.deploy.verify_at, due);
	ck_assert_str_eq(verify_is_due(&t), "verify 3 b 1");
	ck_assert_str_eq(go_on(&t), "");
	ck_assert_str_eq(send(&t, DEPLOY_EV_VERIFIED, NULL), "timer 3 +0s");
	ck_assert_str_eq(go_on(&t), "step 3 b canary #6; timer 3 +240s; share 3 b 5000; checks 3 "
				    "b; verify-at 3 b +90s");
	verify_is_due(&t);
	ck_assert_str_eq(send(&t, DEPLOY_EV_PROMOTE, "promoted by ana"),
			 "step 3 b check #7 \"promoted by ana\"; verify 3 b 0; timer 3 off; "
			 "check-record 3 b");
	go_on_to(&t, SWAP_NONE);
	go_to(&t, SWAP_CANARY);
	t.deploy.verify_interval = SECONDS(20);
	go_on(&t);
	verify_is_due(&t);
	ck_assert_str_eq(send(&t, DEPLOY_EV_FAILING, "verify failed"),
			 "retire 3 b 1; verify 3 b 0; timer 3 off; finish 3 b 10 #6 \"verify "
			 "failed\"");
}
END_TEST

START_TEST(the_end_of_a_bake_waits_for_what_verify_finds)
{
	static struct story t;

	for (int well = 0; well < 2; well++) {
		go_to_verified_bake(&t);
		ck_assert_str_eq(verify_is_due(&t), "verify 3 b 1");
		t.now = t.deploy.deadline;
		ck_assert_str_eq(send(&t, DEPLOY_EV_TIMER, "2412 conn"), "");
		ck_assert_int_eq(t.deploy.step, SWAP_BAKE);
		t.now += SECONDS(1);
		if (well) {
			ck_assert_str_eq(send(&t, DEPLOY_EV_VERIFIED, NULL), "timer 3 +0s");
			ck_assert(happened(send(&t, DEPLOY_EV_TIMER, NULL), "after_swap"));
		} else {
			ck_assert(happened(send(&t, DEPLOY_EV_FAILING, "500"), "back 3 b"));
		}
		ck_assert(!t.deploy.verifying);
	}
}
END_TEST

static const char *resume(struct story *t)
{
	struct plan plan;

	plan_init(&plan);
	deploy_resume(&t->deploy, t->now, &plan);
	return plan_format(&plan, t->now, t->text, sizeof(t->text));
}

START_TEST(a_verify_that_died_with_slotd_is_run_again)
{
	static struct story t;

	go_to_verified_bake(&t);
	t.now += SECONDS(5);
	ck_assert_str_eq(resume(&t), "timer 3 +295s; verify-at 3 b +15s; bake 3 b");
	verify_is_due(&t);
	ck_assert_str_eq(resume(&t), "timer 3 +280s; verify-at 3 b +0s; bake 3 b");
	ck_assert_str_eq(verify_is_due(&t), "verify 3 b 1");
	t.now = t.deploy.deadline;
	send(&t, DEPLOY_EV_TIMER, NULL);
	ck_assert_str_eq(resume(&t), "verify-at 3 b +0s; bake 3 b");
	verify_is_due(&t);
	ck_assert_str_eq(send(&t, DEPLOY_EV_VERIFIED, NULL), "timer 3 +0s");
}
END_TEST

START_TEST(a_slot_that_crashes_too_often_while_it_is_baked_is_flipped_back)
{
	static struct story t;

	story_init(&t);
	t.policy.bake = SECONDS(300);
	t.policy.bake_crashes = 2;
	begin(&t, SWAP_KIND_SWAP);
	go_on_to(&t, SWAP_BAKE);
	ck_assert_str_eq(crash(&t, true), "");
	ck_assert_str_eq(crash(&t, true), "");
	ck_assert_str_eq(crash(&t, true), "back 3 b #4 \"payinv-b_1 crashed\"; recall 3 a; "
					  "step 3 a swap; timer 3 off; flip 3 a");
	ck_assert_int_eq(t.deploy.live, SLOT_B);
	ck_assert_str_eq(send(&t, DEPLOY_EV_FLIPPED, "0.2 ms"),
			 "step 3 a record \"0.2 ms\"; live 3 a; touch 3 b; status 3 a; record 3 a; "
			 "retire 3 b 1; queue-workers 3 a; checks 3 a; "
			 "log 3 notice \"new connections go to slot a, b drains\"");
	ck_assert_str_eq(send(&t, DEPLOY_EV_RECORDED, NULL), "finish 3 a 11");
	ck_assert_int_eq(t.deploy.live, SLOT_A);
	ck_assert_int_eq(t.deploy.step, SWAP_NONE);
}
END_TEST

START_TEST(crashes_of_one_bake_are_not_held_against_the_next)
{
	static struct story t;

	story_init(&t);
	t.policy.bake = SECONDS(300);
	t.policy.bake_crashes = 1;
	begin(&t, SWAP_KIND_SWAP);
	go_on_to(&t, SWAP_BAKE);
	crash(&t, true);
	go_on_to(&t, SWAP_NONE);
	begin(&t, SWAP_KIND_SWAP);
	go_on_to(&t, SWAP_BAKE);
	ck_assert_str_eq(crash(&t, true), "");
	ck_assert_int_eq(t.deploy.step, SWAP_BAKE);
}
END_TEST

START_TEST(a_slot_that_is_not_healthy_when_its_bake_ends_is_flipped_back)
{
	static struct story t;
	const char *plan;

	go_to(&t, SWAP_BAKE);
	t.now = t.deploy.deadline;
	plan = story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_TIMER,
						      .code = -5,
						      .warm = true,
						      .text = "b_1 answered 500"});
	ck_assert_msg(happened(plan, "back 3 b #6 \"b_1 answered 500\""), "%s", plan);
	ck_assert_msg(happened(plan, "flip 3 a"), "%s", plan);
}
END_TEST

static void bake_one_way(struct story *t, bool on_failure)
{
	go_to(t, SWAP_PREPARE);
	t->deploy.on_failure = on_failure ? SECONDS(70) : 0;
	story_event(t, &(struct deploy_event){.kind = DEPLOY_EV_COMMANDS, .one_way = true});
	go_on_to(t, SWAP_BAKE);
}

START_TEST(where_prepare_rules_out_a_way_back_the_new_slot_stays_and_the_deploy_fails)
{
	static struct story t;

	bake_one_way(&t, false);
	ck_assert_str_eq(send(&t, DEPLOY_EV_FAILING, "b_1 answered 500"),
			 "timer 3 off; finish 3 b 10 #6 \"b_1 answered 500\"");
	ck_assert_int_eq(t.deploy.live, SLOT_B);
	ck_assert(!deploy_busy(&t.deploy));
	bake_one_way(&t, true);
	ck_assert_str_eq(crash(&t, true), "failed 3 b #6 \"payinv-b_1 crashed\"; timer 3 +70s; "
					  "run 3 b on_failure");
	ck_assert_str_eq(send(&t, DEPLOY_EV_COMMANDS, NULL), "timer 3 off; finish 3 b 10");
	ck_assert_int_eq(t.deploy.live, SLOT_B);
	bake_one_way(&t, false);
	begin(&t, SWAP_KIND_DEPLOY); /* refused: it is busy */
	go_on_to(&t, SWAP_NONE);
	begin(&t, SWAP_KIND_DEPLOY);
	ck_assert(!t.deploy.one_way);
}
END_TEST

START_TEST(a_release_without_a_name_is_named_after_prepare)
{
	static struct story t;

	go_to(&t, SWAP_RELEASE);
	ck_assert_str_eq(
		send(&t, DEPLOY_EV_COMMANDS, "4f2c91e"),
		"step 3 b start #2 \"4f2c91e\"; timer 3 +60s; recall 3 b; slot-start 3 b 1");
	go_to(&t, SWAP_RELEASE);
	ck_assert_str_eq(story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_COMMANDS,
								.code = 128,
								.text = "exit status 128"}),
			 "timer 3 off; finish 3 b 10 #2 \"exit status 128\"");
}
END_TEST

START_TEST(a_slot_to_go_back_to_that_has_stopped_starts_and_passes_the_gate)
{
	static struct story t;

	go_to(&t, SWAP_BAKE);
	ck_assert_str_eq(send(&t, DEPLOY_EV_FAILING, "why"),
			 "back 3 b #6 \"why\"; step 3 a start; timer 3 +60s; recall 3 a; "
			 "slot-start 3 a 0");
	ck_assert_str_eq(go_on(&t), "step 3 a gate; gate 3 a");
	ck_assert_str_eq(go_on(&t), "gate-end 3 a; step 3 a swap; timer 3 off; flip 3 a");
	go_on(&t);
	ck_assert_str_eq(go_on(&t), "finish 3 a 11");
}
END_TEST

START_TEST(where_there_is_no_way_back_the_new_slot_stays_live)
{
	static struct story t;

	go_back_to(&t, SWAP_GATE, false);
	ck_assert_str_eq(send(&t, DEPLOY_EV_NOT_READY, "a is down, too"),
			 "gate-end 3 a; slot-stop 3 a; timer 3 off; "
			 "finish 3 a 10 \"a is down, too\"");
	ck_assert_int_eq(t.deploy.live, SLOT_B);
}
END_TEST

START_TEST(a_rollback_ends_a_bake_and_is_not_baked)
{
	static struct story t;

	go_to(&t, SWAP_BAKE);
	ck_assert_str_eq(send(&t, DEPLOY_EV_ROLLED_BACK, "rolled back by ana"),
			 "timer 3 off; finish 3 b 11 #6 \"rolled back by ana\"");
	ck_assert_int_eq(t.deploy.live, SLOT_B);
	ck_assert_str_eq(story_event(&t, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
								.policy = &t.policy,
								.what = SWAP_KIND_ROLLBACK,
								.warm = true}),
			 "recall 3 a; step 3 a check; check-record 3 a");
	go_on_to(&t, SWAP_DRAIN);
	ck_assert_int_eq(t.deploy.live, SLOT_A);
}
END_TEST

/* ---- drain ---- */

START_TEST(a_deploy_waits_for_a_slot_that_still_drains)
{
	static struct story t;

	go_to(&t, SWAP_WAIT);
	ck_assert_str_eq(send(&t, DEPLOY_EV_DRAINED, "the slot has drained"),
			 "step 3 b precheck \"the slot has drained\"; check-record 3 b");
}
END_TEST

/* Until what was left has been cut, which the last line tells. */
START_TEST(a_drain_is_watched_to_its_end_where_that_comes_soon)
{
	static struct story t;

	go_to(&t, SWAP_DRAIN);
	ck_assert_uint_eq(t.deploy.deadline - t.now, SECONDS(5 + 3 + 2));
}
END_TEST

START_TEST(a_long_drain_is_watched_for_a_while_and_goes_on_without)
{
	static struct story t;

	go_to(&t, SWAP_FLIP);
	t.policy.drain_timeout = SECONDS(3600);
	go_on_to(&t, SWAP_DRAIN);
	ck_assert_uint_eq(t.deploy.deadline - t.now, SECONDS(10));
	t.now = t.deploy.deadline;
	ck_assert_str_eq(send(&t, DEPLOY_EV_TIMER, NULL),
			 "close 3 b \"goes on in the background\"");
	ck_assert_int_eq(t.deploy.step, SWAP_NONE);
}
END_TEST

START_TEST(a_drain_blocks_no_other)
{
	static struct story t;
	const char *plan;

	go_to(&t, SWAP_DRAIN);
	plan = begin(&t, SWAP_KIND_ROLLBACK);
	ck_assert_msg(happened(plan, "close 3 b \"goes on in the background\"; step 3 a start"),
		      "%s", plan);
	ck_assert_int_eq(t.deploy.target, SLOT_A);
}
END_TEST

/* ---- whatever comes ---- */

static unsigned random_below(uint32_t *seed, unsigned n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 16) % n;
}

static struct deploy_event random_event(struct story *t, uint32_t *seed)
{
	/* As often what leads on as anything else, so that every phase is come to. */
	bool on = t->deploy.step != SWAP_NONE && random_below(seed, 2);
	bool fails = t->deploy.step == SWAP_ROLL && random_below(seed, 2);

	return (struct deploy_event){
		.kind = on ? fails ? DEPLOY_EV_ROLL_FAILED : good[t->deploy.step]
			   : (enum deploy_event_kind)random_below(seed, DEPLOY_EV_MAX_),
		.what = (enum swap_kind)random_below(seed, SWAP_KIND_MAX_),
		.policy = &t->policy,
		.warm = random_below(seed, 2),
		.draining = random_below(seed, 2),
		.touched = random_below(seed, 2),
		.unnamed = random_below(seed, 2),
		.one_way = random_below(seed, 2),
		.stands = random_below(seed, 4) == 0,
		.share = (uint16_t)(random_below(seed, 2) ? random_below(seed, 10001) : 0),
		.keeps = random_below(seed, 4) == 0,
		.code = random_below(seed, 4) == 0 ? -5 : 0,
		.text = "why",
	};
}

static unsigned count(const struct plan *plan, enum plan_kind kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < plan->len; i++) {
		n += plan->actions[i].kind == kind;
	}
	return n;
}

START_TEST(whatever_comes_who_is_live_changes_by_a_flip_and_each_deploy_finishes_once)
{
	static struct story t;
	static struct plan plan;
	unsigned visits[SWAP_STEP_MAX_] = {0};
	uint32_t seed = 20261128;
	unsigned verified = 0;

	story_init(&t);
	t.policy.bake_crashes = 1;
	add_steps(&t);
	for (unsigned i = 0; i < 30000 / suite_stride(5); i++) {
		const struct deploy was = t.deploy;
		struct deploy_event ev;

		t.policy.bake = random_below(&seed, 2) ? SECONDS(60) : 0;
		t.policy.verify_interval = random_below(&seed, 2) ? SECONDS(20) : 0;
		for (int hook = 0; hook < HOOK_MAX_; hook++) {
			t.policy.has_hook[hook] = random_below(&seed, 2);
		}
		t.now = was.deadline != USEC_NEVER && random_below(&seed, 4) ? was.deadline : t.now;
		t.now = was.verify_at != USEC_NEVER && t.now < was.verify_at &&
					random_below(&seed, 2)
				? was.verify_at
				: t.now;
		ev = random_event(&t, &seed);
		if (was.step == SWAP_BAKE && random_below(&seed, 4)) {
			ev.kind = was.verifying ? DEPLOY_EV_VERIFIED : DEPLOY_EV_VERIFY_DUE;
		}
		plan_init(&plan);
		deploy_step(&t.deploy, &ev, t.now, &plan);
		visits[t.deploy.step]++;
		ck_assert(deploy_sane(&t.deploy));
		ck_assert(!t.deploy.weight || t.deploy.target != t.deploy.live);
		ck_assert(t.deploy.step != SWAP_CANARY || t.deploy.weight);
		ck_assert(t.deploy.live == was.live ||
			  (was.step == SWAP_FLIP && ev.kind == DEPLOY_EV_FLIPPED));
		ck_assert_uint_eq(count(&plan, PLAN_FINISH),
				  deploy_busy(&was) && !deploy_busy(&t.deploy));
		ck_assert_uint_eq(count(&plan, PLAN_CLOSE),
				  was.step == SWAP_DRAIN && t.deploy.step != SWAP_DRAIN);
		ck_assert(t.deploy.step != SWAP_NONE || t.deploy.deadline == USEC_NEVER);
		ck_assert_uint_eq(count(&plan, PLAN_VERIFY), was.verifying != t.deploy.verifying &&
								     ev.kind != DEPLOY_EV_VERIFIED);
		ck_assert(t.deploy.step == SWAP_BAKE || t.deploy.step == SWAP_CANARY ||
			  (!t.deploy.verifying && t.deploy.verify_at == USEC_NEVER));
		verified += ev.kind == DEPLOY_EV_VERIFIED && was.verifying;
	}
	for (int step = 0; step < SWAP_STEP_MAX_; step++) {
		ck_assert_msg(visits[step] > 40 / suite_stride(5), "%s: %u",
			      swap_state_name((enum swap_step)step), visits[step]);
	}
	ck_assert_uint_gt(verified, 5 / suite_stride(5));
}
END_TEST

START_TEST(what_makes_no_sense_is_not_gone_on_with)
{
	static struct story t;

	go_to(&t, SWAP_GATE);
	ck_assert(deploy_sane(&t.deploy));
	t.deploy.at++;
	ck_assert(!deploy_sane(&t.deploy));
	go_to(&t, SWAP_GATE);
	t.deploy.n = DEPLOY_PHASES_MAX + 1;
	ck_assert(!deploy_sane(&t.deploy));
	go_to(&t, SWAP_GATE);
	t.deploy.phases[0].step = SWAP_STEP_MAX_;
	ck_assert(!deploy_sane(&t.deploy));
	go_to(&t, SWAP_GATE);
	t.deploy.live = (enum slot_id)7;
	ck_assert(!deploy_sane(&t.deploy));
}
END_TEST

/* So it may lie in the ledger. */
START_TEST(a_copy_of_it_goes_on_as_it_would_have)
{
	static struct story t, copy;

	for (int step = SWAP_PREPARE; step < SWAP_STEP_MAX_; step++) {
		for (int e = 1; e < DEPLOY_EV_MAX_; e++) {
			go_to(&t, (enum swap_step)step);
			memcpy(&copy, &t, sizeof(t));
			memset(&copy.policy, 0, sizeof(copy.policy));
			send(&copy, (enum deploy_event_kind)e, "why");
			ck_assert_str_eq(send(&t, (enum deploy_event_kind)e, "why"), copy.text);
		}
	}
}
END_TEST

SUITE("deploy", every_phase_meets_every_event, the_list_has_the_phases_that_are_needed,
      what_a_reload_changes_is_for_the_next_deploy,
      a_swap_starts_gates_checks_the_record_flips_and_records,
      a_deploy_prepares_first_and_starts_afresh, a_prepare_that_fails_changes_nothing,
      a_slot_that_is_not_verified_is_stopped_and_live_is_untouched,
      a_deploy_until_the_gate_leaves_the_slot_ready_and_flips_nothing,
      what_runs_after_a_swap_does_not_change_its_outcome,
      a_slotd_that_ends_in_the_bake_runs_nothing_more,
      a_failure_is_told_then_its_commands_run_then_it_finishes,
      the_commands_for_a_failure_run_after_the_way_back_too,
      a_slotd_that_ends_runs_no_commands_for_that,
      a_record_that_cannot_be_written_is_found_before_anything_is_touched,
      a_slot_in_which_a_deploy_failed_is_not_warm_and_starts_afresh,
      a_warm_slot_is_just_flipped_and_goes_on_as_it_was_when_that_fails,
      whatever_fails_before_the_flip_leaves_live_alone_and_ends_with_10,
      there_is_no_abort_once_the_flip_has_begun, a_flip_stands_though_it_could_not_be_recorded,
      an_old_timer_does_not_end_a_later_phase, a_good_bake_ends_when_its_time_is_over,
      verify_is_repeated_while_a_slot_is_baked_one_run_at_a_time,
      verify_goes_on_through_the_steps_of_a_canary, the_end_of_a_bake_waits_for_what_verify_finds,
      a_verify_that_died_with_slotd_is_run_again,
      a_slot_that_crashes_too_often_while_it_is_baked_is_flipped_back,
      crashes_of_one_bake_are_not_held_against_the_next,
      a_slot_that_is_not_healthy_when_its_bake_ends_is_flipped_back,
      where_prepare_rules_out_a_way_back_the_new_slot_stays_and_the_deploy_fails,
      a_release_without_a_name_is_named_after_prepare,
      a_slot_to_go_back_to_that_has_stopped_starts_and_passes_the_gate,
      where_there_is_no_way_back_the_new_slot_stays_live, a_rollback_ends_a_bake_and_is_not_baked,
      a_deploy_waits_for_a_slot_that_still_drains,
      a_drain_is_watched_to_its_end_where_that_comes_soon,
      a_long_drain_is_watched_for_a_while_and_goes_on_without, a_drain_blocks_no_other,
      a_canary_gets_its_shares_one_after_the_other, the_longest_way_of_a_canary_and_back_fits,
      a_promotion_leaves_the_steps_out_that_are_left, a_canary_that_is_given_up_drains_and_stops,
      a_canary_that_was_warm_stays_so_when_it_is_given_up,
      a_canary_bears_so_many_crashes_in_all_its_steps,
      people_change_the_share_of_a_canary_and_its_time_begins_again,
      a_canary_by_hand_without_a_limit_waits_for_ever,
      a_killed_slotd_gives_a_canary_the_share_that_it_had, an_ab_test_stands_when_its_job_has_ended,
      an_ab_test_goes_on_when_what_follows_fails, a_copy_of_it_goes_on_as_it_would_have,
      whatever_comes_who_is_live_changes_by_a_flip_and_each_deploy_finishes_once,
      what_makes_no_sense_is_not_gone_on_with);
