#pragma once

/** A socket to a worker. */

#include "relay_worker.h"

struct relay;

/**
 * Makes a socket that connects to the worker. It may not be connected yet; a write shows that.
 *
 * Errors: -EMFILE, -ENFILE, -ENOBUFS, -ENOMEM are this relay's; all others are the worker's.
 */
int connect_worker(struct relay *relay, struct relay_worker *w, int *ret_fd);
/**
 * slotd has told of a worker: connections of this relay do not use its port as their local port,
 * whether it is up or not, and slotd is told again whether its unix socket is accessible.
 */
void connect_told(struct relay *relay, struct relay_worker *w);
