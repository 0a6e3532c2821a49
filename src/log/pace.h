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

/** Prepares pace. take is called to empty a stream's pipe, wholly or in part; it may free the
 * stream.
 */
void pace_init(struct pace *pace, struct loop *loop, void (*take)(struct stream *));
/** Cancels what is queued in the loop. */
void pace_done(struct pace *pace);
/** Something is in the pipe of s: takes it, in this turn or in the next one. s may be freed. */
void pace_take(struct stream *s);
/** Starts the clock of this turn, if it does not run yet. */
void pace_begin(struct pace *pace);
/** Has this turn lasted for PACE_TURN_MAX? */
bool pace_over(const struct pace *pace);
/** Takes s out of the list of streams that flow. Harmless if it is not in it. */
void pace_leave(struct stream *s);
/** Enlarges the pipe of s, once. The pipe stays as it is where the limit of its user is reached
 * (pipe-user-pages-soft of pipe(7)). */
void pace_widen(struct stream *s);
