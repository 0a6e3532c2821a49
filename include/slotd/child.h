#pragma once

/**
 * Short-lived children: what may block (fsync, name lookups, a user's command) is done in one and
 * its end is an event of the loop.
 *
 *	struct child_spec spec = CHILD_SPEC_INIT;
 *	spec.spawn.run = write_record;
 *	spec.timeout = SECONDS(10);
 *	spec.done = on_written;
 *	r = child_run(&sup->children, &s->child, &spec);
 */

#include <slotd/loop.h>
#include <slotd/spawner.h>

struct child;

struct child_result {
	int status;		    /* wait status */
	bool timed_out;		    /* it was killed for that */
	struct spawn_report report; /* stage NONE: it was executed, or ran its function; FORK: it
				     * never was a process */
};

/** It has ended and its output was read. The struct child may be used again or freed. */
typedef void child_done_fn(struct child *c, const struct child_result *result);
/** Some output; not at line ends. It may kill or abandon the child, not free it. */
typedef void child_output_fn(struct child *c, const char *data, size_t len);

/** All that run, so that they are told from orphans. Zero and set loop. */
struct children {
	struct loop *loop;
	struct spawner *spawner; /* makes those that are commands; NULL: this process itself */
	struct child *head;
};

struct child_spec {
	struct spawn_spec spawn; /* stdio[1], stdio[2] absent: the output pipe, if wanted */
	usec_t timeout;		 /* span; USEC_NEVER: none. Then SIGKILL to its process group */
	child_done_fn *done;
	child_output_fn *output; /* NULL: no pipe, /dev/null */
	void *owner;
};

#define CHILD_SPEC_INIT                                         \
	{                                                       \
		.spawn = SPAWN_SPEC_INIT, .timeout = USEC_NEVER \
	}

struct child {
	struct children *all;
	struct child *next;
	struct spawn_call *call; /* it is being made */
	pid_t pid;		 /* 0: not running, or not yet */
	int pidfd, output_fd, report_fd;
	struct loop_io exit_io, output_io;
	struct loop_timer timer;
	child_done_fn *done;
	child_output_fn *output;
	void *owner;
	int signal; /* to be sent once it is made */
	bool timed_out;
};

/**
 * Starts it in a process group of its own. done is called exactly once, never from in here.
 *
 * Returns: 0 or -errno (then done is not called).
 * Ownership: borrows spec; keeps all and c until done.
 */
int child_run(struct children *all, struct child *c, const struct child_spec *spec);
/** From child_run until done is called. */
static inline bool child_running(const struct child *c)
{
	return c->pid != 0 || c->call;
}
/**
 * For a child_output_fn that keeps what fits: n more bytes of output, behind the *len that buf
 * holds. The text ends with NUL.
 */
void child_keep_output(char *buf, size_t size, size_t *len, const char *data, size_t n);
/** Signals its process group. done still comes. */
void child_kill(struct child *c, int signo);
/** Kills and forgets it: done does not come. Harmless when not running. */
void child_abandon(struct child *c);
/** Is this pid one of them? */
bool children_know(const struct children *all, pid_t pid);
