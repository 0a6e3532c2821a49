#pragma once

/**
 * Sockets of [fcgi-program:x]: each program has a listening socket, which its processes get as
 * descriptor 0, and which is open from the first start to the end of the last process that has it.
 *
 * Source: Supervisor's documentation, "[fcgi-program:x] Section Settings".
 */

#include "worker/process.h"

int fcgi_init(struct supervisor *sup);
void fcgi_done(struct supervisor *sup);

/**
 * Returns what a process of an fcgi-program gets instead of a stdin pipe; the caller closes it.
 *
 * Returns: 0, or -errno after logging why.
 */
int fcgi_stdin(struct process *p, int *ret_child);
/**
 * A process of an fcgi-program has ended; after the last one the socket is closed.
 *
 * @group  the process group that it led, of which others may go on; 0: it never was one.
 */
void fcgi_ended(struct process *p, pid_t group);
/** Creates sockets again whose names have gone away, and restarts the processes that have the old
 * ones. */
void fcgi_look_after(struct supervisor *sup);
/** Of a process that a former slotd left: its socket is ours again. */
void fcgi_adopt(struct process *p);
