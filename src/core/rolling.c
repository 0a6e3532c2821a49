#include <slotd/rolling.h>

#include <errno.h>
#include <stdlib.h>

static const char *const names[ROLL_STATE_MAX_] = {
	[ROLL_NONE] = "none",	    [ROLL_WAITING] = "waiting",	  [ROLL_DRAINING] = "draining",
	[ROLL_CUTTING] = "cutting", [ROLL_STOPPING] = "stopping", [ROLL_STARTING] = "starting",
	[ROLL_DONE] = "done",	    [ROLL_FAILED] = "failed",
};

const char *roll_state_name(enum roll_state s)
{
	return s >= 0 && s < ROLL_STATE_MAX_ ? names[s] : "?";
}

void roll_init(struct roll *r)
{
	*r = (struct roll){.state = ROLL_NONE, .deadline = USEC_NEVER};
}

bool roll_is_leaving(const struct roll *r)
{
	return r->state == ROLL_DRAINING || r->state == ROLL_CUTTING;
}

struct step {
	struct roll *roll;
	uint32_t id;
	const struct roll_terms *terms;
	usec_t now;
	struct plan *plan;
};

typedef void step_fn(const struct step *s);

static struct plan_action *add(const struct step *s, enum plan_kind kind)
{
	return plan_add(s->plan, kind, s->id);
}

static void enter(const struct step *s, enum roll_state to, usec_t deadline)
{
	s->roll->state = to;
	s->roll->deadline = deadline;
}

static void stop(const struct step *s)
{
	enter(s, ROLL_STOPPING, USEC_NEVER);
	add(s, PLAN_WORKER_STOP)->arg = s->terms->drain_by_worker && s->terms->served;
}

/* Whether it becomes ready interests nobody once the restart was given up. */
static void start(const struct step *s)
{
	if (s->terms->settling) {
		enter(s, ROLL_NONE, USEC_NEVER);
	} else {
		enter(s, ROLL_STARTING, usec_add(s->now, s->terms->ready_timeout));
	}
	add(s, PLAN_WORKER_START);
}

static void take(const struct step *s)
{
	s->roll->since = s->now;
	if (!s->terms->running) {
		start(s);
	} else if (!s->terms->served || s->terms->drain_by_worker) {
		stop(s);
	} else {
		enter(s, ROLL_DRAINING, usec_add(s->now, s->terms->drain_timeout));
		add(s, PLAN_WORKER_DRAIN);
	}
}

static void cut(const struct step *s)
{
	enter(s, ROLL_CUTTING, USEC_NEVER);
	add(s, PLAN_WORKER_CUT);
}

static void done(const struct step *s)
{
	enter(s, ROLL_DONE, USEC_NEVER);
	add(s, PLAN_ROLLED);
}

/* It is left as it is: slotd goes on trying to start what crashes. */
static void failed(const struct step *s)
{
	enter(s, ROLL_FAILED, USEC_NEVER);
	add(s, PLAN_ROLLED)->arg = 1;
}

static void forget(const struct step *s)
{
	enter(s, ROLL_NONE, USEC_NEVER);
}

static void stay(const struct step *s)
{
	enter(s, ROLL_NONE, USEC_NEVER);
	add(s, PLAN_WORKER_STAYS);
}

static void drain_again(const struct step *s)
{
	add(s, PLAN_WORKER_DRAIN);
}

static void stop_again(const struct step *s)
{
	add(s, PLAN_WORKER_STOP)->arg = s->terms->drain_by_worker && s->terms->served;
}

static void start_again(const struct step *s)
{
	add(s, PLAN_WORKER_START);
}

static step_fn *const steps[ROLL_STATE_MAX_][ROLL_EV_MAX_] = {
	[ROLL_WAITING] = {[ROLL_EV_TAKE] = take, [ROLL_EV_SETTLE] = forget},
	[ROLL_DRAINING] = {[ROLL_EV_DRAINED] = stop,
			   [ROLL_EV_ENDED] = start,
			   [ROLL_EV_TIMER] = cut,
			   [ROLL_EV_SETTLE] = stay,
			   [ROLL_EV_RESUME] = drain_again},
	[ROLL_CUTTING] = {[ROLL_EV_CUT] = stop,
			  [ROLL_EV_ENDED] = start,
			  [ROLL_EV_SETTLE] = stay,
			  [ROLL_EV_RESUME] = cut},
	[ROLL_STOPPING] = {[ROLL_EV_ENDED] = start, [ROLL_EV_RESUME] = stop_again},
	[ROLL_STARTING] = {[ROLL_EV_READY] = done,
			   [ROLL_EV_LOST] = failed,
			   [ROLL_EV_TIMER] = failed,
			   [ROLL_EV_SETTLE] = forget,
			   [ROLL_EV_RESUME] = start_again},
	[ROLL_DONE] = {[ROLL_EV_SETTLE] = forget},
	[ROLL_FAILED] = {[ROLL_EV_SETTLE] = forget},
};

void roll_step(struct roll *r, uint32_t id, const struct roll_terms *terms,
	       enum roll_event_kind kind, usec_t now, struct plan *plan)
{
	const struct step s = {r, id, terms, now, plan};
	step_fn *fn = steps[r->state][kind];

	if (kind == ROLL_EV_TIMER && (r->deadline == USEC_NEVER || now < r->deadline)) {
		return; /* overtaken by another event */
	}
	if (fn) {
		fn(&s);
	}
}

enum roll_next rolling_next(const struct roll_count *c)
{
	if (c->overdue && !c->cutting) {
		return ROLL_NEXT_CUT;
	}
	if (!c->waiting) {
		return c->under_way ? ROLL_NEXT_WAIT : ROLL_NEXT_OVER;
	}
	if (c->under_way >= c->most) {
		return ROLL_NEXT_WAIT;
	}
	if (c->forced || !c->next_serves || c->serving > 1) {
		return ROLL_NEXT_TAKE;
	}
	return c->under_way ? ROLL_NEXT_WAIT : ROLL_NEXT_NOBODY;
}

int rolling_most(const char *text, unsigned total)
{
	char *end = NULL;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || errno || n == 0) {
		return -EINVAL;
	}
	if (end[0] == '%' && end[1] == '\0' && n <= 100) {
		n = n * total / 100;
	} else if (end[0] != '\0' || n > 100000) {
		return -EINVAL;
	}
	n = n < total ? n : total > 1 ? total - 1 : 1;
	return n ? (int)n : 1;
}
