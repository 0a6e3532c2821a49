#include "service/services.h"
#include "link/inheritance.h"
#include "service/gate.h"
#include "service/handoff_ops.h"
#include "service/observers.h"
#include "service/place.h"
#include "service/slots.h"
#include "service/vitals.h"
#include "worker/observers.h"
#include "worker/processes.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>

/* ---- a service's life ---- */

static void on_settle(struct loop_idle *idle)
{
	service_settle(container_of(idle, struct service, settle));
}

static void set_policies(struct service *s)
{
	const struct service_config *c = s->config;

	s->policy = (struct swap_policy){
		.ready_timeout = c->ready_timeout,
		.bake = c->bake,
		.verify_interval = c->verify_interval,
		.bake_crashes = c->bake_crashes,
		.drain_timeout = c->drain_timeout,
		.drain_spread = c->drain_spread,
		.drain_by_worker = c->drain.mode == DRAIN_WORKER,
		.idle_keep = c->idle_keep,
		.n_canary = c->canary.n_steps,
		.canary_crashes = c->canary_crashes,
		.canary_timeout = c->canary_timeout,
	};
	memcpy(s->policy.canary, c->canary.steps, sizeof(s->policy.canary));
	for (int hook = 0; hook < HOOK_MAX_; hook++) {
		s->policy.has_hook[hook] =
			c->slots[SLOT_A].hooks[hook] || c->slots[SLOT_B].hooks[hook];
		s->policy.hook_timeout[hook] = c->hook_timeout[hook];
	}
	s->gate_policy.rise = c->health_rise ? c->health_rise : 1;
	s->gate_policy.fall = c->health_fall ? c->health_fall : 1;
	s->gate_policy.interval = c->health_interval;
	s->gate_policy.start_period = c->health_start_period;
	s->gate_policy.ready_timeout = c->ready_timeout;
}

static void disown_processes(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		gate_forget(p);
		process_set_live(p, false);
		p->service = NULL;
		process_changed(p);
	}
	vec_done(&s->workers);
}

/* The first n parts are there. */
static struct service *service_free(struct service *s, size_t n)
{
	const struct service_part *parts = s->sup->service_parts;

	disown_processes(s);
	service_gone(s);
	loop_idle_cancel(s->sup->loop, &s->settle);
	while (n) {
		const struct service_part *part = &parts[--n];

		if (part->done) {
			part->done(s);
		}
	}
	s->sup->handoff->service_gone(s);
	ledger_drop(s->sup->ledger, LEDGER_TABLE_SERVICE, s->index);
	free(s->name);
	free(s);
	return NULL;
}

static size_t count_parts(const struct supervisor *sup)
{
	size_t n = 0;

	while (sup->service_parts[n].name) {
		n++;
	}
	return n;
}

/* Relays know it by its row. */
static int take_row(struct supervisor *sup, const char *name)
{
	int row = inherited_row(sup, LEDGER_TABLE_SERVICE, name);

	if (row >= 0 &&
	    ledger_take_at(sup->ledger, LEDGER_TABLE_SERVICE, name, (unsigned)row) == 0) {
		return row;
	}
	return ledger_take(sup->ledger, LEDGER_TABLE_SERVICE, name);
}

static int make(struct supervisor *sup, const struct service_config *config, struct config *origin,
		struct service **ret)
{
	struct service *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		return -ENOMEM;
	}
	s->sup = sup;
	s->config = config;
	s->origin = origin;
	s->watch_fd = -EBADF;
	s->name = strdup(config->name);
	r = s->name ? take_row(sup, s->name) : -ENOMEM;
	if (r < 0) {
		free(s->name);
		free(s);
		return r;
	}
	s->index = (uint32_t)r;
	loop_idle_init(&s->settle, on_settle);
	set_policies(s);
	*ret = s;
	return 0;
}

static void unlist(struct service *s)
{
	struct supervisor *sup = s->sup;

	for (size_t i = 0; i < sup->services.len; i++) {
		if (sup->services.at[i] == s) {
			vec_remove(&sup->services, i);
			break;
		}
	}
}

/* One that is down has said why, and nobody connects to it. */
static void open_parts(struct service *s)
{
	if (s->down) {
		return;
	}
	s->sup->handoff->service(s);
	for (const struct service_part *part = s->sup->service_parts; part->name; part++) {
		if (part->open) {
			part->open(s);
		}
	}
}

static int init_parts(struct service *s, size_t *ret_n)
{
	const struct service_part *parts = s->sup->service_parts;
	int r = 0;

	for (*ret_n = 0; r == 0 && parts[*ret_n].name; (*ret_n)++) {
		r = parts[*ret_n].init ? parts[*ret_n].init(s) : 0;
	}
	return r;
}

int service_add(struct supervisor *sup, const struct service_config *config, struct config *origin,
		struct diag *diag)
{
	struct service *s = NULL;
	size_t n = 0;
	int r = make(sup, config, origin, &s);

	if (r == 0) {
		r = vec_push(&sup->services, s);
		r = r == 0 ? init_parts(s, &n) : r;
		if (r < 0) {
			unlist(s);
			service_free(s, n);
		}
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "service %s", config->name);
	}
	open_parts(s);
	service_changed(s);
	return 0;
}

static void set_consumers(struct service *s)
{
	vec_for_each (p, &s->workers) {
		if (*p) {
			(*p)->with_slot = s->config->consumers == CONSUMERS_WITH_SLOT;
		}
	}
}

void service_reconfigure(struct service *s, const struct service_config *config,
			 struct config *origin)
{
	const bool changed = config->consumers != s->config->consumers;

	s->config = config;
	s->origin = origin;
	set_policies(s);
	set_consumers(s);
	if (changed && !s->down) {
		slots_stop_idle_queue_workers(s);
	}
	for (const struct service_part *part = s->sup->service_parts; part->name; part++) {
		if (part->reconfigure) {
			part->reconfigure(s);
		}
	}
	open_parts(s);
	service_settle_soon(s);
	service_changed(s);
}

void service_remove(struct service *s)
{
	unlist(s);
	service_free(s, count_parts(s->sup));
}

int services_init(struct supervisor *sup, struct diag *diag)
{
	int r = 0;

	vec_for_each (config, &sup->config->services) {
		if (r == 0) {
			r = service_add(sup, *config, sup->config, diag);
		}
	}
	return r;
}

void services_done(struct supervisor *sup)
{
	vec_for_each (s, &sup->services) {
		service_free(*s, count_parts(sup));
	}
	vec_done(&sup->services);
}
struct service *service_find(struct supervisor *sup, const char *name)
{
	vec_for_each (s, &sup->services) {
		if (strcmp((*s)->name, name) == 0) {
			return *s;
		}
	}
	return NULL;
}

const char *services_summary(struct supervisor *sup, char *buf, size_t size)
{
	size_t used = 0;

	if (size) {
		buf[0] = '\0';
	}
	vec_for_each (s, &sup->services) {
		int n = snprintf(buf + used, size - used, "%s%s %s", used ? ", " : "", (*s)->name,
				 (*s)->down ? "down" : slot_name(service_live(*s)));

		if (n < 0 || (size_t)n >= size - used) {
			break;
		}
		used += (size_t)n;
	}
	return buf;
}

/* ---- its workers ---- */

static int take_in(struct service *s, struct process *p)
{
	for (size_t i = 0; i < s->workers.len; i++) {
		if (!s->workers.at[i]) {
			s->workers.at[i] = p;
			return 0;
		}
	}
	return vec_push(&s->workers, p);
}

static void let_go(struct service *s, const struct process *p)
{
	for (size_t i = 0; i < s->workers.len; i++) {
		if (s->workers.at[i] == p) {
			s->workers.at[i] = NULL;
		}
	}
}

int services_join(struct process *p)
{
	const struct program_config *program = p->config->program;
	int r = 0;

	if (program->service >= 0) {
		p->slot = program->slot;
		p->service = service_find(p->sup, p->origin->services.at[program->service]->name);
	}
	if (p->service) {
		r = service_process_added(p->service, p);
	}
	return r;
}

void services_leave(struct process *p)
{
	if (p->service) {
		service_process_removed(p->service, p);
	}
}

/* In an A/B test the workers of both slots are, but not what may run in one slot only. */
static bool is_live(const struct service *s, const struct process *p)
{
	return !s->down && (p->slot == service_live(s) ||
			    (s->ab.weight && p->slot == s->ab.slot && p->config->address));
}

void service_mark_live(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		process_set_live(p, is_live(s, p));
	}
}

int service_process_added(struct service *s, struct process *p)
{
	int r = take_in(s, p);

	if (r < 0) {
		p->service = NULL;
		return r;
	}
	p->with_slot = s->config->consumers == CONSUMERS_WITH_SLOT;
	process_set_live(p, is_live(s, p));
	service_settle_soon(s);
	service_changed(s);
	return 0;
}

void service_process_removed(struct service *s, struct process *p)
{
	let_go(s, p);
	gate_forget(p);
	if (p->config->address) {
		s->sup->handoff->worker_gone(s, p);
	}
	if (s->culprit == p) {
		s->culprit = NULL;
	}
	p->service = NULL;
	service_settle_soon(s);
	service_changed(s);
}

bool service_passes_by(const struct process *p)
{
	const struct service *s = p->service;

	return s && (s->down || (p->slot != service_live(s) &&
				 (p->slot != service_sharing(s) || !p->config->address)));
}

bool service_serves(const struct process *p)
{
	return p->service && (!service_passes_by(p) || slot_is_draining(p->service, p->slot));
}

void service_note_stop(struct process *p, const char *who)
{
	if (p->service && p->slot == service_live(p->service)) {
		service_explain(p->service, TROUBLE_STOPPED, "%s", who);
		service_explain(p->service, TROUBLE_REMOVED, "%s", who);
	}
}

void services_process_entered(struct process *p, const struct plan_action *a)
{
	struct service *s = p->service;

	(void)a;
	if (!s) {
		return;
	}
	if (p->config->address) {
		gate_worker_changed(s, p);
		vitals_entered(p);
	}
	service_settle_soon(s);
	service_changed(s);
}
