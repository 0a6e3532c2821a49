#pragma once

/** What config_resolve found, as text to hand from the child that looked it up to slotd. */

#include <slotd/config.h>
#include <slotd/strbuf.h>

/** Appends it. 0, -ENOMEM or -E2BIG. */
int resolved_write(const struct config *c, struct strbuf *out);

/**
 * Fills in a configuration that was loaded from the same text.
 *
 * Returns: 0; -EINVAL when the child found errors (see messages); -EBADMSG with diag when the text
 *          is none of resolved_write's; -ENOMEM. Not 0: the configuration is of no use.
 */
int resolved_read(struct config *c, const char *text, size_t len, struct diag *diag);
