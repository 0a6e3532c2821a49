#pragma once

/**
 * Output that could not be written: reported once for the file, counted for the stream, and sent to
 * slotd as totals, at most one message a second for each stream.
 */

#include "logger.h"

/** The stream's file has failed with error (negative errno): nothing is written to it for
 * FILE_PAUSE_US. Reported if it has worked until now. */
void loss_begins(struct stream *s, int error);
/** The stream's file has taken bytes. If it had failed, this is reported with what was lost. */
void loss_ends(struct stream *s);
/** Adds a loss to the stream's totals, and arms the timer. */
void loss_add(struct stream *s, const struct chunk_loss *loss);
/** Sends the totals as MSG_LOG_LOST, if they have changed since they were sent last. */
void loss_send(struct stream *s);
/** Arms the timer of the streams, if it is not armed. */
void loss_arm(struct logger *lg);
