#include "supervisor.h"

#include <slotd/cleanup.h>

/*
 * Many starts at once, asked for or due again: a few in each turn of the loop, so that others are
 * answered meanwhile, and no more than children have got going, because each further one would need
 * a copy of slotd's descriptors. The order in which they were asked for stays.
 */

enum {
	STARTS_PER_TURN = 16,
};

#define CROWDED_PATIENCE MSECONDS(20) /* children that do not get going hold up nobody for long */

static void next_turn(struct supervisor *sup)
{
	usec_t now = usec_monotonic();

	loop_timer_set(sup->loop, &sup->starts_timer,
		       spawn_crowded() ? usec_add(now, CROWDED_PATIENCE) : now);
}

static void push(struct process *p)
{
	struct supervisor *sup = p->sup;

	if (sup->starts) {
		sup->starts_last->next_start = p;
	} else {
		sup->starts = p;
	}
	sup->starts_last = p;
	p->next_start = NULL;
	p->start_waits = true;
}

void starts_forget(struct process *p)
{
	struct supervisor *sup = p->sup;
	struct process *before = NULL;

	if (!p->start_waits) {
		return;
	}
	for (struct process *at = sup->starts; at != p; at = at->next_start) {
		before = at;
	}
	if (before) {
		before->next_start = p->next_start;
	} else {
		sup->starts = p->next_start;
	}
	if (sup->starts_last == p) {
		sup->starts_last = before;
	}
	p->start_waits = p->restart_due = false;
}

static void start(struct process *p)
{
	bool by_itself = p->restart_due;

	p->sup->starts_done++;
	starts_forget(p);
	p->restart_due = false;
	if (by_itself) {
		process_timer_due(p);
	} else {
		process_start(p);
	}
}

static void on_timer(struct loop_timer *t)
{
	struct supervisor *sup = container_of(t, struct supervisor, starts_timer);
	bool patient = !spawn_crowded();

	sup->starts_done = 0;
	while (sup->starts && sup->starts_done < STARTS_PER_TURN && !(patient && spawn_crowded())) {
		start(sup->starts);
	}
	if (sup->starts) {
		next_turn(sup);
	}
}

static void start_or_wait(struct process *p)
{
	struct supervisor *sup = p->sup;
	bool room = !sup->starts && sup->starts_done < STARTS_PER_TURN && !spawn_crowded();

	/* A slot's steps count on their workers' states. */
	if (p->service || room) {
		start(p);
	} else {
		push(p);
	}
	if (sup->starts_timer.at == USEC_NEVER) {
		next_turn(sup);
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

void process_restart_soon(struct process *p)
{
	if (!p->start_waits) {
		p->restart_due = true;
		start_or_wait(p);
	}
}

void process_start_due(struct process *p)
{
	if (p->start_waits && !p->restart_due) {
		process_start(p);
	}
}

void starts_go_on(struct supervisor *sup)
{
	if (sup->starts) {
		next_turn(sup);
	}
}

void starts_init(struct supervisor *sup)
{
	loop_timer_init(&sup->starts_timer, on_timer);
}

void starts_done(struct supervisor *sup)
{
	loop_timer_stop(sup->loop, &sup->starts_timer);
}
