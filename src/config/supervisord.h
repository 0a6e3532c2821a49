#pragma once

/** [supervisord], [slotd] and the servers. */

#include "loader.h"

/** Reads [supervisord] and [slotd]. */
int load_supervisord(struct loader *l);
/** Reads [unix_http_server] and [inet_http_server]. */
int load_servers(struct loader *l);
