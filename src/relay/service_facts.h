#pragma once

/** What is known of a service: its word, and what follows from that. */

#include "relay_service.h"
#include "relay_worker.h"

#include <slotd/switchboard.h>

/** Returns its word in the switchboard; of a preview, what that means for the other slot. */
struct switch_word service_word(const struct relay_service *s);
/** Does the word say that it is offline? */
bool service_is_offline(const struct relay_service *s);
/** Has it held for hold_timeout? Then clients are accepted and closed. */
bool service_gave_up(const struct relay_service *s);
/** Are requests answered here, without a worker: because the service is offline, because nobody has
 * come for hold_timeout, or because the idle slot that is previewed has no worker? */
bool service_answers(const struct relay_service *s);
/** May this service accept now? */
bool service_accepting(const struct relay_service *s);
/** Should connections between requests leave this worker? */
bool worker_is_left(const struct relay_worker *w);
/** Workers, the word, limits or descriptors have changed: acts on that at the end of this turn. */
void service_settle_soon(struct relay_service *s);
