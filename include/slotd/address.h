#pragma once

/**
 * Socket addresses as slotd writes them: "127.0.0.1:8000", "[::1]:8000", "unix:/run/x.sock".
 * Numeric only: names are resolved at (re)load by a child and never reach this.
 */

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

enum {
	ADDRESS_TEXT_MAX = sizeof("unix:") + sizeof(((struct sockaddr_un *)0)->sun_path),
};

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
};

/**
 * Text to address.
 *
 * Returns: 0; -EINVAL when it is none of the three forms; -ERANGE for a port outside 0..65535;
 *          -ENAMETOOLONG for a unix path beyond 107 bytes.
 */
int address_parse(const char *text, struct address *ret);

/** Address to text in canonical form. Returns buf; "?" for a family it does not know. */
const char *address_format(const struct address *a, char *buf, size_t size);

/** AF_INET, AF_INET6 or AF_UNIX. */
int address_family(const struct address *a);
bool address_is_unix(const struct address *a);
/** The port of a TCP address, 0 for others. */
unsigned address_port(const struct address *a);
/** Path of a unix address, NULL for others. Borrowed from a. */
const char *address_path(const struct address *a);
