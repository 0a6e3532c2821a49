#pragma once

/**
 * Present numbers of connections: the relays' pages, mapped read-only, are added up when somebody
 * asks. slotd does not send them, because they change with every connection.
 */

#include "mirror.h"

#include <sys/types.h>

enum {
	COUNTS_PAGES = 64,
};

/** What the relays count of a worker, and what never gets less. */
enum count_total {
	TOTAL_CONNECTIONS, /* that it took */
	TOTAL_FAILED,	   /* of these: ended without a byte from it */
	TOTAL_REFUSED,	   /* connections that it did not take */
	TOTAL_ANSWERED,	   /* requests; of what is not followed, connections */
	TOTAL_ERRORS,	   /* of the answered: with a status of 500 or more */
	TOTAL_LOST,	   /* requests that it did not answer, and nobody else */
	TOTAL_RETRIED,	   /* requests that it did not answer, and another one got */
	TOTAL_BYTES_IN,
	TOTAL_BYTES_OUT,
	TOTAL_MAX_,
};

/** The numbers of a relay that has died are gone from the sum; here they stay in it. */
struct count_carried {
	uint64_t last; /* sum of the pages when somebody asked */
	uint64_t lost; /* by how much it has fallen since the first time */
};

struct counts {
	const struct relay_page *pages[COUNTS_PAGES]; /* by relay */
	ino_t inodes[COUNTS_PAGES];
	bool answers[COUNTS_PAGES];		     /* is there room for them in the page? */
	struct count_carried (*workers)[TOTAL_MAX_]; /* by ledger index; NULL: nobody has asked */
	struct count_carried accepted[SWITCHBOARD_SERVICES];
};

struct slot_counts {
	int64_t queued, silent;
	int64_t active;	 /* in a request */
	int64_t idle;	 /* between requests */
	int64_t pinned;	 /* not followed */
	int64_t retried; /* requests, since the relays started */
};

/** Connections of a service that no worker has. */
struct service_counts {
	int64_t waiting;
	int64_t held; /* of these, until a worker can take them */
};

/** Handles MSG_STATE_COUNTS, and takes its descriptor. Returns 0 or -errno. */
int counts_apply(struct counts *c, struct message *m);
void counts_done(struct counts *c);
/** Returns the number of requests that this worker did not answer and another one got. */
int64_t counts_retried(const struct counts *c, int64_t worker);
/** Present numbers of one worker. */
void counts_worker(const struct counts *c, uint64_t worker, struct slot_counts *ret);
/**
 * A total of one worker, which does not get less while this slotd-control lives, also when a relay
 * ends. Out of memory: it may.
 */
uint64_t counts_total(struct counts *c, uint64_t worker, enum count_total total);
/** Connections that a service has accepted; likewise. */
uint64_t counts_accepted(struct counts *c, uint64_t service);
void counts_service(const struct counts *c, uint64_t service, struct service_counts *ret);
void counts_sum(const struct counts *c, const struct mirror *m, const struct mirror_service *s,
		enum slot_id slot, struct slot_counts *ret);
