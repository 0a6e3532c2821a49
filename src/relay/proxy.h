#pragma once

/** PROXY protocol headers toward a worker. Pure. Source: haproxy's doc/proxy-protocol.txt. */

#include <stddef.h>
#include <sys/socket.h>

enum {
	PROXY_HEADER_MAX = 256, /* v2 with unix addresses: 16 + 2 * 108; v1: 107 */
};

/**
 * Writes a header into buf.
 *
 * @version  1 or 2.
 * @client, @local  both ends of the client's connection; other than TCP over IPv4 or IPv6 they
 *           are told as UNKNOWN (v1) or as unix without paths (v2).
 * Returns: its length, at most PROXY_HEADER_MAX.
 */
size_t proxy_header(unsigned version, const struct sockaddr *client, const struct sockaddr *local,
		    unsigned char buf[PROXY_HEADER_MAX]);
