#pragma once

/** What the rooms after this one hear of services, each by one row that the wiring fills in. */

#include "service/service.h"

#include <slotd/plan.h>

/** What one of them wants to hear; NULL: nothing of that. */
struct service_observer {
	/** Something of it that people see is another. */
	void (*changed)(struct service *s);
	/** What its swap may wait for has come, or will not. text is borrowed, NULL: none. */
	void (*step)(struct service *s, enum deploy_event_kind kind, int code, const char *text);
	/** Of a slot that retires: it has drained, it was cut. */
	void (*drained)(struct service *s, enum slot_id slot, enum retire_event_kind kind);
	/** One of its workers was checked, with a result. */
	void (*judged)(struct service *s);
	/** Another slot is live, and that is being recorded. */
	void (*live)(struct service *s);
	/** Its swap has ended: a PLAN_FINISH action. */
	void (*ended)(struct service *s, const struct plan_action *a);
	/** It is about to be freed. */
	void (*gone)(struct service *s);
};

/* Each tells all of sup->service_observers, in their order. */
void service_changed(struct service *s);
void service_step(struct service *s, enum deploy_event_kind kind, int code, const char *text);
void service_drained(struct service *s, enum slot_id slot, enum retire_event_kind kind);
void service_judged(struct service *s);
void service_lives(struct service *s);
void service_ended(struct service *s, const struct plan_action *a);
void service_gone(struct service *s);
