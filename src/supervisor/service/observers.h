#pragma once

/** How later rooms are told of services: each has a row of functions, which the wiring fills in. */

#include "service/service.h"

#include <slotd/plan.h>

/** The functions of a room; each may be NULL. */
struct service_observer {
	/** Something that people see of the service has changed. */
	void (*changed)(struct service *s);
	/** Something that its swap may wait for has happened, or failed. text is borrowed, or NULL.
	 */
	void (*step)(struct service *s, enum deploy_event_kind kind, int code, const char *text);
	/** A slot that retires has drained, or was cut. */
	void (*drained)(struct service *s, enum slot_id slot, enum retire_event_kind kind);
	/** A worker that was drained alone has no connections, of which n were closed (cut). */
	void (*worker_drained)(struct service *s, uint32_t worker, bool cut, uint64_t n);
	/** A health check of one of its workers had a result. */
	void (*judged)(struct service *s);
	/** Another slot is live, and that is being recorded. */
	void (*live)(struct service *s);
	/** The share of the slot that is not live has changed, at every relay. */
	void (*shared)(struct service *s);
	/** Its swap has ended: a PLAN_FINISH action. */
	void (*ended)(struct service *s, const struct plan_action *a);
	/** A job has begun. */
	void (*job_began)(struct service *s, const struct job *j);
	/** Its outcome is known, and told to whoever follows it. */
	void (*job_ended)(struct service *s, const struct job *j);
	/** A slot did not drain in time: n connections were closed. */
	void (*drain_cut)(struct service *s, enum slot_id slot, uint64_t n);
	/** Its canary is neither promoted nor aborted for long: a sentence about it. */
	void (*canary_old)(struct service *s, const char *text);
	/** The record cannot be written because the disk is full. */
	void (*no_room)(struct service *s, const char *text);
	/** It is paused, resumed, offline or online now. */
	void (*maintained)(struct service *s, enum maintenance_act act);
	/** The service is about to be freed. */
	void (*gone)(struct service *s);
};

/* Each of these calls all sup->service_observers, in their order. */
void service_changed(struct service *s);
void service_step(struct service *s, enum deploy_event_kind kind, int code, const char *text);
void service_drained(struct service *s, enum slot_id slot, enum retire_event_kind kind);
void service_worker_drained(struct service *s, uint32_t worker, bool cut, uint64_t n);
void service_judged(struct service *s);
void service_lives(struct service *s);
void service_shared(struct service *s);
void service_ended(struct service *s, const struct plan_action *a);
void service_job_began(struct service *s, const struct job *j);
void service_job_ended(struct service *s, const struct job *j);
void service_drain_cut(struct service *s, enum slot_id slot, uint64_t n);
void service_canary_old(struct service *s, const char *text);
void service_no_room(struct service *s, const char *text);
void service_maintained(struct service *s, enum maintenance_act act);
void service_gone(struct service *s);
