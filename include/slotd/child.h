#pragma once

/**
 * Short-lived children do what may block (fsync, name lookups, a user's command); their end is an
 * event of the loop.
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
	bool timed_out;		    /* it was killed because it took longer than its timeout */
	struct spawn_report report; /* stage NONE: it was executed, or ran its function; FORK: no
				     * process was created */
};

/** The child has ended and its output was read. The struct child may be used again or freed. */
typedef void child_done_fn(struct child *c, const struct child_result *result);
/** Gets some output, cut anywhere. It may kill or abandon the child, but not free it. */
typedef void child_output_fn(struct child *c, const char *data, size_t len);

/** All children that run, so that they can be told from orphans. To be zeroed, with loop set. */
struct children {
	struct loop *loop;
	struct spawner *spawner; /* creates children that are commands; NULL: this process does */
	struct child *head;
};

/** It is a process by now; pid and pidfd are known. */
typedef void child_made_fn(struct child *c);

struct child_spec {
	struct spawn_spec spawn; /* stdio[1], stdio[2] absent: the output pipe, if wanted */
	usec_t timeout;		 /* after this span its process group is killed; or USEC_NEVER */
	child_done_fn *done;
	child_output_fn *output; /* NULL: no pipe, /dev/null */
	child_made_fn *made;	 /* NULL: it does not matter; a function begins after it */
	void *owner;
};

#define CHILD_SPEC_INIT                                         \
	{                                                       \
		.spawn = SPAWN_SPEC_INIT, .timeout = USEC_NEVER \
	}

struct child {
	struct children *all;
	struct child *next;
	struct spawn_call *call; /* the request for the process, until it is answered */
	pid_t pid;		 /* 0: not running, or not yet */
	int pidfd, output_fd, report_fd;
	struct loop_io exit_io, output_io;
	struct loop_timer timer;
	child_done_fn *done;
	child_output_fn *output;
	child_made_fn *made;
	void *owner;
	int signal; /* to be sent once the process exists; 0: none */
	bool timed_out;
	bool adopted; /* a former slotd made it: it is nobody's child but init's */
};

/**
 * Starts a child in a process group of its own. done is called exactly once, never from inside
 * this function.
 *
 * Returns: 0 or -errno (then done is not called).
 * Ownership: borrows spec, but takes stdio[0] of a command; keeps all and c until done.
 */
int child_run(struct children *all, struct child *c, const struct child_spec *spec);
/**
 * Watches one that a former slotd made. Takes pidfd. Of its end only what process_handle_status
 * tells is known.
 */
void child_adopt(struct children *all, struct child *c, pid_t pid, int pidfd, child_done_fn *done,
		 void *owner);
/** Forgets it, and leaves it as it is. Harmless when not running. */
void child_leave(struct child *c);
/** Has child_run been called, and done not yet? */
static inline bool child_running(const struct child *c)
{
	return c->pid != 0 || c->call;
}
/**
 * For a child_output_fn that keeps what fits: appends n bytes of output to the *len bytes in buf.
 * The text ends with NUL.
 */
void child_keep_output(char *buf, size_t size, size_t *len, const char *data, size_t n);
/** Signals the child's process group. done is still called. */
void child_kill(struct child *c, int signo);
/** Kills and forgets the child: done is not called. Harmless if it is not running. */
void child_abandon(struct child *c);
/** Is this the pid of one of these children? */
bool children_know(const struct children *all, pid_t pid);
