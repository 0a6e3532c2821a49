#pragma once

/** The HTML of the web page: everything that is shown is escaped here. */

#include "mirror.h"

#include <slotd/strbuf.h>

/** The table of all processes. @message  NULL: none. @now  wall clock, microseconds. */
void page_status(struct strbuf *out, const struct mirror *m, const char *message, uint64_t now);
/** The end of a log; text as XML already. name NULL: none was given. */
void page_tail(struct strbuf *out, const char *name, const char *xml, size_t len);
/** As the part of a URL. */
void page_url(struct strbuf *out, const char *text);
