#pragma once

/** What the kernel knows: does a worker accept, has it read what it was sent? */

#include "connection.h"
#include "relay_worker.h"

/** Opens the descriptor with which backlogs are read; before the sandbox is set up. After an -errno
 * they are not read. */
int backlog_open(void);
/** The worker was sent something that it should answer. */
void worker_asked(struct relay_worker *w, usec_t now);
/** Does the worker fail to accept what waits at its socket? Then others are preferred. */
bool worker_stalls(struct relay_worker *w, usec_t now);
/** It does not read or accept: others are preferred for a while. */
void worker_pass_by(struct relay_worker *w, usec_t now);
/** Returns how many connections wait at a worker's socket; 0 if that is not known. fd is that of
 * backlog_open. */
unsigned backlog_at(int fd, const struct address *a);
/** Has the worker not read all of what it was sent on the connection, or not accepted it? False if
 * that is not known. */
bool conn_lies_unread(const struct conn *c);
