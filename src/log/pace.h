#pragma once

/**
 * How much a worker's pipe holds, how often what it holds is taken, and how long one turn may take.
 *
 * A program that writes line by line would wake slotd-log with each line, and pay for the waking.
 * So while output flows the loop rests a little before it looks again, as long as a good part of a
 * pipe takes to fill, a millisecond at most (rest.c). A stream that flows for some turns is taken
 * out of the loop's set, because each write would pay for that, too (a sixth of its time), and is
 * looked at in each turn until its pipe is found empty. What comes after a pause is taken at once,
 * and nothing runs while nothing comes.
 *
 * A turn ends after PACE_TURN_MAX for the streams that flow and as much for the rest, however much
 * has come: the streams that were not reached are the first of the next turn. Messages from slotd
 * wait no longer than that.
 */

#include <slotd/loop.h>

struct pace;
struct stream;

#define PACE_TURN_MAX MSECONDS(20)

/** Prepares it; take empties a stream's pipe, or begins to, and may free the stream. */
void pace_init(struct pace *pace, struct loop *loop, void (*take)(struct stream *));
void pace_done(struct pace *pace);
/** The loop says that something is in the pipe of s: takes it, now or in the next turn. */
void pace_take(struct stream *s);
/** Work on pipes begins: the time of this turn runs, if it does not yet. */
void pace_begin(struct pace *pace);
/** Has this turn lasted long enough? */
bool pace_over(const struct pace *pace);
/** s is not looked at any more because it flows. Harmless if it does not. */
void pace_leave(struct stream *s);
/** Enlarges its pipe, once; refused where a user's pipes are limited: then it stays narrow. */
void pace_widen(struct stream *s);
