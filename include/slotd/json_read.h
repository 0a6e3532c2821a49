#pragma once

/** JSON from text, by Jansson, also when there is no memory. */

#include <jansson.h>

/**
 * As json_loadb of Jansson, which ends the process, or calls the text wrong, when it gets no
 * memory.
 *
 * @flags  as json_loadb's.
 * @error  what is wrong with the text, and where. May be NULL.
 * @ret    the value, a new reference; NULL on error.
 *
 * Returns: 0; -EINVAL: it is no JSON; -ENOMEM: it may be.
 */
int json_read(const char *text, size_t len, size_t flags, json_error_t *error, json_t **ret);
