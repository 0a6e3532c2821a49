#pragma once

/** What every helper process says to slotd in the same way. */

#include <slotd/channel.h>
#include <slotd/log.h>

/** Its first word, once it is set up and sandboxed: MSG_READY. 0 or -errno. */
int helper_ready(struct channel *ch);

/** For a channel's ops: reports how many of slotd's messages were refused. */
void helper_refused(struct channel *ch);

/**
 * A log sink: lines go to slotd, which has the log, as MSG_REPORT; to stderr when they cannot.
 *
 * @data  the struct channel; kept until the sink is changed.
 */
log_sink_fn helper_report;
