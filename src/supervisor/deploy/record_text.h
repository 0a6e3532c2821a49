#pragma once

/** The text of the state file. */

#include "service/service.h"

struct json_t;

/**
 * Puts the services into state, and writes it out. Returns the text, to be freed, or NULL without
 * memory.
 *
 * @flipped  a service that is written as it would be after its flip; NULL: all as they are.
 */
char *record_text(struct supervisor *sup, struct json_t *state, uint32_t next_job,
		  const struct service *flipped);

struct record;
/** Takes from the service's part of the state file what people have asked for. */
void record_text_upkeep(const struct json_t *one, struct record *ret);
/**
 * Reads the state file. One that is not there is empty; one that is damaged, too, and is logged.
 *
 * @damage  size bytes: what is wrong with it; "" if nothing is.
 * Returns: 0 and *ret, which is the caller's; or -errno and diag.
 */
int record_text_read(const char *path, char *damage, size_t size, struct diag *diag,
		     struct json_t **ret);
