#pragma once

/** slotd's own log, written by slotd-log. */

#include "supervisor.h"

/** From now on log lines go to slotd-log. Lines that it cannot accept yet are held, up to a bound,
 * and then counted. */
int ownlog_init(struct supervisor *sup);
/** From now on log lines go to stderr again. */
void ownlog_done(struct supervisor *sup);
/** Tells a new slotd-log where the lines go, and sends it those that were held. */
void ownlog_refill(struct supervisor *sup);
/** The configuration (level, file) has changed. */
void ownlog_configure(struct supervisor *sup);
/** Prints bytes on slotd's stdout. They are lost if nobody reads there. */
void ownlog_print(struct supervisor *sup, const char *data, size_t len);

/** Sets the level, until a configuration is applied again. */
void ownlog_set_level(struct supervisor *sup, int priority);
