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

/** What the state file says of a service. */
struct record {
	enum slot_id live;
	usec_t since; /* wall clock; 0: unknown */
	char release[SLOT_MAX_][64];
	bool proven[SLOT_MAX_];	    /* see struct service_slot */
	usec_t frozen, rolled_back; /* see struct upkeep, as the texts */
	char freezer[64], freeze_why[128];
	char one_way[SLOT_MAX_][128];
	usec_t offline;
	char offliner[64], offline_why[128];
	struct ab_test ab;
};
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
