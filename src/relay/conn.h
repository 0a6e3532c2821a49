#pragma once

/** The beginning of a connection, and what happens on it. */

#include "relay_service.h"

/** A client was accepted from an address. Takes fd, borrows from. */
void conn_start(struct relay_service *s, int fd, const struct sockaddr *from);
/**
 * Passes on what a side has said that lies unread because this relay was busy or held up. To be
 * called before a connection is ended for its silence: its time alone does not show that.
 *
 * Returns:  whether there was anything; then the connection may have moved or ended.
 */
bool conn_hear(struct conn *c);
