#pragma once

/**
 * The event loop. Every process has one, single-threaded; watchers are members of their owner and
 * the owner's _done stops them. libev is behind it (platform/loop.c) and nowhere else.
 *
 * A callback is three lines: translate to an event, step, carry out the plan. It never blocks.
 */

#include <slotd/usec.h>

#include <stdbool.h>
#include <stddef.h>

struct loop;

enum loop_events {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
};

struct loop_io;
struct loop_timer;
struct loop_signal;
struct loop_idle;
/* Each gets its watcher, from which container_of finds the owner. */
typedef void loop_io_fn(struct loop_io *io, unsigned events);
typedef void loop_timer_fn(struct loop_timer *timer);
typedef void loop_signal_fn(struct loop_signal *sig, int signo);
typedef void loop_idle_fn(struct loop_idle *idle);

/* Sizes of libev's structs, checked by static assertions in platform/loop.c. */
struct loop_io {
	_Alignas(8) unsigned char ev[48];
	loop_io_fn *fn;
};

struct loop_timer {
	_Alignas(8) unsigned char ev[48];
	loop_timer_fn *fn;
	usec_t at; /* USEC_NEVER when not armed */
};

struct loop_signal {
	_Alignas(8) unsigned char ev[48];
	loop_signal_fn *fn;
};

/** Runs once before the loop next sleeps; for flushing what this turn produced. */
struct loop_idle {
	struct loop_idle *next;
	loop_idle_fn *fn;
	bool queued;
};

/** A loop of its own, never libev's default one (that reaps our children). 0, -ENOMEM, -EMFILE. */
int loop_new(struct loop **ret);
/** Always NULL. All watchers must be stopped. */
struct loop *loop_free(struct loop *loop);
/** Until loop_stop. */
void loop_run(struct loop *loop);
/** One turn; waits for an event if wait. For tests and nested set-up. */
void loop_turn(struct loop *loop, bool wait);
/** loop_run returns at the end of this turn. */
void loop_stop(struct loop *loop);

/** Prepares it; watches nothing yet. */
void loop_io_init(struct loop_io *io, loop_io_fn *fn);
/** Of what comes in one turn, its events are the first. Before loop_io_set. */
void loop_io_first(struct loop_io *io);
/** Watches fd for events (LOOP_READ | LOOP_WRITE); changes them when already watching. */
void loop_io_set(struct loop *loop, struct loop_io *io, int fd, unsigned events);
/** Must come before the descriptor is closed. Harmless when not watching or zeroed. */
void loop_io_stop(struct loop *loop, struct loop_io *io);
/**
 * The same for a descriptor of which another process has a duplicate. It would be reported on after
 * it is closed here (epoll(7), "Questions and answers"), and libev would then watch all others
 * anew.
 */
void loop_io_leave(struct loop *loop, struct loop_io *io);

/** Prepares it, not armed. */
void loop_timer_init(struct loop_timer *t, loop_timer_fn *fn);
/** Arms for the absolute monotonic time at, replacing an earlier one; USEC_NEVER disarms. */
void loop_timer_set(struct loop *loop, struct loop_timer *t, usec_t at);
/** Disarms. Harmless when not armed or zeroed. */
void loop_timer_stop(struct loop *loop, struct loop_timer *t);

/** Calls fn, in the loop, after signo came. One watcher a signal in all loops. */
void loop_signal_start(struct loop *loop, struct loop_signal *s, int signo, loop_signal_fn *fn);
/** Harmless when not watching or zeroed. */
void loop_signal_stop(struct loop *loop, struct loop_signal *s);

/** Prepares it, not queued. */
void loop_idle_init(struct loop_idle *idle, loop_idle_fn *fn);
/** Queues fn for the end of this turn; a second call in the same turn does nothing. */
void loop_idle_queue(struct loop *loop, struct loop_idle *idle);
/** Takes it out of the queue. Harmless when it is not in it, or zeroed. */
void loop_idle_cancel(struct loop *loop, struct loop_idle *idle);
