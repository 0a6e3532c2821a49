#pragma once

/** slotd's own log, written by slotd-log. */

#include "supervisor.h"

/** From now on log_line goes to slotd-log; lines it cannot take yet are kept, then counted. */
int ownlog_init(struct supervisor *sup);
/** Lines go to stderr again. */
void ownlog_done(struct supervisor *sup);
/** Tells a slotd-log where the lines go, and gives it those that waited. */
void ownlog_refill(struct supervisor *sup);
/** The configuration (level, file) changed. */
void ownlog_configure(struct supervisor *sup);
/** Bytes for slotd's stdout. They are lost when nobody reads there. */
void ownlog_print(struct supervisor *sup, const char *data, size_t len);

/** A level for now, until the configuration is applied again. */
void ownlog_set_level(struct supervisor *sup, int priority);
