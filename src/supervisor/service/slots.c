#include "service/slots.h"
#include "service/handoff_ops.h"
#include "service/service.h"
#include "worker/process.h"
#include "worker/processes.h"
#include "worker/waits.h"

#include <stdio.h>

static bool is_running(const struct process *p)
{
	return p->worker.state == WORKER_RUNNING;
}

static bool has_ended(const struct process *p)
{
	return !p->pid && !worker_stoppable(&p->worker);
}

/* Not ready, and not about to become so by itself. */
static bool is_lost(const struct process *p)
{
	enum worker_state state = p->worker.state;

	return state == WORKER_FATAL || state == WORKER_UNKNOWN ||
	       (state == WORKER_EXITED && p->worker.deadline == USEC_NEVER);
}

void slot_count(const struct service *s, enum slot_id slot, struct slot_count *ret)
{
	struct process *p;
	size_t pos = 0;

	*ret = (struct slot_count){0};
	while ((p = service_next(s, slot, &pos))) {
		ret->alive += !has_ended(p);
		ret->stopping += p->worker.state == WORKER_STOPPING;
		if (!p->config->address) {
			ret->queue++;
			continue;
		}
		ret->total++;
		ret->running += is_running(p);
		ret->healthy += is_running(p) && p->health.healthy;
		ret->lost += is_lost(p);
	}
}

/* ---- starting and stopping ---- */

static void start_served(struct service *s, enum slot_id slot)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, slot, &pos))) {
		if (p->config->address && has_ended(p)) {
			process_start(p);
		}
	}
}

static bool any_stopping(const struct service *s, enum slot_id slot)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, slot, &pos))) {
		if (p->worker.state == WORKER_STOPPING) {
			return true;
		}
	}
	return false;
}

void slot_start(struct service *s, enum slot_id slot, bool afresh)
{
	if (afresh) {
		slot_stop(s, slot, 0);
	}
	s->slots[slot].clearing = any_stopping(s, slot);
	if (!s->slots[slot].clearing) {
		start_served(s, slot);
	}
}

bool slot_start_goes_on(struct service *s, enum slot_id slot)
{
	if (s->slots[slot].clearing && !any_stopping(s, slot)) {
		s->slots[slot].clearing = false;
		start_served(s, slot);
	}
	return !s->slots[slot].clearing;
}

void slot_stop(struct service *s, enum slot_id slot, usec_t patience)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, slot, &pos))) {
		if (worker_stoppable(&p->worker)) {
			process_stop_patiently(p, patience);
		}
	}
}

void slots_exchange_queue_workers(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		if (p->config->address) {
			continue;
		}
		if (p->slot != service_live(s)) {
			process_stop(p);
		} else if (p->config->program->autostart &&
			   (has_ended(p) || p->worker.state == WORKER_STOPPING)) {
			process_start_after(p, WAITS_FOR_QUEUE);
		}
	}
}

bool slot_is_warm(const struct service *s, enum slot_id slot)
{
	struct slot_count count;
	int need;

	slot_count(s, slot, &count);
	need = gate_min_ready(s->config->min_ready, count.total);
	return need > 0 && count.healthy >= (unsigned)need;
}

/* ---- up or down ---- */

void service_count_healthy(const struct service *s, unsigned ret[SLOT_MAX_])
{
	struct process *p;
	size_t pos = 0;

	ret[SLOT_A] = ret[SLOT_B] = 0;
	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		ret[p->slot] += is_running(p) && p->health.healthy;
	}
}

/* A worker that fails its checks is better than none. */
bool slot_worker_up(const struct process *p, const unsigned healthy[SLOT_MAX_])
{
	return is_running(p) && (p->health.healthy || !healthy[p->slot]);
}

/* ---- holding ---- */

/* Stopped by hand, every one of them; or removed with their group. */
static bool live_stands_still(const struct service *s, unsigned *ret_workers)
{
	struct process *p;
	size_t pos = 0;

	*ret_workers = 0;
	while ((p = service_next(s, service_live(s), &pos))) {
		if (!p->config->address) {
			continue;
		}
		if (p->worker.state != WORKER_STOPPED || !p->stopped_wall) {
			return false;
		}
		(*ret_workers)++;
	}
	return true;
}

static void say_that_it_holds(struct service *s, unsigned workers)
{
	bool said = s->holding;

	s->holding = true;
	service_write_ledger(s);
	service_set_note(s, "the live slot was %s%s%s: connections wait",
			 workers ? "stopped" : "removed", *s->stopper ? " by " : "", s->stopper);
	if (!said) {
		service_say(s, LOG_WARNING, "%s", s->note);
	}
}

static void say_that_it_goes_on(struct service *s)
{
	if (s->holding) {
		s->holding = false;
		s->stopper[0] = '\0';
		service_write_ledger(s);
		service_set_note(s, "%s", "");
		service_say(s, LOG_NOTICE, "connections wait no more");
	}
}

void service_judge_mode(struct service *s)
{
	unsigned workers;
	bool still;

	if (s->down || s->sup->mood != MOOD_RUNNING) {
		return;
	}
	still = live_stands_still(s, &workers);
	if (service_word(s).mode != (still ? SWITCH_HOLD : SWITCH_OPEN)) {
		service_store(s, service_live(s), still ? SWITCH_HOLD : SWITCH_OPEN);
		s->sup->handoff->workers(s);
	}
	if (still) {
		say_that_it_holds(s, workers);
	} else {
		say_that_it_goes_on(s);
	}
}

bool slot_is_draining(const struct service *s, enum slot_id slot)
{
	enum retire_state state = s->slots[slot].retire.state;

	return state == RETIRE_DRAINING || state == RETIRE_CUTTING;
}
