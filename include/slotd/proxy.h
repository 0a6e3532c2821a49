#pragma once

/** PROXY protocol headers that the relay and health checks send to a worker. Pure. Source:
 * haproxy's doc/proxy-protocol.txt. */

#include <stddef.h>
#include <sys/socket.h>

enum {
	PROXY_HEADER_MAX = 128, /* v2 with IPv6: 16 + 36; v1: 107 */
};

/**
 * Writes a header into buf.
 *
 * @version  1 or 2.
 * @client, @local  both ends of the client's connection; if they are not TCP over IPv4 or IPv6,
 *           the header says UNKNOWN (v1) or LOCAL (v2).
 * Returns: the length of the header, at most PROXY_HEADER_MAX.
 */
size_t proxy_header(unsigned version, const struct sockaddr *client, const struct sockaddr *local,
		    unsigned char buf[PROXY_HEADER_MAX]);
/** Writes a header without addresses, for a health check. Returns its length. */
size_t proxy_header_of_check(unsigned version, unsigned char buf[PROXY_HEADER_MAX]);
