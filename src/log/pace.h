#pragma once

/**
 * How much a worker's pipe holds, and how often what it holds is taken.
 *
 * A program that writes line by line would wake slotd-log with each line, and pay for the waking.
 * So while output flows the loop rests a little before it looks again, as long as a good part of a
 * pipe takes to fill, a millisecond at most (rest.c). What comes after a pause is taken at once,
 * and nothing runs while nothing comes.
 */

#include <slotd/loop.h>

struct pace;
struct stream;

void pace_init(struct pace *pace, struct loop *loop);
void pace_done(struct pace *pace);
/** Something is in the pipe of s, and is to be taken now. */
void pace_look(struct stream *s);
/** Enlarges its pipe, once; refused where a user's pipes are limited: then it stays narrow. */
void pace_widen(struct stream *s);
