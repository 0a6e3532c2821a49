#pragma once

/**
 * Connections as they are now: the relays' own pages, mapped read-only, summed when asked. slotd
 * tells of states; numbers that change with every connection would wake everybody.
 */

#include "mirror.h"

enum {
	COUNTS_PAGES = 64,
};

struct counts {
	const struct relay_page *pages[COUNTS_PAGES]; /* by relay */
};

struct slot_counts {
	int64_t queued, active, idle;
};

/** MSG_STATE_COUNTS: takes its descriptor. 0 or -errno. */
int counts_apply(struct counts *c, struct message *m);
void counts_done(struct counts *c);
void counts_sum(const struct counts *c, const struct mirror *m, const struct mirror_service *s,
		enum slot_id slot, struct slot_counts *ret);
