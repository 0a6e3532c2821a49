#include "worker/starts.h"
#include "worker/process.h"
#include "worker/process_row.h"
#include "worker/processes.h"
#include "worker/waits.h"

#include <slotd/cleanup.h>

#include <stdlib.h>

/*
 * Many starts at once, asked for or due again: a few in each turn of the loop, so that others are
 * answered meanwhile, and no more than slotd-spawn has at hand. The order in which they were asked
 * for stays; what crashes again and again comes last.
 */

enum {
	STARTS_PER_TURN = 16,
	CRASHERS_PER_TURN = 4,
};

struct starts {
	struct supervisor *sup;
	struct process *first, *last; /* that wait for their turn */
	unsigned done;		      /* in this turn of the loop */
	usec_t crashers_from;	      /* the next turn of those that crash again and again */
	struct loop_timer timer;
	struct spawner spawner;
};

/* Ended soon after its last start, too: nobody waits for it, but others wait beside it. */
static bool crashes_again(const struct process *p)
{
	return p->restart_due && p->worker.burst > 1;
}

static void next_turn(struct starts *s)
{
	usec_t at = usec_monotonic();

	if (s->first && crashes_again(s->first) && at < s->crashers_from) {
		at = s->crashers_from;
	}
	loop_timer_set(s->sup->loop, &s->timer, at);
}

static bool turn_is_full(const struct process *p)
{
	return p->sup->starts->done >=
	       (unsigned)(crashes_again(p) ? CRASHERS_PER_TURN : STARTS_PER_TURN);
}

/* Behind those that came before, those that crash again behind all others. */
static void push(struct process *p)
{
	struct starts *s = p->sup->starts;
	struct process **at = &s->first;

	if (s->first && (crashes_again(p) || !crashes_again(s->last))) {
		at = &s->last->next_start;
	}
	while (*at && !crashes_again(*at)) {
		at = &(*at)->next_start;
	}
	p->next_start = *at;
	*at = p;
	if (!p->next_start) {
		s->last = p;
	}
	p->start_waits = true;
	process_commit(p);
}

void starts_forget(struct process *p)
{
	struct starts *s = p->sup->starts;
	struct process *before = NULL;

	if (!p->start_waits) {
		return;
	}
	for (struct process *at = s->first; at != p; at = at->next_start) {
		before = at;
	}
	if (before) {
		before->next_start = p->next_start;
	} else {
		s->first = p->next_start;
	}
	if (s->last == p) {
		s->last = before;
	}
	p->start_waits = p->restart_due = false;
	process_commit(p);
}

static void start(struct process *p)
{
	bool by_itself = p->restart_due;

	p->sup->starts->done++;
	starts_forget(p);
	p->restart_due = false;
	if (by_itself) {
		process_timer_due(p);
	} else {
		process_start(p);
	}
}

/* Those that crash have a quarter of the time: others have three times what they took. */
static void on_timer(struct loop_timer *t)
{
	struct starts *s = container_of(t, struct starts, timer);
	const usec_t began = usec_monotonic();
	bool crashers = false;

	s->done = 0;
	while (s->first && !turn_is_full(s->first) && !spawner_busy(&s->spawner)) {
		crashers |= crashes_again(s->first);
		start(s->first);
	}
	if (crashers) {
		const usec_t now = usec_monotonic();

		s->crashers_from = usec_add(now, 3 * usec_sub(now, began));
	}
	if (s->first && !spawner_busy(&s->spawner)) {
		next_turn(s);
	}
}

static void start_or_wait(struct process *p)
{
	struct starts *s = p->sup->starts;
	bool first = !s->first || (!crashes_again(p) && crashes_again(s->first));
	bool room = first && !turn_is_full(p) && !spawner_busy(&s->spawner);

	/* A slot's steps count on their workers' states. */
	if (p->service || room) {
		start(p);
	} else {
		push(p);
	}
	if (s->timer.at == USEC_NEVER || s->first == p) {
		next_turn(s);
	}
}

void process_start_soon(struct process *p)
{
	if (p->restart_due) {
		starts_forget(p); /* asked for: what went wrong before is forgotten */
	}
	if (!p->start_waits) {
		start_or_wait(p);
	}
}

void process_autostart(struct process *p)
{
	if (p->config->program->autostart && (!p->service || p->live)) {
		process_start_soon(p);
	}
}

void process_restart_soon(struct process *p)
{
	if (!p->start_waits) {
		p->restart_due = true;
		start_or_wait(p);
	}
}

/* Before anybody is told of the end in this turn: what the others do with that takes longer than
 * the request. Who waits for an end goes first, though. */
void process_restart_at_once(struct process *p)
{
	if (!worker_state_info(p->worker.state)->alive && p->worker.deadline <= usec_monotonic() &&
	    !p->removed && !p->restart && !waits_any(p->sup)) {
		loop_timer_stop(p->sup->loop, &p->timer);
		process_restart_soon(p);
	}
}

void process_start_due(struct process *p)
{
	if (p->start_waits && !p->restart_due) {
		process_start(p);
	}
}

/* ---- slotd-spawn */

void starts_refill(struct helper *h)
{
	struct starts *s = h->sup->starts;

	spawner_connected(&s->spawner, &h->channel);
	if (s->first) {
		next_turn(s);
	}
}

void starts_answered(struct supervisor *sup, struct message *m)
{
	struct starts *s = sup->starts;

	spawner_answered(&s->spawner, m);
	if (s->first && s->timer.at == USEC_NEVER) {
		next_turn(s);
	}
}

void starts_lost(struct helper *h)
{
	spawner_lost(&h->sup->starts->spawner);
}

int starts_init(struct supervisor *sup)
{
	struct starts *s = calloc(1, sizeof(*s));

	if (!s) {
		return -ENOMEM;
	}
	s->sup = sup;
	sup->starts = s;
	sup->children.spawner = &s->spawner;
	loop_timer_init(&s->timer, on_timer);
	return 0;
}

void starts_stop(struct supervisor *sup)
{
	if (sup->starts) {
		loop_timer_stop(sup->loop, &sup->starts->timer);
	}
}

void starts_done(struct supervisor *sup)
{
	starts_stop(sup);
	if (sup->starts) {
		spawner_done(&sup->starts->spawner);
		sup->children.spawner = NULL;
	}
	free(sup->starts);
	sup->starts = NULL;
}
