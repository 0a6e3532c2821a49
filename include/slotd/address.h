#pragma once

/**
 * Socket addresses as slotd writes them: "127.0.0.1:8000", "[::1]:8000", "unix:/run/x.sock".
 * They are numeric only: a child resolves host names when the configuration is (re)loaded.
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
 * Reads an address.
 *
 * Returns: 0; -EINVAL if text has none of the three forms; -ERANGE for a port outside 0..65535;
 *          -ENAMETOOLONG for a unix path beyond 107 bytes.
 */
int address_parse(const char *text, struct address *ret);

/** Returns the path in the text of a unix address, borrowed from it; NULL for any other text. */
const char *address_text_path(const char *text);

/** Writes the address into buf in canonical form, "?" for an unknown family. Returns buf. */
const char *address_format(const struct address *a, char *buf, size_t size);

/** Returns AF_INET, AF_INET6 or AF_UNIX. */
int address_family(const struct address *a);
bool address_is_unix(const struct address *a);
/** Returns the port of a TCP address, 0 for others. */
unsigned address_port(const struct address *a);
/** Returns the path of a unix address, NULL for others. The path is borrowed from a. */
const char *address_path(const struct address *a);
