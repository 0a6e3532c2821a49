#pragma once

/** A service's life: who is live, what its workers' changes mean. */

#include "service/service.h"

#include <slotd/plan.h>

/**
 * What a service is made of, a row for each file that has something of it: sup->service_parts,
 * filled by the wiring, ended by a row without a name. Each may be NULL.
 */
struct service_part {
	const char *name;
	/** In this order. 0 or -errno. */
	int (*init)(struct service *s);
	/** Its configuration is another one. Then open follows. */
	void (*reconfigure)(struct service *s);
	/** It is made, or has another configuration, and it is known which slot is live. */
	void (*open)(struct service *s);
	/** In reverse order; init may have failed halfway. */
	void (*done)(struct service *s);
};

/** Makes one of all its parts. 0 or -errno. */
int service_add(struct supervisor *sup, const struct service_config *config, struct config *origin,
		struct diag *diag);
void service_remove(struct service *s);
/** Takes over another configuration: settings at once, sockets as it lists them. */
void service_reconfigure(struct service *s, const struct service_config *config,
			 struct config *origin);

/** Makes services for the configuration, binds their sockets, reads who is live. */
int services_init(struct supervisor *sup, struct diag *diag);
void services_done(struct supervisor *sup);
struct service *service_find(struct supervisor *sup, const char *name);
/**
 * As a worker's observer: what is in a slot joins its service, tells it of each state, and leaves.
 * Services are made before the groups at the start, so that every worker comes this way.
 */
int services_join(struct process *p);
void services_process_entered(struct process *p, const struct plan_action *a);
void services_leave(struct process *p);
/**
 * A worker is in one of its slots (p->service and p->slot are set), or will not be any more. 0, or
 * -ENOMEM: it is in none then.
 */
int service_process_added(struct service *s, struct process *p);
void service_process_removed(struct service *s, struct process *p);
/** Somebody asked for its end: said where a live slot stands still by it. */
void service_note_stop(struct process *p, const char *who);
/** Is this process in an idle slot, which "start all" and autostart pass by? */
bool service_passes_by(const struct process *p);
/** Do clients depend on it: is it in a live slot, or one that still drains? */
bool service_serves(const struct process *p);
/** For STATUS=: "payinv b, chat a". Returns buf. */
const char *services_summary(struct supervisor *sup, char *buf, size_t size);
