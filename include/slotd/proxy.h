#pragma once

/** PROXY protocol headers toward a worker: of the relay, and of checks. Pure. Source: haproxy's
 * doc/proxy-protocol.txt. */

#include <stddef.h>
#include <sys/socket.h>

enum {
	PROXY_HEADER_MAX = 128, /* v2 with IPv6: 16 + 36; v1: 107 */
};

/**
 * Writes a header into buf.
 *
 * @version  1 or 2.
 * @client, @local  both ends of the client's connection; other than TCP over IPv4 or IPv6 they
 *           are told as UNKNOWN (v1) or as LOCAL (v2).
 * Returns: its length, at most PROXY_HEADER_MAX.
 */
size_t proxy_header(unsigned version, const struct sockaddr *client, const struct sockaddr *local,
		    unsigned char buf[PROXY_HEADER_MAX]);
/** One that tells nobody's address: a check is no client. Returns its length. */
size_t proxy_header_of_check(unsigned version, unsigned char buf[PROXY_HEADER_MAX]);
