#pragma once

/** The life of a service, and what changes of its workers mean for it. */

#include "service/service.h"

#include <slotd/plan.h>

/**
 * The parts of a service: a row for each file that has one. The wiring fills sup->service_parts;
 * the last row has no name. Each function may be NULL.
 */
struct service_part {
	const char *name;
	/** Called in the order of the rows. Returns 0 or -errno. */
	int (*init)(struct service *s);
	/** The service has a new configuration. Then open is called. */
	void (*reconfigure)(struct service *s);
	/** The service was made, or has a new configuration, and it is known which slot is live. */
	void (*open)(struct service *s);
	/** Called in reverse order; init may have failed halfway. */
	void (*done)(struct service *s);
};

/** Makes a service with all its parts. Returns 0 or -errno. */
int service_add(struct supervisor *sup, const struct service_config *config, struct config *origin,
		struct diag *diag);
void service_remove(struct service *s);
/** Gives the service a new configuration, which applies at once. */
void service_reconfigure(struct service *s, const struct service_config *config,
			 struct config *origin);

/** Makes the services of the configuration, binds their sockets, and finds the live slots. */
int services_init(struct supervisor *sup, struct diag *diag);
void services_done(struct supervisor *sup);
struct service *service_find(struct supervisor *sup, const char *name);
/**
 * As observers of workers: a process in a slot joins its service, its states are told to the
 * service, and it leaves. Services are made before the groups, so that every worker joins in this
 * way.
 */
int services_join(struct process *p);
void services_process_entered(struct process *p, const struct plan_action *a);
void services_leave(struct process *p);
/**
 * A worker is now in a slot of the service (p->service and p->slot are set), or will no longer be.
 * Returns 0; or -ENOMEM, and the worker is in no slot.
 */
int service_process_added(struct service *s, struct process *p);
void service_process_removed(struct service *s, struct process *p);
/** Somebody has asked for the end of p: who is recorded, in case a live slot stops by it. */
void service_note_stop(struct process *p, const char *who);
/** Is this process in an idle slot, which "start all" and autostart leave out? */
bool service_passes_by(const struct process *p);
/** Tells the workers of both slots whether they are live. */
void service_mark_live(struct service *s);
/** Do clients depend on this process, because its slot is live or still drains? */
bool service_serves(const struct process *p);
/** Writes "payinv b, chat a", for STATUS=. Returns buf. */
const char *services_summary(struct supervisor *sup, char *buf, size_t size);
