#include "worker/starts.h"
#include "worker/process.h"
#include "worker/processes.h"

#include <slotd/cleanup.h>

/*
 * Many starts at once, asked for or due again: a few in each turn of the loop, so that others are
 * answered meanwhile, and no more than children have got going, because each further one would need
 * a copy of slotd's descriptors. The order in which they were asked for stays; what crashes again
 * and again comes last.
 */

enum {
	STARTS_PER_TURN = 16,
	CRASHERS_PER_TURN = 4,
};

#define CROWDED_PATIENCE MSECONDS(20) /* children that do not get going hold up nobody for long */

/* Ended soon after its last start, too: nobody waits for it, but others wait beside it. */
static bool crashes_again(const struct process *p)
{
	return p->restart_due && p->worker.burst > 1;
}

static void next_turn(struct supervisor *sup)
{
	usec_t at = usec_monotonic();

	if (spawn_crowded()) {
		at = usec_add(at, CROWDED_PATIENCE);
	}
	if (sup->starts && crashes_again(sup->starts) && at < sup->crashers_from) {
		at = sup->crashers_from;
	}
	loop_timer_set(sup->loop, &sup->starts_timer, at);
}

static bool turn_is_full(const struct process *p)
{
	return p->sup->starts_done >=
	       (unsigned)(crashes_again(p) ? CRASHERS_PER_TURN : STARTS_PER_TURN);
}

/* Behind those that came before, those that crash again behind all others. */
static void push(struct process *p)
{
	struct supervisor *sup = p->sup;
	struct process **at = &sup->starts;

	if (sup->starts && (crashes_again(p) || !crashes_again(sup->starts_last))) {
		at = &sup->starts_last->next_start;
	}
	while (*at && !crashes_again(*at)) {
		at = &(*at)->next_start;
	}
	p->next_start = *at;
	*at = p;
	if (!p->next_start) {
		sup->starts_last = p;
	}
	p->start_waits = true;
	process_commit(p);
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
	process_commit(p);
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

/* Those that crash have a quarter of the time: others have three times what they took. */
static void on_timer(struct loop_timer *t)
{
	struct supervisor *sup = container_of(t, struct supervisor, starts_timer);
	const usec_t began = usec_monotonic();
	bool patient = !spawn_crowded(), crashers = false;

	sup->starts_done = 0;
	while (sup->starts && !turn_is_full(sup->starts) && !(patient && spawn_crowded())) {
		crashers |= crashes_again(sup->starts);
		start(sup->starts);
	}
	if (crashers) {
		const usec_t now = usec_monotonic();

		sup->crashers_from = usec_add(now, 3 * usec_sub(now, began));
	}
	if (sup->starts) {
		next_turn(sup);
	}
}

static void start_or_wait(struct process *p)
{
	struct supervisor *sup = p->sup;
	bool first = !sup->starts || (!crashes_again(p) && crashes_again(sup->starts));
	bool room = first && !turn_is_full(p) && !spawn_crowded();

	/* A slot's steps count on their workers' states. */
	if (p->service || room) {
		start(p);
	} else {
		push(p);
	}
	if (sup->starts_timer.at == USEC_NEVER || sup->starts == p) {
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
