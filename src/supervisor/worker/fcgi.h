#pragma once

/**
 * Sockets of [fcgi-program:x]: one listening socket a program, given to each of its processes as
 * descriptor 0, open from the first start to the end of the last process that has it.
 *
 * Source: Supervisor's documentation, "[fcgi-program:x] Section Settings".
 */

#include "worker/process.h"

int fcgi_init(struct supervisor *sup);
void fcgi_done(struct supervisor *sup);

/**
 * What a process of an fcgi-program gets instead of a stdin pipe; the caller closes it.
 *
 * Returns: 0, or -errno; why is logged.
 */
int fcgi_stdin(struct process *p, int *ret_child);
/** A process of one has ended: the last closes the socket. */
void fcgi_ended(struct process *p);
/** Restarts the processes of a socket whose name went away: they have the one without a name. */
void fcgi_look_after(struct supervisor *sup);
