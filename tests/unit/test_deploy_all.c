/*
 * The deploy machine in every case: each list of phases, each trouble in each phase, and slotd
 * killed between any two actions, up to twice. The world around it is a model: what actions do to
 * workers, switchboard, record and history, and what of that outlives slotd.
 */
#include <check.h>
#include <slotd/cleanup.h>
#include <slotd/deploy.h>
#include <stdio.h>

#include "suite.h"

enum {
	NOTHING = -1,
	STEPS_MAX = 60, /* of one deploy, with all that may happen to it */
};

enum crew { CREW_DOWN, CREW_STARTING, CREW_UP };
enum rest { REST_NONE, REST_DRAINS, REST_WARM };

/* What a scene has to do with a share of the connections. */
enum part {
	PART_NONE,
	PART_STEPS,	/* a deploy whose canary has two of them */
	PART_BY_HAND,	/* a canary until it is promoted */
	PART_TEST,	/* an A/B test begins */
	PART_TEST_ENDS, /* there was one, which ends */
	PART_PROMOTED,	/* there was one, whose other slot becomes live */
	PART_MAX_,
};

enum {
	OF_TEST = 5000,
	KINDS = SWAP_KIND_RESTART + 1, /* those of canaries are a swap or a deploy for the core */
};

/* Once, when the deploy is in that phase. */
struct trouble {
	enum swap_step step;
	bool back;
	enum deploy_event_kind kind;
	int code; /* SHARE: that */
	bool warm;
};

struct scene {
	enum swap_kind kind;
	unsigned hooks; /* bits */
	bool bake, until_gate, one_way;
	enum part part;
	bool warm, draining, touched; /* the idle slot */
	const struct trouble *troubles[2];
	int kills[2];	  /* before this action; NOTHING */
	bool store_first; /* a kill during the flip comes after the store */
};

struct sim {
	const struct scene *scene;
	struct swap_policy policy;
	struct deploy deploy, ledger;
	usec_t now;
	enum slot_id word, record;
	enum crew crews[SLOT_MAX_];
	enum rest rests[SLOT_MAX_];
	bool touched[SLOT_MAX_], proven[SLOT_MAX_];
	unsigned test, test_in_ledger, test_in_record; /* share of B by an A/B test */
	int running;				       /* whose commands */
	unsigned runs[HOOK_MAX_];
	bool gating, flipping;
	bool job, closing; /* its row in the ledger */
	unsigned lines;	   /* of it in the history */
	int code;	   /* of that line */
	unsigned n_actions, n_kills, n_troubles;
	bool cut_flip;	/* a kill came during a flip */
	bool old_ended; /* the slot that was live has ended by itself */
};

/* ---- the invariants that hold all the time */

/* Check's assertions write to a file each time. */
#define holds(s, condition)                                              \
	do {                                                             \
		if (!(condition)) {                                      \
			ck_abort_msg("%s: %s", #condition, sim_text(s)); \
		}                                                        \
	} while (0)

static const char *sim_text(const struct sim *s)
{
	static char text[512];
	const struct scene *c = s->scene;
	const struct trouble *t[2] = {c->troubles[0], c->troubles[1]};

	(void)snprintf(
		text, sizeof(text),
		"%s hooks %x bake %d gate %d one-way %d part %d, idle: warm %d drains %d touched "
		"%d, trouble %s/%d/%d then %s/%d, kills %d %d store %d; in %s, action %u, "
		"code %d, crews %d %d, rests %d %d",
		swap_kind_name(c->kind), c->hooks, c->bake, c->until_gate, c->one_way, (int)c->part,
		c->warm, c->draining, c->touched, t[0] ? swap_state_name(t[0]->step) : "-",
		t[0] ? (int)t[0]->kind : 0, t[0] ? t[0]->code : 0,
		t[1] ? swap_state_name(t[1]->step) : "-", t[1] ? (int)t[1]->kind : 0, c->kills[0],
		c->kills[1], c->store_first, swap_state_name(s->deploy.step), s->n_actions, s->code,
		(int)s->crews[0], (int)s->crews[1], (int)s->rests[0], (int)s->rests[1]);
	return text;
}

/* ---- what actions do */

static bool has_test(const struct scene *c)
{
	return c->part == PART_TEST_ENDS || c->part == PART_PROMOTED;
}

static bool stands(const struct scene *c)
{
	return c->part == PART_TEST || c->part == PART_TEST_ENDS;
}

static void commit(struct sim *s)
{
	s->test_in_ledger = s->test;
	s->ledger = s->deploy;
}

static void write_line(struct sim *s, int code)
{
	s->lines++;
	s->code = code;
	s->job = s->closing = false;
}

static void run(struct sim *s, int hook)
{
	holds(s, s->running == NOTHING);
	commit(s); /* so that no commands run twice */
	s->running = hook;
	s->runs[hook]++;
}

static void retire(struct sim *s, enum slot_id slot, bool discard)
{
	s->rests[slot] = discard ? REST_NONE : REST_DRAINS;
	if (discard) {
		s->crews[slot] = CREW_DOWN;
	}
	commit(s);
}

static bool leaves_live(const struct scene *c)
{
	return c->until_gate || stands(c) || c->kind == SWAP_KIND_RESTART;
}

static void finish(struct sim *s, const struct plan_action *a)
{
	s->code = a->arg;
	if (a->arg == SWAP_EXIT_DONE && !leaves_live(s->scene)) {
		s->closing = true;
	} else {
		write_line(s, a->arg);
	}
}

static void act_on_slot(struct sim *s, const struct plan_action *a)
{
	const enum slot_id slot = (enum slot_id)a->slot;

	switch (a->kind) {
	case PLAN_TOUCH:
		s->touched[slot] = true;
		s->proven[slot] = false;
		break;
	case PLAN_SLOT_START:
		holds(s, slot != s->word);
		s->crews[slot] = CREW_STARTING;
		break;
	case PLAN_SLOT_STOP:
		holds(s, slot != s->word);
		s->crews[slot] = CREW_DOWN;
		s->rests[slot] = REST_NONE;
		break;
	case PLAN_READY:
		s->touched[slot] = false;
		break;
	case PLAN_PROVE:
		s->proven[SLOT_A] = s->proven[SLOT_B] = true;
		s->touched[slot] = false;
		break;
	case PLAN_SHARE:
		holds(s, slot != s->word && s->crews[slot] == CREW_UP && a->arg);
		break;
	case PLAN_STAND:
		holds(s, slot == SLOT_B && slot != s->word);
		holds(s, !a->arg || s->crews[slot] == CREW_UP);
		s->test = (unsigned)a->arg;
		commit(s);
		break;
	case PLAN_LIVE:
		s->test = 0;
		break;
	case PLAN_RECALL:
		s->rests[slot] = REST_NONE;
		commit(s);
		break;
	case PLAN_RETIRE:
		holds(s, slot != s->word);
		retire(s, slot, a->arg);
		break;
	case PLAN_FLIP:
		/* One that ends is found, unless the flip has been done already. */
		s->flipping = s->crews[slot] == CREW_UP || s->word == slot;
		break;
	default:
		break;
	}
}

static void act(struct sim *s, const struct plan_action *a)
{
	switch (a->kind) {
	case PLAN_RUN:
		run(s, a->arg);
		break;
	case PLAN_STOP_RUN:
		s->running = NOTHING;
		break;
	case PLAN_GATE:
		s->gating = true;
		break;
	case PLAN_GATE_END:
		s->gating = false;
		break;
	case PLAN_STEP:
	case PLAN_BACK:
	case PLAN_FAILED:
		s->job = true;
		break;
	case PLAN_FINISH:
		finish(s, a);
		break;
	case PLAN_CLOSE:
		holds(s, s->closing);
		write_line(s, SWAP_EXIT_DONE);
		break;
	default:
		act_on_slot(s, a);
	}
}

/* ---- a kill, and the next slotd */

static void carry_out(struct sim *s, const struct plan *plan);

static void resume(struct sim *s)
{
	struct plan plan;

	s->deploy = s->ledger;
	s->test = s->test_in_ledger;
	s->running = NOTHING;
	s->gating = false;
	s->cut_flip = s->cut_flip || s->flipping;
	if (s->flipping && s->scene->store_first) {
		s->word = s->deploy.target;
	}
	s->flipping = false;
	if (!s->job && s->lines) { /* its line is there: nothing more is done */
		deploy_init(&s->deploy, 3, s->word);
		commit(s);
		return;
	}
	if (s->deploy.step == SWAP_NONE) {
		if (s->job) {
			write_line(s, s->word == SLOT_B ? SWAP_EXIT_DONE : SWAP_EXIT_FAILED);
		}
		return;
	}
	plan_init(&plan);
	deploy_resume(&s->deploy, s->now, &plan);
	carry_out(s, &plan);
}

static bool is_killed(const struct sim *s)
{
	return s->n_kills < ARRAY_SIZE(s->scene->kills) &&
	       s->scene->kills[s->n_kills] == (int)s->n_actions;
}

static void carry_out(struct sim *s, const struct plan *plan)
{
	for (unsigned i = 0; i < plan->len; i++) {
		if (is_killed(s)) {
			s->n_kills++;
			resume(s);
			return;
		}
		s->n_actions++;
		act(s, &plan->actions[i]);
	}
	commit(s);
}

static void feed(struct sim *s, const struct deploy_event *ev)
{
	struct deploy_event e = *ev;
	struct plan plan;

	e.policy = &s->policy;
	e.text = "why";
	e.one_way = s->scene->one_way && (ev->kind == DEPLOY_EV_COMMANDS);
	if (e.kind == DEPLOY_EV_COMMANDS) {
		s->running = NOTHING; /* they have ended */
	}
	plan_init(&plan);
	deploy_step(&s->deploy, &e, s->now, &plan);
	holds(s, deploy_sane(&s->deploy));
	carry_out(s, &plan);
}

/* ---- the world answers */

static void drain(struct sim *s)
{
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		if (s->rests[slot] == REST_DRAINS) {
			s->rests[slot] = REST_WARM;
		}
	}
}

static enum deploy_event_kind store(struct sim *s)
{
	if (!s->flipping) {
		return DEPLOY_EV_FLIP_FAILED;
	}
	s->word = s->deploy.target;
	s->flipping = false;
	return DEPLOY_EV_FLIPPED;
}

static enum deploy_event_kind what_comes(struct sim *s)
{
	enum crew *crew = &s->crews[s->deploy.target];

	switch (s->deploy.step) {
	case SWAP_WAIT:
	case SWAP_DRAIN:
		drain(s);
		return DEPLOY_EV_DRAINED;
	case SWAP_PRECHECK:
		return DEPLOY_EV_RECORD_OK;
	case SWAP_START:
		*crew = CREW_UP;
		return DEPLOY_EV_STARTED;
	case SWAP_GATE:
		return *crew == CREW_UP ? DEPLOY_EV_READY : DEPLOY_EV_NOT_READY;
	case SWAP_CHECK_RECORD:
		return *crew == CREW_UP ? DEPLOY_EV_RECORD_OK : DEPLOY_EV_NOT_READY;
	case SWAP_FLIP:
		return store(s);
	case SWAP_RECORD:
	case SWAP_SHARE:
		s->record = s->word;
		s->test_in_record = s->test;
		return DEPLOY_EV_RECORDED;
	case SWAP_CANARY:
		if (s->scene->part == PART_BY_HAND) {
			return DEPLOY_EV_PROMOTE;
		}
		s->now = s->deploy.deadline;
		return DEPLOY_EV_TIMER;
	case SWAP_BAKE:
		s->now = s->deploy.deadline;
		return DEPLOY_EV_TIMER;
	case SWAP_ROLL:
	case SWAP_SETTLE:
		return DEPLOY_EV_ROLLED;
	default:
		return DEPLOY_EV_COMMANDS;
	}
}

static const struct trouble *trouble_now(const struct sim *s)
{
	const struct trouble *t = s->n_troubles < ARRAY_SIZE(s->scene->troubles)
					  ? s->scene->troubles[s->n_troubles]
					  : NULL;

	return t && t->step == s->deploy.step && t->back == s->deploy.back ? t : NULL;
}

static void meet(struct sim *s, const struct trouble *t)
{
	s->n_troubles++;
	if (t->kind == DEPLOY_EV_TIMER && s->deploy.deadline != USEC_NEVER) {
		s->now = s->deploy.deadline;
	}
	if (t->kind == DEPLOY_EV_START_FAILED) {
		s->crews[s->deploy.target] = CREW_DOWN;
	}
	if (s->deploy.step == SWAP_BAKE && !t->warm) {
		s->old_ended = true;
		s->crews[slot_other(s->word)] = CREW_DOWN;
		s->rests[slot_other(s->word)] = REST_NONE;
	}
	if (s->deploy.step == SWAP_SHARE) { /* it is being written all the same */
		s->test_in_record = s->test;
	}
	if (t->kind == DEPLOY_EV_FLIP_FAILED) {
		s->flipping = false;
	}
	feed(s, &(struct deploy_event){.kind = t->kind,
				       .code = t->code,
				       .share = t->kind == DEPLOY_EV_SHARE ? (uint16_t)t->code : 0,
				       .warm = t->warm});
}

static void sim_init(struct sim *s, const struct scene *scene)
{
	*s = (struct sim){.scene = scene, .now = SECONDS(1000), .running = NOTHING};
	s->policy = (struct swap_policy){.ready_timeout = SECONDS(60),
					 .bake = scene->bake ? SECONDS(100) : 0,
					 .drain_timeout = SECONDS(5)};
	for (int hook = 0; hook < HOOK_MAX_; hook++) {
		s->policy.has_hook[hook] = scene->hooks >> hook & 1;
		s->policy.hook_timeout[hook] = SECONDS(50);
	}
	if (scene->part == PART_STEPS) {
		s->policy.n_canary = 2;
		s->policy.canary[0] = (struct canary_step){500, SECONDS(30)};
		s->policy.canary[1] = (struct canary_step){2500, SECONDS(40)};
	}
	s->policy.canary_timeout = SECONDS(1800);
	s->test = s->test_in_record = has_test(scene) ? OF_TEST : 0;
	deploy_init(&s->deploy, 3, SLOT_A);
	commit(s);
	s->crews[SLOT_A] = CREW_UP;
	s->crews[SLOT_B] = scene->warm ? CREW_UP : CREW_DOWN;
	s->rests[SLOT_B] = scene->draining		     ? REST_DRAINS
			   : scene->warm && !has_test(scene) ? REST_WARM
							     : REST_NONE;
	s->proven[SLOT_A] = true;
	s->proven[SLOT_B] = scene->kind == SWAP_KIND_ROLLBACK;
	s->touched[SLOT_B] = scene->touched;
}

/* Only who passed the gate has a share, and it ends with the slot's workers. */
static void check_share(const struct sim *s)
{
	const struct deploy *d = &s->deploy;

	holds(s, d->step != SWAP_CANARY || d->weight);
	if (d->step != SWAP_FLIP) {
		holds(s, !d->weight || (d->target != s->word && s->crews[d->target] == CREW_UP));
		holds(s, !s->test || (s->word == SLOT_A && s->crews[SLOT_B] == CREW_UP));
	}
}

/* Until nothing is going on. Returns the number of actions. */
static unsigned sim_run(struct sim *s, const struct scene *scene)
{
	sim_init(s, scene);
	s->job = true; /* that it begins is written before all else */
	feed(s, &(struct deploy_event){.kind = DEPLOY_EV_BEGIN,
				       .what = scene->kind,
				       .warm = scene->warm && !scene->touched,
				       .draining = scene->draining,
				       .touched = scene->touched,
				       .until_gate = scene->until_gate,
				       .share = scene->part == PART_BY_HAND ? 1000
						: scene->part == PART_TEST  ? OF_TEST
									    : 0,
				       .stands = stands(scene),
				       .keeps = has_test(scene),
				       .unnamed = true});
	for (int i = 0; s->deploy.step != SWAP_NONE; i++) {
		const struct trouble *t = trouble_now(s);

		holds(s, i < STEPS_MAX);
		holds(s, s->crews[s->word] == CREW_UP);
		holds(s, s->deploy.live == s->word || s->deploy.step == SWAP_FLIP);
		check_share(s);
		if (t) {
			meet(s, t);
		} else {
			feed(s, &(struct deploy_event){.kind = what_comes(s)});
		}
	}
	drain(s);
	return s->n_actions;
}

/* ---- the end */

static void check_idle(const struct sim *s)
{
	const enum slot_id idle = slot_other(s->word);
	const bool kept = s->rests[idle] == REST_WARM;

	if (s->code == SWAP_EXIT_DONE && s->scene->until_gate && !stands(s->scene)) {
		holds(s, s->crews[idle] == CREW_UP && !s->touched[idle]);
		return;
	}
	if (s->test) {
		holds(s, s->crews[idle] == CREW_UP && s->rests[idle] == REST_NONE);
		return;
	}
	/* Whoever runs is known to: it is warm, and will be stopped. */
	holds(s, s->crews[idle] == (kept ? CREW_UP : CREW_DOWN));
	if (s->code == SWAP_EXIT_DONE && s->scene->kind != SWAP_KIND_RESTART && !stands(s->scene)) {
		holds(s, (kept || s->old_ended) && s->proven[idle]);
	}
	if (s->code == SWAP_EXIT_FLIPPED_BACK && s->word == SLOT_A) {
		holds(s, s->touched[idle] && !s->proven[idle] && !kept);
	}
	if (s->code == SWAP_EXIT_FAILED && s->runs[HOOK_PREPARE]) {
		holds(s, s->touched[SLOT_B] || s->word == SLOT_B);
	}
}

/* One that was there goes on unless it was to end, or the flip was done. */
static bool has_test_at_end(const struct sim *s)
{
	switch (s->scene->part) {
	case PART_TEST:
		return s->code == SWAP_EXIT_DONE;
	case PART_TEST_ENDS:
		return s->code != SWAP_EXIT_DONE;
	case PART_PROMOTED:
		return s->code == SWAP_EXIT_FAILED && s->word == SLOT_A;
	default:
		return false;
	}
}

static void check_end(const struct sim *s)
{
	const struct deploy *d = &s->deploy;

	holds(s, s->test == (has_test_at_end(s) ? OF_TEST : 0));
	holds(s, s->test_in_record == s->test && !d->weight);

	holds(s, !deploy_busy(d) && d->deadline == USEC_NEVER);
	holds(s, deploy_slot_in_use(d) == SLOT_INVALID_);
	holds(s, s->running == NOTHING && !s->gating && !s->flipping);
	holds(s, d->live == s->word && s->record == s->word);
	holds(s, s->crews[s->word] == CREW_UP && s->rests[s->word] == REST_NONE);
	holds(s, !s->touched[s->word]);
	holds(s, !s->job && !s->closing);
	holds(s, s->lines == 1);
	holds(s, s->runs[HOOK_PREPARE] <= 1 && s->runs[HOOK_AFTER_SWAP] <= 1);
	holds(s, s->runs[HOOK_ON_FAILURE] <= 1);
	holds(s, !(s->runs[HOOK_AFTER_SWAP] && s->runs[HOOK_ON_FAILURE]));
	holds(s, s->code == SWAP_EXIT_DONE || s->code == SWAP_EXIT_FAILED ||
			 s->code == SWAP_EXIT_FLIPPED_BACK);
	if (s->code == SWAP_EXIT_DONE) {
		holds(s, s->word == (leaves_live(s->scene) ? SLOT_A : SLOT_B));
		holds(s, !s->runs[HOOK_ON_FAILURE]);
	}
	check_idle(s);
}

/* ---- every case */

static const struct trouble troubles[] = {
	{SWAP_WAIT, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_WAIT, false, DEPLOY_EV_ABORT, -108, false},
	{SWAP_PRECHECK, false, DEPLOY_EV_RECORD_FAILED, 0, false},
	{SWAP_PRECHECK, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_PRECHECK, false, DEPLOY_EV_ABORT, -108, false},
	{SWAP_PREPARE, false, DEPLOY_EV_COMMANDS, 1, false},
	{SWAP_PREPARE, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_PREPARE, false, DEPLOY_EV_ABORT, -108, false},
	{SWAP_PREPARE, false, DEPLOY_EV_TIMER, -110, false},
	{SWAP_RELEASE, false, DEPLOY_EV_COMMANDS, 1, false},
	{SWAP_RELEASE, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_RELEASE, false, DEPLOY_EV_ABORT, -108, false},
	{SWAP_RELEASE, false, DEPLOY_EV_TIMER, -110, false},
	{SWAP_START, false, DEPLOY_EV_START_FAILED, 0, false},
	{SWAP_START, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_START, false, DEPLOY_EV_ABORT, -108, false},
	{SWAP_START, false, DEPLOY_EV_TIMER, 0, false},
	{SWAP_GATE, false, DEPLOY_EV_NOT_READY, 0, false},
	{SWAP_GATE, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_GATE, false, DEPLOY_EV_ABORT, -108, false},
	{SWAP_GATE, false, DEPLOY_EV_TIMER, 0, false},
	{SWAP_VERIFY, false, DEPLOY_EV_COMMANDS, 1, false},
	{SWAP_VERIFY, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_VERIFY, false, DEPLOY_EV_ABORT, -108, false},
	{SWAP_VERIFY, false, DEPLOY_EV_TIMER, -110, false},
	{SWAP_CHECK_RECORD, false, DEPLOY_EV_RECORD_FAILED, 0, false},
	{SWAP_CHECK_RECORD, false, DEPLOY_EV_NOT_READY, 0, false},
	{SWAP_CHECK_RECORD, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_CHECK_RECORD, false, DEPLOY_EV_ABORT, -108, false},
	{SWAP_FLIP, false, DEPLOY_EV_FLIP_FAILED, 0, false},
	{SWAP_FLIP, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_RECORD, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_BAKE, false, DEPLOY_EV_CRASHED, 0, true},
	{SWAP_BAKE, false, DEPLOY_EV_CRASHED, 0, false},
	{SWAP_BAKE, false, DEPLOY_EV_FAILING, 0, true},
	{SWAP_BAKE, false, DEPLOY_EV_FAILING, 0, false},
	{SWAP_BAKE, false, DEPLOY_EV_TIMER, -5, true},
	{SWAP_BAKE, false, DEPLOY_EV_TIMER, -5, false},
	{SWAP_BAKE, false, DEPLOY_EV_ABORT, -108, true},
	{SWAP_AFTER_SWAP, false, DEPLOY_EV_COMMANDS, 1, true},
	{SWAP_AFTER_SWAP, false, DEPLOY_EV_ABORT, -108, true},
	{SWAP_AFTER_SWAP, false, DEPLOY_EV_TIMER, -110, true},
	{SWAP_BAKE, false, DEPLOY_EV_ROLLED_BACK, 0, true},
	{SWAP_AFTER_SWAP, false, DEPLOY_EV_ROLLED_BACK, 0, true},
	{SWAP_DRAIN, false, DEPLOY_EV_TIMER, 0, true},
	{SWAP_CANARY, false, DEPLOY_EV_CRASHED, 0, false},
	{SWAP_CANARY, false, DEPLOY_EV_FAILING, 0, false},
	{SWAP_CANARY, false, DEPLOY_EV_PROMOTE, 0, false},
	{SWAP_CANARY, false, DEPLOY_EV_SHARE, 700, false},
	{SWAP_CANARY, false, DEPLOY_EV_SHARE, 0, false},
	{SWAP_CANARY, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_CANARY, false, DEPLOY_EV_ABORT, -108, false},
	{SWAP_CANARY, false, DEPLOY_EV_TIMER, -5, false},
	{SWAP_SHARE, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_SHARE, false, DEPLOY_EV_ABORT, -108, false},
	{SWAP_ROLL, false, DEPLOY_EV_ROLL_FAILED, 0, false},
	{SWAP_ROLL, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_ROLL, false, DEPLOY_EV_ABORT, -108, false},
};

/* After another: of the way back, of the commands for a failure, and of what a canary bore. */
static const struct trouble second_troubles[] = {
	{SWAP_CANARY, false, DEPLOY_EV_FAILING, 0, false},
	{SWAP_CHECK_RECORD, false, DEPLOY_EV_RECORD_FAILED, 0, false},
	{SWAP_FLIP, false, DEPLOY_EV_FLIP_FAILED, 0, false},
	{SWAP_START, true, DEPLOY_EV_START_FAILED, 0, false},
	{SWAP_START, true, DEPLOY_EV_ABORT, -108, false},
	{SWAP_GATE, true, DEPLOY_EV_NOT_READY, 0, false},
	{SWAP_GATE, true, DEPLOY_EV_TIMER, 0, false},
	{SWAP_FLIP, true, DEPLOY_EV_FLIP_FAILED, 0, false},
	{SWAP_RECORD, true, DEPLOY_EV_ABORT, -108, false},
	{SWAP_ON_FAILURE, false, DEPLOY_EV_COMMANDS, 1, false},
	{SWAP_ON_FAILURE, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_ON_FAILURE, false, DEPLOY_EV_TIMER, -110, false},
	{SWAP_ON_FAILURE, true, DEPLOY_EV_COMMANDS, 1, false},
	{SWAP_ON_FAILURE, true, DEPLOY_EV_ABORT, -108, false},
	{SWAP_SETTLE, false, DEPLOY_EV_ABORT, 0, false},
	{SWAP_SETTLE, false, DEPLOY_EV_ABORT, -108, false},
};

static unsigned n_cases;

static struct sim check_one(const struct scene *c)
{
	struct sim s;

	n_cases++;
	(void)sim_run(&s, c);
	check_end(&s);
	return s;
}

/* Where a kill has come during the flip: before the store, and after it. */
static struct sim check(const struct scene *c)
{
	struct scene after = *c;
	struct sim s = check_one(c);

	after.store_first = true;
	if (s.cut_flip) {
		(void)check_one(&after);
	}
	return s;
}

typedef void scene_fn(struct scene *c);

/* Without a kill, and then with one before each action. */
static void kill_once(struct scene *c)
{
	int n;

	c->kills[0] = c->kills[1] = NOTHING;
	n = (int)check(c).n_actions;
	for (int i = 0; i < n; i += (int)suite_stride(43)) {
		c->kills[0] = i;
		(void)check(c);
	}
	c->kills[0] = NOTHING;
}

/* Two: the second one before each action that the next slotd takes. */
static void kill_twice(struct scene *c)
{
	int n, m;

	c->kills[0] = c->kills[1] = NOTHING;
	n = (int)check(c).n_actions;
	for (int i = 0; i < n; i += (int)suite_stride(53)) {
		c->kills[0] = i;
		c->kills[1] = NOTHING;
		m = (int)check(c).n_actions;
		for (int k = i; k < m; k += (int)suite_stride(43)) {
			c->kills[1] = k;
			(void)check(c);
		}
	}
	c->kills[0] = c->kills[1] = NOTHING;
}

/* Does it come to all the troubles of the scene? */
static bool meets_all(const struct scene *c)
{
	struct sim s;

	(void)sim_run(&s, c);
	return s.n_troubles == (c->troubles[1] ? 2 : 1);
}

static void each_trouble(struct scene *c, scene_fn *fn)
{
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++) {
		c->troubles[0] = &troubles[i];
		c->troubles[1] = NULL;
		if (!meets_all(c)) {
			continue;
		}
		fn(c);
		for (size_t k = i % suite_stride(5); k < ARRAY_SIZE(second_troubles);
		     k += suite_stride(5)) {
			c->troubles[1] = &second_troubles[k];
			if (meets_all(c)) {
				fn(c);
			}
		}
	}
	c->troubles[0] = c->troubles[1] = NULL;
}

static void kill_once_in_trouble(struct scene *c)
{
	each_trouble(c, kill_once);
}

/* On the way back, which is the longest. */
static void kill_twice_on_the_way_back(struct scene *c)
{
	static const struct trouble cold = {SWAP_BAKE, false, DEPLOY_EV_FAILING, 0, false};

	c->troubles[0] = &cold;
	kill_twice(c);
	c->troubles[0] = NULL;
}

static void each_idle_slot(struct scene *c, scene_fn *fn)
{
	static const struct {
		bool warm, draining, touched;
	} idles[] = {{false, false, false},
		     {true, false, false},
		     {true, true, false},
		     {false, false, true},
		     {true, true, true}};

	for (size_t i = 0; i < ARRAY_SIZE(idles); i++) {
		if (c->kind == SWAP_KIND_ROLLBACK && idles[i].touched) {
			continue; /* it is refused */
		}
		if (has_test(c) && (!idles[i].warm || idles[i].draining || idles[i].touched)) {
			continue; /* who has a share is up */
		}
		c->warm = idles[i].warm;
		c->draining = idles[i].draining;
		c->touched = idles[i].touched;
		fn(c);
	}
}

enum {
	ALL_HOOKS = (1 << HOOK_MAX_) - 1,
	OF_SWAPS = ALL_HOOKS & ~(1 << HOOK_PREPARE | 1 << HOOK_RELEASE),
};

/* Only what makes another list than before. A share has nothing to do with single hooks. */
static bool is_another(const struct scene *c)
{
	const bool deploys = c->kind == SWAP_KIND_DEPLOY;
	const unsigned of_deploys = 1u << HOOK_PREPARE | 1u << HOOK_RELEASE;

	if (c->kind == SWAP_KIND_RESTART) {
		return !c->hooks && !c->bake && !c->until_gate && !c->one_way &&
		       c->part == PART_NONE;
	}
	if (c->part != PART_NONE && c->hooks && c->hooks != OF_SWAPS && c->hooks != ALL_HOOKS) {
		return false;
	}
	if (c->part == PART_STEPS && (!deploys || c->until_gate)) {
		return false;
	}
	if (c->part != PART_NONE && (c->kind == SWAP_KIND_ROLLBACK || c->until_gate)) {
		return false;
	}
	if (has_test(c) && deploys) {
		return false;
	}
	if (stands(c) && (c->bake || c->one_way || c->hooks >> HOOK_AFTER_SWAP & 1)) {
		return false;
	}
	return (deploys || !(c->hooks & of_deploys)) && (deploys || !c->until_gate) &&
	       !(c->until_gate && (c->bake || c->hooks >> HOOK_AFTER_SWAP & 1)) &&
	       !(c->one_way && !(c->bake && c->hooks >> HOOK_PREPARE & 1)) &&
	       !(c->kind == SWAP_KIND_ROLLBACK && c->bake);
}

static void each_list(unsigned hooks, enum part most, scene_fn *fn)
{
	struct scene c = {.hooks = hooks, .kills = {NOTHING, NOTHING}};

	for (unsigned i = 0; i < KINDS * 8 * ((unsigned)most + 1); i++) {
		c.kind = (enum swap_kind)(i / 8 % KINDS);
		c.part = (enum part)(i / 8 / KINDS);
		c.bake = i & 1;
		c.until_gate = i & 2;
		c.one_way = i & 4;
		if (is_another(&c)) {
			each_idle_slot(&c, fn);
		}
	}
}

START_TEST(every_list_ends_well_with_a_kill_anywhere)
{
	n_cases = 0;
	for (unsigned hooks = 0; hooks <= ALL_HOOKS; hooks += suite_stride(13)) {
		each_list(hooks, PART_PROMOTED, kill_once);
	}
	ck_assert_uint_gt(n_cases, 10000 / suite_stride(100));
}
END_TEST

START_TEST(every_trouble_in_every_phase_ends_well_with_a_kill_anywhere)
{
	n_cases = 0;
	each_list(0, PART_PROMOTED, kill_once_in_trouble);
	each_list(OF_SWAPS, PART_NONE, kill_once_in_trouble);
	each_list(ALL_HOOKS, PART_PROMOTED, kill_once_in_trouble);
	each_list(ALL_HOOKS & ~(1 << HOOK_ON_FAILURE), PART_NONE, kill_once_in_trouble);
	ck_assert_uint_gt(n_cases, 50000 / suite_stride(250));
}
END_TEST

START_TEST(two_kills_anywhere_end_well_too)
{
	n_cases = 0;
	each_list(0, PART_PROMOTED, kill_twice);
	each_list(OF_SWAPS, PART_NONE, kill_twice);
	each_list(ALL_HOOKS, PART_NONE, kill_twice);
	each_list(OF_SWAPS, PART_NONE, kill_twice_on_the_way_back);
	ck_assert_uint_gt(n_cases, 50000 / suite_stride(250));
}
END_TEST

START_TEST(without_a_trouble_the_way_is_the_plain_one)
{
	const struct scene c = {.kind = SWAP_KIND_DEPLOY,
				.hooks = (1u << HOOK_MAX_) - 1,
				.bake = true,
				.kills = {NOTHING, NOTHING}};
	struct sim s = check_one(&c);

	ck_assert_int_eq(s.code, SWAP_EXIT_DONE);
	ck_assert_int_eq(s.word, SLOT_B);
	for (int hook = 0; hook < HOOK_MAX_; hook++) {
		ck_assert_uint_eq(s.runs[hook], hook != HOOK_ON_FAILURE);
	}
}
END_TEST

SUITE("deploy_all", without_a_trouble_the_way_is_the_plain_one,
      every_list_ends_well_with_a_kill_anywhere,
      every_trouble_in_every_phase_ends_well_with_a_kill_anywhere, two_kills_anywhere_end_well_too);
