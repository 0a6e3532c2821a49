#pragma once

/** Socket addresses as text. */

#include <slotd/diag.h>

#include <stdbool.h>

#include "arena.h"

/** The canonical text taken apart; host and path borrow from it. */
struct address {
	bool unix_socket;
	const char *path;
	char host[256]; /* without brackets */
	unsigned port;
};

/**
 * Makes the canonical text: "127.0.0.1:8000", "[::]:8000", "name:8000", "unix:/path". "8000",
 * ":8000" and "*:8000" are "0.0.0.0:8000".
 *
 * Returns: 0, -EINVAL with diag, or -ENOMEM.
 */
int address_parse(const char *text, struct arena *memory, char **ret, struct diag *diag);

/** Takes a canonical text apart. */
void address_split(const char *canonical, struct address *ret);

/** Is the host a numeric address, so that nothing needs to be looked up? */
bool address_is_numeric(const struct address *a);
/** 0.0.0.0 or ::. */
bool address_is_wildcard(const struct address *a);
