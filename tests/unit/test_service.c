#include <check.h>
#include <slotd/cleanup.h>
#include <slotd/service_judge.h>
#include <stdio.h>
#include <string.h>

#include "golden.h"
#include "suite.h"

/* ---- a service in words ---- */

static const struct {
	const char *name;
	struct slot_count count;
} lives[] = {
	{"removed", {0}},
	{"stopped", {.total = 2, .stopped = 2}},
	{"starting", {.total = 2, .alive = 2}},
	{"unhealthy", {.total = 2, .alive = 2, .running = 2}},
	{"half", {.total = 2, .alive = 1, .running = 1, .healthy = 1, .stopped = 1}},
	{"up", {.total = 2, .alive = 2, .running = 2, .healthy = 2}},
};

static const struct {
	const char *name;
	struct slot_count count;
	enum retire_state retire;
	bool target;
} idles[] = {
	{"cold", {.total = 2}, RETIRE_NONE, false},
	{"by hand", {.total = 2, .alive = 2}, RETIRE_NONE, false},
	{"ready", {.total = 2, .alive = 2, .running = 2, .healthy = 2}, RETIRE_NONE, false},
	{"target", {.total = 2, .alive = 2, .running = 1}, RETIRE_NONE, true},
	{"draining", {.total = 2, .alive = 2, .running = 2, .healthy = 2}, RETIRE_DRAINING, false},
	{"cutting", {.total = 2, .alive = 2, .running = 2, .healthy = 2}, RETIRE_CUTTING, true},
	{"warm", {.total = 2, .alive = 2, .running = 2, .healthy = 2}, RETIRE_WARM, false},
	{"retiring", {.total = 2, .alive = 1, .stopping = 1}, RETIRE_STOPPING, false},
};

static const struct {
	const char *name;
	struct service_wish wish;
} wishes[] = {
	{"-", {0}},
	{"pause", {.pause = true}},
	{"canary", {.canary = SLOT_B, .weight = 1000}},
	{"ab", {.canary = SLOT_B, .weight = 5000, .ab = true}},
};

static struct service_conditions conditions(size_t live, size_t idle, size_t wish)
{
	struct service_conditions c = {
		.live = SLOT_A,
		.wish = wishes[wish].wish,
		.slots = {[SLOT_A] = lives[live].count, [SLOT_B] = idles[idle].count},
		.retire = {[SLOT_B] = idles[idle].retire},
		.target = idles[idle].target ? SLOT_B : SLOT_INVALID_,
	};

	return c;
}

static const char *troubles_text(uint32_t troubles, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (int t = 0; t < TROUBLE_MAX_; t++) {
		if (troubles & trouble_bit((enum trouble)t)) {
			used += (size_t)snprintf(buf + used, size - used, " %s",
						 trouble_name((enum trouble)t));
		}
	}
	return *buf ? buf + 1 : "-";
}

static const char *judged(const struct service_conditions *c, char *buf, size_t size)
{
	struct service_verdict v;
	char troubles[256];

	service_judge(c, &v);
	(void)snprintf(buf, size, "%s %s | a %u%%, b %u%% | a %s | b %s | %s",
		       slot_name(v.placement.live),
		       v.placement.mode == SWITCH_OPEN ? "open" : "hold", v.share[SLOT_A] / 100,
		       v.share[SLOT_B] / 100, slot_state_name(v.slots[SLOT_A]),
		       slot_state_name(v.slots[SLOT_B]),
		       troubles_text(v.troubles, troubles, sizeof(troubles)));
	return buf;
}

/* ---- verdicts ---- */

START_TEST(every_live_slot_stands_beside_every_idle_one)
{
	static char all[GOLDEN_MAX];
	size_t used = 0;
	char text[512];

	for (size_t w = 0; w < ARRAY_SIZE(wishes); w++) {
		for (size_t live = 0; live < ARRAY_SIZE(lives); live++) {
			for (size_t idle = 0; idle < ARRAY_SIZE(idles); idle++) {
				struct service_conditions c = conditions(live, idle, w);

				used += (size_t)snprintf(all + used, sizeof(all) - used,
							 "%-6s  %-9s %-8s  %s\n", wishes[w].name,
							 lives[live].name, idles[idle].name,
							 judged(&c, text, sizeof(text)));
			}
		}
	}
	golden_check("service_matrix.txt", all);
}
END_TEST

static const struct service_conditions well = {
	.live = SLOT_B,
	.slots = {{.total = 2}, {.total = 2, .alive = 2, .running = 2, .healthy = 2}},
	.target = SLOT_INVALID_,
};

static uint32_t troubles_of(const struct service_conditions *c)
{
	struct service_verdict v;

	service_judge(c, &v);
	return v.troubles;
}

START_TEST(the_live_slot_gets_everything_unless_somebody_says_otherwise)
{
	struct service_verdict v;

	service_judge(&well, &v);
	ck_assert_int_eq(v.placement.live, SLOT_B);
	ck_assert_int_eq(v.placement.mode, SWITCH_OPEN);
	ck_assert_uint_eq(v.placement.weight, 0);
	ck_assert_uint_eq(v.share[SLOT_B], PLACEMENT_WHOLE);
	ck_assert_uint_eq(v.share[SLOT_A], 0);
	ck_assert_uint_eq(v.troubles, 0);
}
END_TEST

START_TEST(a_failed_record_and_a_busy_port_do_not_hide_each_other)
{
	struct service_conditions c = well;

	c.unbound = 1;
	c.unrecorded = true;
	c.slots[SLOT_B].healthy = 0;
	ck_assert_uint_eq(troubles_of(&c), trouble_bit(TROUBLE_ADDRESS) |
						   trouble_bit(TROUBLE_RECORD) |
						   trouble_bit(TROUBLE_UNHEALTHY));
	c.unbound = 0;
	ck_assert_uint_eq(troubles_of(&c),
			  trouble_bit(TROUBLE_RECORD) | trouble_bit(TROUBLE_UNHEALTHY));
}
END_TEST

START_TEST(nothing_else_is_said_of_a_service_whose_live_slot_is_not_known)
{
	struct service_conditions c = well;
	struct service_verdict v;

	c.unknown = c.unrecorded = true;
	c.wish = (struct service_wish){.canary = SLOT_A, .weight = 5000};
	service_judge(&c, &v);
	ck_assert_uint_eq(v.troubles, trouble_bit(TROUBLE_NOT_STARTED));
	ck_assert_int_eq(v.placement.mode, SWITCH_HOLD);
	ck_assert_uint_eq(v.placement.weight, 0);
	ck_assert_int_eq(v.slots[SLOT_B], SLOT_COLD);
}
END_TEST

START_TEST(a_canary_gets_its_share_while_it_can_serve_and_is_not_live)
{
	struct service_conditions c = well;
	struct service_verdict v;

	c.wish = (struct service_wish){.canary = SLOT_A, .weight = 250};
	service_judge(&c, &v);
	ck_assert_uint_eq(v.placement.weight, 0);
	c.slots[SLOT_A].running = c.slots[SLOT_A].healthy = 1;
	service_judge(&c, &v);
	ck_assert_uint_eq(v.placement.weight, 250);
	ck_assert_uint_eq(v.share[SLOT_A], 250);
	ck_assert_uint_eq(v.share[SLOT_B], 9750);
	c.live = SLOT_A;
	service_judge(&c, &v);
	ck_assert_uint_eq(v.placement.weight, 0);
	ck_assert_uint_eq(v.share[SLOT_A], PLACEMENT_WHOLE);
}
END_TEST

START_TEST(a_pause_holds_and_the_pause_of_a_stopped_slot_is_said_with_it)
{
	struct service_conditions c = well;

	c.wish.pause = true;
	ck_assert_uint_eq(troubles_of(&c), trouble_bit(TROUBLE_PAUSED));
	c.slots[SLOT_B] = (struct slot_count){.total = 2, .stopped = 2};
	ck_assert_uint_eq(troubles_of(&c),
			  trouble_bit(TROUBLE_PAUSED) | trouble_bit(TROUBLE_STOPPED));
}
END_TEST

START_TEST(an_offline_service_answers_whatever_else_is_asked_or_wrong)
{
	struct service_conditions c = well;
	struct service_verdict v;

	c.wish.offline = c.wish.pause = true;
	c.slots[SLOT_B] = (struct slot_count){.total = 2, .stopped = 2};
	service_judge(&c, &v);
	ck_assert_int_eq(v.placement.mode, SWITCH_OFFLINE);
	ck_assert_uint_eq(v.share[SLOT_A] + v.share[SLOT_B], 0);
	ck_assert_uint_eq(v.troubles, trouble_bit(TROUBLE_PAUSED) | trouble_bit(TROUBLE_OFFLINE) |
					      trouble_bit(TROUBLE_STOPPED));
	c.unknown = true;
	service_judge(&c, &v);
	ck_assert_int_eq(v.placement.mode, SWITCH_HOLD);
}
END_TEST

/* ---- workers ---- */

START_TEST(each_worker_counts_for_what_it_is)
{
	const struct worker_condition workers[] = {
		{.state = WORKER_RUNNING, .served = true, .healthy = true},
		{.state = WORKER_RUNNING, .served = true},
		{.state = WORKER_STOPPING, .served = true, .healthy = true},
		{.state = WORKER_STOPPED, .served = true, .ran = true, .ended = true},
		{.state = WORKER_STOPPED, .served = true, .ended = true},
		{.state = WORKER_EXITED, .served = true, .given_up = true, .ended = true},
		{.state = WORKER_EXITED, .served = true},
		{.state = WORKER_FATAL, .served = true, .ended = true},
		{.state = WORKER_BACKOFF, .served = true},
		{.state = WORKER_RUNNING, .healthy = true},
		{.state = WORKER_STOPPING},
	};
	struct slot_count c = {0};

	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		slot_count_add(&c, &workers[i]);
	}
	ck_assert_uint_eq(c.total, 9);
	ck_assert_uint_eq(c.running, 2);
	ck_assert_uint_eq(c.healthy, 1);
	ck_assert_uint_eq(c.lost, 2);
	ck_assert_uint_eq(c.stopped, 1);
	ck_assert_uint_eq(c.queue, 2);
	ck_assert_uint_eq(c.stopping, 2);
	ck_assert_uint_eq(c.alive, 7);
}
END_TEST

START_TEST(a_worker_that_fails_its_checks_serves_where_all_fail_them)
{
	const struct worker_condition bad = {.state = WORKER_RUNNING, .served = true},
				      good = {.state = WORKER_RUNNING,
					      .served = true,
					      .healthy = true},
				      gone = {.state = WORKER_STOPPING, .served = true};
	struct slot_count c = {0};

	slot_count_add(&c, &bad);
	ck_assert(worker_is_up(&bad, &c));
	ck_assert(!worker_is_up(&gone, &c));
	slot_count_add(&c, &good);
	ck_assert(worker_is_up(&good, &c));
	ck_assert(!worker_is_up(&bad, &c));
}
END_TEST

/* ---- words ---- */

START_TEST(every_code_has_a_word_of_its_own)
{
	char text[256], other[256];

	for (int t = 0; t < TROUBLE_MAX_; t++) {
		ck_assert_int_gt(strlen(trouble_name((enum trouble)t)), 1);
		(void)trouble_text((enum trouble)t, "a", "", text, sizeof(text));
		ck_assert_ptr_null(strchr(text, '{'));
		for (int u = 0; u < t; u++) {
			ck_assert_str_ne(trouble_name((enum trouble)t),
					 trouble_name((enum trouble)u));
			(void)trouble_text((enum trouble)u, "a", "", other, sizeof(other));
			ck_assert_str_ne(text, other);
		}
	}
	for (int s = 0; s < SLOT_STATE_MAX_; s++) {
		ck_assert_str_ne(slot_state_name((enum slot_state)s), "");
	}
	for (int r = SLOT_PLAIN + 1; r < SLOT_REMARK_MAX_; r++) {
		ck_assert_str_ne(slot_remark_name((enum slot_remark)r), "");
	}
	ck_assert_str_eq(trouble_name(TROUBLE_MAX_), "?");
	ck_assert_str_eq(slot_state_name(SLOT_STATE_MAX_), "?");
	ck_assert_str_eq(slot_remark_name(SLOT_REMARK_MAX_), "?");
}
END_TEST

static const char *trouble_said(enum trouble t, const char *why)
{
	static char text[256];

	return trouble_text(t, "b", why, text, sizeof(text));
}

START_TEST(a_trouble_is_said_with_its_particulars)
{
	char small[8];

	ck_assert_str_eq(trouble_said(TROUBLE_RECORD, "/live: No space left on device"),
			 "b is live, but that is not recorded yet: /live: No space left on "
			 "device; trying again every 10 s");
	ck_assert_str_eq(trouble_said(TROUBLE_STOPPED, "ana"),
			 "the live slot was stopped by ana: connections wait");
	ck_assert_str_eq(trouble_said(TROUBLE_STOPPED, NULL),
			 "the live slot was stopped: connections wait");
	ck_assert_str_eq(trouble_said(TROUBLE_UNHEALTHY, NULL),
			 "no worker passes its health check");
	ck_assert_str_eq(trouble_text(TROUBLE_ADDRESS, "a", "127.0.0.1:80", small, sizeof(small)),
			 "127.0.0");
}
END_TEST

static const char *noted(enum slot_state state, enum slot_remark remark, enum swap_step step)
{
	static char text[128];

	return slot_note_text(state, remark, step, text, sizeof(text));
}

START_TEST(a_slot_is_noted_by_state_and_remark)
{
	ck_assert_str_eq(noted(SLOT_LIVE, SLOT_PLAIN, SWAP_NONE), "");
	ck_assert_str_eq(noted(SLOT_COLD, SLOT_PLAIN, SWAP_NONE), "idle, stopped");
	ck_assert_str_eq(noted(SLOT_COLD, SLOT_NOT_DEPLOYED, SWAP_NONE),
			 "idle, stopped; its last deploy did not succeed");
	ck_assert_str_eq(noted(SLOT_WARM, SLOT_WAY_BACK, SWAP_NONE), "rollback: at once");
	ck_assert_str_eq(noted(SLOT_STARTING, SLOT_STEP, SWAP_PREPARE), "prepare");
	ck_assert_str_eq(noted(SLOT_STARTING, SLOT_PLAIN, SWAP_NONE), "starting");
}
END_TEST

SUITE("service", every_live_slot_stands_beside_every_idle_one,
      the_live_slot_gets_everything_unless_somebody_says_otherwise,
      a_failed_record_and_a_busy_port_do_not_hide_each_other,
      nothing_else_is_said_of_a_service_whose_live_slot_is_not_known,
      a_canary_gets_its_share_while_it_can_serve_and_is_not_live,
      a_pause_holds_and_the_pause_of_a_stopped_slot_is_said_with_it,
      an_offline_service_answers_whatever_else_is_asked_or_wrong, each_worker_counts_for_what_it_is,
      a_worker_that_fails_its_checks_serves_where_all_fail_them, every_code_has_a_word_of_its_own,
      a_trouble_is_said_with_its_particulars, a_slot_is_noted_by_state_and_remark);
