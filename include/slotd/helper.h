#pragma once

/** What every helper process tells slotd in the same way. */

#include <slotd/channel.h>
#include <slotd/log.h>

/** Sends MSG_READY, once the helper is set up and sandboxed. Returns 0 or -errno. */
int helper_ready(struct channel *ch);

/** For a channel's ops: reports how many of slotd's messages were refused. */
void helper_refused(struct channel *ch);

/**
 * A log sink that sends lines to slotd, which writes the log, as MSG_REPORT; if that is impossible,
 * they go to stderr.
 *
 * @data  the struct channel; kept until the sink is changed.
 */
log_sink_fn helper_report;
