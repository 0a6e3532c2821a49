#pragma once

/**
 * Which share of the connections of a service a canary gets, and which clients: what slotd, its
 * relays and slotctl have in common.
 */

#include <slotd/diag.h>
#include <slotd/usec.h>

#include <stdbool.h>
#include <stdint.h>

/** What decides whether a connection belongs to the canary. */
enum canary_by {
	CANARY_BY_CONNECTION, /* each by itself, evenly spread */
	CANARY_BY_SOURCE,     /* the client's address: it stays on one side */
	CANARY_BY_COOKIE,     /* a cookie of its first request: a, b, or a text that is hashed */
	CANARY_BY_MAX_,
	CANARY_BY_INVALID_ = -22,
};

enum {
	CANARY_STEPS_MAX = 8,
	SHARE_TEXT_MAX = 16,
	COOKIE_NAME_MAX = 128,
};

/**
 * Reads a share: "10%", "2.5%" or "10".
 *
 * Returns: 0 with *ret in parts of PLACEMENT_WHOLE; -EINVAL with diag.
 */
int share_parse(const char *text, uint16_t *ret, struct diag *diag);
/** Writes "10%", "2.5%". Returns buf. */
const char *share_format(uint16_t share, char buf[SHARE_TEXT_MAX]);

/** A canary that nobody has promoted or given up for so long is pointed out. */
#define CANARY_OLD SECONDS(86400)

/** For how long a canary gets which share of the connections. */
struct canary_step {
	uint16_t weight; /* of PLACEMENT_WHOLE */
	usec_t time;
};

/**
 * Reads the steps of a canary: "5%:60s, 25%:5m".
 *
 * Returns: their number, 0 for an empty text; -EINVAL with diag.
 */
int canary_steps_parse(const char *text, struct canary_step ret[CANARY_STEPS_MAX],
		       struct diag *diag);

/** May this be the name of a cookie (RFC 6265, 4.1.1)? */
bool cookie_name_ok(const char *name);
