#include "worker/process_facts.h"
#include "worker/process.h"

#include <slotd/worker_state.h>

const char *process_service_name(const struct process *p)
{
	int index = p->config->program->service;

	return index < 0 ? NULL : p->origin->services.at[index]->name;
}

bool process_ended(const struct process *p)
{
	return !process_exists(p) && !worker_stoppable(&p->worker);
}

bool process_may_be_stopped(const struct process *p)
{
	return worker_stoppable(&p->worker) || (p->restart && p->worker.state == WORKER_STOPPING);
}

bool process_exists(const struct process *p)
{
	return p->pid || p->call;
}

bool process_ends_with_group(const struct process *p)
{
	return p->service || p->config->program->exclusive;
}

bool process_follows_flip(const struct process *p)
{
	return p->service && !p->config->address &&
	       (!p->with_slot || p->config->program->exclusive);
}

bool process_goes_with_slot(const struct process *p)
{
	return p->service && !p->config->address && p->with_slot &&
	       !p->config->program->exclusive && p->config->program->autostart;
}

/* One that merely waits for its next start does not run. */
static bool runs(const struct process *p)
{
	return process_exists(p) || worker_state_info(p->worker.state)->alive;
}

/* A program that was removed may be the same under another name. */
static bool is_other_self(const struct process *p, const struct process *other)
{
	return other->removed || other->group->removed ||
	       (p->service && other->service == p->service && other->slot != p->slot);
}

const struct process *process_rival(const struct process *p)
{
	if (!p->config->program->exclusive) {
		return NULL;
	}
	vec_for_each (at, &p->sup->processes) {
		const struct process *other = *at;

		if (other && other != p && other->config->program->exclusive && runs(other) &&
		    is_other_self(p, other)) {
			return other;
		}
	}
	return NULL;
}
