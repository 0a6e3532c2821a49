#include "service/slots.h"
#include "service/place.h"
#include "service/service.h"
#include "worker/process.h"
#include "worker/processes.h"
#include "worker/waits.h"

static void start_served(struct service *s, enum slot_id slot)
{
	struct process *p;
	size_t pos = 0;

	s->slots[slot].starting = true;
	while ((p = service_next(s, slot, &pos))) {
		if ((p->config->address || process_goes_with_slot(p)) && process_ended(p)) {
			process_start(p);
		}
	}
	s->slots[slot].starting = false;
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

static void stop_older(struct service *s, enum slot_id slot, usec_t than)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, slot, &pos))) {
		if (worker_stoppable(&p->worker) && p->worker.started < than) {
			process_stop(p);
		}
	}
}

void slot_start_again(struct service *s, enum slot_id slot, bool afresh, usec_t began)
{
	if (afresh) {
		stop_older(s, slot, began);
	}
	slot_start(s, slot, false);
}

bool slot_start_goes_on(struct service *s, enum slot_id slot)
{
	if (s->slots[slot].starting) {
		return false; /* the next ones are still FATAL from the time before */
	}
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

void slots_stop_idle_queue_workers(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		if (p->slot != service_live(s) && process_follows_flip(p)) {
			process_stop(p);
		}
	}
}

/* One that is FATAL is about to be tried again: that, too, waits for the other slot's. */
static void start_queue_worker(struct process *p)
{
	if (p->worker.state == WORKER_FATAL) {
		process_stop(p);
	}
	if (p->config->program->autostart &&
	    (process_ended(p) || p->worker.state == WORKER_STOPPING)) {
		process_start_after(p, WAITS_FOR_QUEUE);
	}
}

void slots_exchange_queue_workers(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	slots_stop_idle_queue_workers(s);
	while ((p = service_next(s, service_live(s), &pos))) {
		if (!p->config->address) {
			start_queue_worker(p);
		}
	}
}

enum gate_verdict slot_judge(const struct service *s, const struct slot_count *count, unsigned good)
{
	struct gate_policy policy = s->gate_policy;

	policy.total = count->total;
	policy.min_ready = (unsigned)gate_min_ready(s->config->min_ready, count->total);
	return gate_judge(&policy, &(struct gate_count){good, count->lost});
}

bool slot_is_warm(const struct service *s, enum slot_id slot)
{
	struct slot_count count;
	int need;

	slot_count(s, slot, &count);
	need = gate_min_ready(s->config->min_ready, count.total);
	return need > 0 && count.healthy >= (unsigned)need;
}

bool slot_is_draining(const struct service *s, enum slot_id slot)
{
	enum retire_state state = s->slots[slot].retire.state;

	return state == RETIRE_DRAINING || state == RETIRE_CUTTING;
}
