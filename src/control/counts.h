#pragma once

/**
 * Present numbers of connections: the relays' pages, mapped read-only, are added up when somebody
 * asks. slotd does not send them, because they change with every connection.
 */

#include "mirror.h"

enum {
	COUNTS_PAGES = 64,
};

struct counts {
	const struct relay_page *pages[COUNTS_PAGES]; /* by relay */
};

struct slot_counts {
	int64_t queued, silent;
	int64_t active;	 /* in a request */
	int64_t idle;	 /* between requests */
	int64_t pinned;	 /* not followed */
	int64_t retried; /* requests, since the relays started */
};

/** Handles MSG_STATE_COUNTS, and takes its descriptor. Returns 0 or -errno. */
int counts_apply(struct counts *c, struct message *m);
void counts_done(struct counts *c);
/** Returns the number of requests that this worker did not answer and another one got. */
int64_t counts_retried(const struct counts *c, int64_t worker);
void counts_sum(const struct counts *c, const struct mirror *m, const struct mirror_service *s,
		enum slot_id slot, struct slot_counts *ret);
