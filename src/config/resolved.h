#pragma once

/** What config_resolve has found, as text, which a child passes to slotd. */

#include <slotd/config.h>
#include <slotd/strbuf.h>

/** Appends it to out. Returns 0, -ENOMEM or -E2BIG. */
int resolved_write(const struct config *c, struct strbuf *out);

/**
 * Fills in a configuration that was loaded from the same text.
 *
 * Returns: 0; -EINVAL if the child has found errors (see messages); -EBADMSG with diag if the text
 * is not from resolved_write; -ENOMEM. After an error the configuration cannot be used.
 */
int resolved_read(struct config *c, const char *text, size_t len, struct diag *diag);
