#pragma once

/**
 * Socket addresses as people write them, also with host names. Once names are resolved, the text is
 * one that <slotd/address.h> reads.
 */

#include <slotd/diag.h>

#include <stdbool.h>

#include "arena.h"

/** The parts of a canonical text; path is borrowed from it. */
struct endpoint {
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
int endpoint_parse(const char *text, struct arena *memory, char **ret, struct diag *diag);

/** Takes a canonical text apart. */
void endpoint_split(const char *canonical, struct endpoint *ret);

/** Is the address numeric, so that no name has to be looked up? */
bool endpoint_is_numeric(const struct endpoint *a);
/** Is it 0.0.0.0 or ::? */
bool endpoint_is_wildcard(const struct endpoint *a);
/** Can only this machine reach it? A name other than localhost may be any address. */
bool endpoint_is_loopback(const struct endpoint *a);
