#pragma once

/**
 * Supervisor's events, as slotd's files cause them and as event listeners get them. The rules are
 * core/event.c and core/pool.c; here are the pipes, the ticks and the payloads.
 *
 * Nothing here waits: a listener gets an event when it says READY, and only its pool notices when
 * it does not.
 */

#include "worker/process.h"

#include <slotd/event.h>

struct message;

int events_init(struct supervisor *sup);
void events_done(struct supervisor *sup);

/** Any event; a payload of no bytes is fine. Nothing is made when no pool wants it. */
void events_emit(struct supervisor *sup, enum event_type type, const void *payload, size_t len);
void events_emitf(struct supervisor *sup, enum event_type type, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** The process of a listener entered a state. */
void events_follow(struct process *p, enum worker_state state);
/** MSG_LOG_EVENT of slotd-log about one worker's output. */
void events_output(struct supervisor *sup, const char *group, const char *name,
		   const struct message *m);
/** A group came or goes. That of an [eventlistener:x] brings its pool and takes it away. */
void events_group_added(struct group *g);
/** Its configuration was replaced. */
void events_group_changed(struct group *g);
void events_group_removed(struct group *g);

/**
 * The stdout of a listener that is about to be spawned: slotd reads it and passes the bytes on.
 *
 * @child  the write end that goes to slotd-log; replaced by the one the listener gets.
 * Returns: 0, or -errno with *child as it was.
 */
int events_tap(struct process *p, int *child);
/** Is it a listener that still has events to hear? */
bool events_unheard(const struct process *p);
/** One more process of a group that has been added. */
int events_process_added(struct process *p);
/** The process is about to be freed. */
void events_process_gone(struct process *p);
