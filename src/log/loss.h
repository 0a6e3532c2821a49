#pragma once

/**
 * Output that a target did not take: said once for the file, counted for the stream, and told to
 * slotd in totals, at most one message a second and stream.
 */

#include "logger.h"

/** The stream's file failed; says so if it worked until now, and pauses it. */
void loss_begins(struct stream *s, int error);
/** It took something; says so, with what was lost meanwhile, if it had failed. */
void loss_ends(struct stream *s);
/** Counts. */
void loss_add(struct stream *s, const struct chunk_loss *loss);
/** LOG_LOST, if there is something new. */
void loss_send(struct stream *s);
/** The streams' timer is armed, if it is not. */
void loss_arm(struct logger *lg);
