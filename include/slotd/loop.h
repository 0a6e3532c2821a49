#pragma once

/**
 * The event loop. Every process has one, in a single thread; watchers are members of their owner,
 * and the owner's _done stops them. It is made with libev, which only platform/loop.c uses.
 *
 * A callback translates what has happened to an event, takes a step and carries out the plan. It
 * never blocks.
 */

#include <slotd/usec.h>

#include <stdbool.h>
#include <stddef.h>

struct loop;

enum loop_events {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	/* For the read end of a pipe. epoll tells its end as both; of one who had asked for one of
	 * them libev would say so to the kernel, a call for each pipe that ends. */
	LOOP_PIPE = LOOP_READ | LOOP_WRITE,
};

struct loop_io;
struct loop_timer;
struct loop_signal;
struct loop_idle;
/* A callback gets its watcher, from which container_of finds the owner. */
typedef void loop_io_fn(struct loop_io *io, unsigned events);
typedef void loop_timer_fn(struct loop_timer *timer);
typedef void loop_signal_fn(struct loop_signal *sig, int signo);
typedef void loop_idle_fn(struct loop_idle *idle);

/* Sizes of libev's structs, checked by static assertions in platform/loop.c. */
struct loop_io {
	_Alignas(8) unsigned char ev[48];
	loop_io_fn *fn;
	struct loop_io *next,
		**prev; /* among those that the kernel refuses; prev NULL: it does not */
};

struct loop_timer {
	_Alignas(8) unsigned char ev[48];
	loop_timer_fn *fn;
	usec_t at; /* USEC_NEVER when not armed */
};

struct loop_signal {
	loop_signal_fn *fn;
	struct loop_signal *next;
	int signo; /* 0: not watching */
};

/** Called once before the loop sleeps again; for flushing what this turn has produced. */
struct loop_idle {
	struct loop_idle *next;
	loop_idle_fn *fn;
	bool queued;
};

/** Makes a loop; never libev's default loop, which would reap our children. Returns 0, -ENOMEM or
 * -EMFILE. */
int loop_new(struct loop **ret);
/** Frees the loop, whose watchers must all be stopped. Returns NULL. */
struct loop *loop_free(struct loop *loop);
/** Runs until loop_stop is called. */
void loop_run(struct loop *loop);
/** Runs one turn, which waits for an event if wait is true. For tests and nested set-up. */
void loop_turn(struct loop *loop, bool wait);
/** Makes loop_run return at the end of this turn. */
void loop_stop(struct loop *loop);
/**
 * Once: before it looks for events again, the loop sleeps so long, deaf to all of them. For what
 * is cheaper by the dozen; a millisecond at most.
 */
void loop_rest(struct loop *loop, usec_t rest);

/** Prepares a watcher, which watches nothing yet. */
void loop_io_init(struct loop_io *io, loop_io_fn *fn);
/** Its events are handled before the others of the same turn. To be called before loop_io_set. */
void loop_io_first(struct loop_io *io);
/**
 * Watches fd for events (LOOP_READ | LOOP_WRITE), or changes these. Where the kernel refuses one
 * more (no memory, fs.epoll.max_user_watches), the loop looks at fd ten times a second, until the
 * kernel takes it.
 */
void loop_io_set(struct loop *loop, struct loop_io *io, int fd, unsigned events);
/** Stops watching; to be called before the descriptor is closed. Harmless if it is not watching or
 * zeroed. */
void loop_io_stop(struct loop *loop, struct loop_io *io);
/**
 * Like loop_io_stop, for a descriptor of which another process has a duplicate: epoll would report
 * it even after it was closed here (epoll(7), "Questions and answers"), and libev would then set up
 * all its descriptors again. Also for one that has come to its end and stays open for a while: its
 * end would be reported once more.
 */
void loop_io_leave(struct loop *loop, struct loop_io *io);

/** Prepares a timer, which is not armed yet. */
void loop_timer_init(struct loop_timer *t, loop_timer_fn *fn);
/** Arms the timer for an absolute monotonic time, instead of an earlier one; USEC_NEVER disarms. */
void loop_timer_set(struct loop *loop, struct loop_timer *t, usec_t at);
/** Disarms the timer. Harmless if it is not armed or zeroed. */
void loop_timer_stop(struct loop *loop, struct loop_timer *t);

/**
 * Calls fn, in the loop, when signo has arrived, once for all that came since. A signal may have
 * only one watcher. It is blocked from here on, also after loop_signal_stop, so that one that is
 * late waits (also for what this process executes next) instead of ending the process. Returns 0 or
 * -errno (EMFILE, ENFILE, ENOMEM): it is not watched.
 */
int loop_signal_start(struct loop *loop, struct loop_signal *s, int signo, loop_signal_fn *fn);
/** Stops watching. Harmless if it is not watching or zeroed. */
void loop_signal_stop(struct loop *loop, struct loop_signal *s);

/** Prepares an idle watcher, which is not queued yet. */
void loop_idle_init(struct loop_idle *idle, loop_idle_fn *fn);
/** Queues fn for the end of this turn; a second call in the same turn has no effect. */
void loop_idle_queue(struct loop *loop, struct loop_idle *idle);
/**
 * Queues fn for the end of the next turn, before all that this turn queues. That turn does not wait
 * for events, but handles those that are there.
 */
void loop_idle_again(struct loop *loop, struct loop_idle *idle);
/** Takes it out of the queue. Harmless if it is not queued, or zeroed. */
void loop_idle_cancel(struct loop *loop, struct loop_idle *idle);
