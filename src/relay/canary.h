#pragma once

/** Which connections belong to a canary, and how its requests go. */

#include "connection.h"
#include "relay_service.h"
#include "relay_worker.h"

#include <slotd/message.h>
#include <slotd/switchboard.h>

/** Chooses the slot of a connection, which draws if it has not. */
enum slot_id canary_slot(struct conn *c, struct switch_word word);
/**
 * A client has said something on a connection without a worker: does a cookie decide where it goes,
 * and has it not sent the head of its request yet? Then nothing is read, and this is asked again
 * when more has come. To be called before the first bytes are read; overwrites the copier's buffer.
 */
bool canary_awaits_head(struct conn *c);
/** Has a connection that awaits a head more than when it was last looked at? True for others. */
bool canary_head_grew(const struct conn *c);
/** A connection that may await a head is about to be closed. */
void canary_drop_head(struct conn *c);
/** Takes the settings from MSG_RELAY_SERVICE. Returns 0, -ENOMEM, -EINVAL. */
int canary_set(struct relay_service *s, const struct message *m);
/** Forgets these settings. */
void canary_done(struct relay_service *s);
/** The worker did not take a connection. */
void answers_refused(const struct relay_worker *w);
/** The worker of c has sent something, which was followed but not counted as spoken yet. */
void answers_heard(struct conn *c);
/** The worker of c is gone, and its request goes to no other one. */
void answers_lost(const struct conn *c);
