#pragma once

/** A worker's stdin: a pipe, and a bounded queue of what it has not taken yet. */

#include "worker/process.h"

/**
 * A pipe for a worker, close-on-exec. It belongs to the worker's user, who may then open it by
 * name, as /dev/stdout. 0 or -errno.
 */
int process_pipe(const struct process *p, int ret_ends[2]);
/** A pipe for the next spawn: *ret_child is the child's end, the caller's to close. 0 or -errno. */
int stdin_open(struct process *p, int *ret_child);
/** Bytes for it. 0, -EPIPE (closed), -ENOBUFS (the queue is full), -ENOMEM. */
int stdin_write(struct process *p, const void *data, size_t len);
/** The process has ended: nobody reads it any more. */
void stdin_close(struct process *p);
