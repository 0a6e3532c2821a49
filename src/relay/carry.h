#pragma once

/** An open connection: bytes, ends and resets both ways. */

#include "connection.h"

/** One end of an open connection can be read or written. May end the connection. */
void conn_carry(struct conn *c, enum conn_end end, unsigned events);
/** Callback of copier.heard. */
uint64_t conn_heard(struct side *from, const unsigned char *data, size_t len);
/** Its worker has not read its request, for which exchange_may_retry holds: it goes to another. */
void conn_take_back(struct conn *c);
/** Returns the class of an open connection, by what was sent on it. */
enum conn_class conn_judge(struct conn *c);
