#pragma once

/**
 * Steps of the wall clock: by a person, or by an NTP client at boot. Times that were noted by it
 * are moved along, so that "since" and uptimes stay true. Nothing is polled: a timer of the wall
 * clock that never ends is cancelled by a step (TFD_TIMER_CANCEL_ON_SET, timerfd_create(2)).
 */

#include <slotd/loop.h>

struct clock_watch;
/** The wall clock is by that many microseconds later (or earlier) than it would have been. */
typedef void clock_stepped_fn(struct clock_watch *w, int64_t by);

struct clock_watch {
	struct loop *loop;
	struct loop_io io;
	int fd;
	int64_t offset; /* of the wall clock from the time since boot */
	clock_stepped_fn *fn;
};

/** Steps of less are not told: NTP slews, and two clocks are not read at once. */
#define CLOCK_STEP_LEAST MSECONDS(500)

/** Where the kernel has no such timer nothing is watched, which is no error. */
void clock_watch_init(struct clock_watch *w, struct loop *loop, clock_stepped_fn *fn);
void clock_watch_done(struct clock_watch *w);
/** Compares with what was known; offset: of now. For the callback, and for tests. */
void clock_watch_look(struct clock_watch *w, int64_t offset);
/** A time noted by the wall clock, moved along with it; 0 (never) stays. */
usec_t clock_move(usec_t wall, int64_t by);
