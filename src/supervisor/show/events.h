#pragma once

/**
 * Supervisor's events: how slotd causes them, and how event listeners get them. The rules are in
 * core/event.c and core/pool.c; this file has the pipes, the ticks and the payloads.
 *
 * Nothing here waits: a listener gets an event when it says READY; if it does not, that concerns
 * only its pool.
 */

#include "worker/process.h"

#include <slotd/event.h>

struct message;

int events_init(struct supervisor *sup);
void events_done(struct supervisor *sup);

/** Sends an event, which may have no payload, to the pools that subscribe to it. */
void events_emit(struct supervisor *sup, enum event_type type, const void *payload, size_t len);
void events_emitf(struct supervisor *sup, enum event_type type, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** The process of a listener has entered a state. */
void events_follow(struct process *p, enum worker_state state);
/** Handles MSG_LOG_EVENT of slotd-log, about the output of a worker. */
void events_output(struct supervisor *sup, const char *group, const char *name,
		   const struct message *m);
/** A group was added, or is removed; with that of an [eventlistener:x], its pool is. */
void events_group_added(struct group *g);
/** The configuration of a group was replaced. */
void events_group_changed(struct group *g);
void events_group_removed(struct group *g);

/**
 * Puts a pipe between the stdout of a listener that is about to be spawned and its log: slotd reads
 * the bytes and passes them on.
 *
 * @child  the write end of the pipe to slotd-log; replaced by the end that the listener gets.
 * Returns: 0; or -errno, and *child is unchanged.
 */
int events_tap(struct process *p, int *child);
/** Is this process a listener that has yet to receive events? */
bool events_unheard(const struct process *p);
/** A process was added to a group that is known. */
int events_process_added(struct process *p);
/** The process is about to be freed. */
void events_process_gone(struct process *p);
