#pragma once

/**
 * Notices when the wall clock is set, by a person or by an NTP client at boot. Times that were
 * recorded by the wall clock are then adjusted, so that "since" and uptimes stay true. Nothing is
 * polled: setting the clock cancels a timer that never expires (TFD_TIMER_CANCEL_ON_SET,
 * timerfd_create(2)).
 */

#include <slotd/loop.h>

struct clock_watch;
/** The wall clock was set forward (or back) by that many microseconds. */
typedef void clock_stepped_fn(struct clock_watch *w, int64_t by);
/** The wall clock was set, maybe by next to nothing, or the machine has slept. */
typedef void clock_touched_fn(struct clock_watch *w);

struct clock_watch {
	struct loop *loop;
	struct loop_io io;
	int fd;
	int64_t offset; /* wall clock minus time since boot, microseconds */
	clock_stepped_fn *fn;
	clock_touched_fn *touched; /* called after fn; NULL: nobody wants to know */
};

/** Smaller steps are not reported: NTP slews, and two clocks cannot be read at the same moment. */
#define CLOCK_STEP_LEAST MSECONDS(500)

/** Starts watching. It is no error if the kernel has no such timer; then nothing is noticed. */
void clock_watch_init(struct clock_watch *w, struct loop *loop, clock_stepped_fn *fn);
void clock_watch_done(struct clock_watch *w);
/** Compares the present offset with the one known so far. For the callback, and for tests. */
void clock_watch_look(struct clock_watch *w, int64_t offset);
/** Returns a time of the wall clock, adjusted by a step; 0 (never) stays 0. */
usec_t clock_move(usec_t wall, int64_t by);
