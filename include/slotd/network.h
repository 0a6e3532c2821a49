#pragma once

/** Networks of IP addresses: "10.0.0.0/8", "2001:db8::/32". */

#include <slotd/diag.h>

#include <stdbool.h>
#include <sys/socket.h>

enum {
	NETWORKS_MAX = 64, /* of a service */
};

/** A network of IP addresses. */
struct network {
	int family; /* AF_INET, AF_INET6 */
	unsigned bits;
	unsigned char address[16];
};

/** Reads "10.0.0.0/8", "2001:db8::/32", or a single address. Returns 0 or -EINVAL with diag. */
int network_parse(const char *text, struct network *ret, struct diag *diag);
/** Is this address in it? An address of another family is not. */
bool network_has(const struct network *n, const struct sockaddr *address);
