#pragma once

/** A worker, as every file here reads it; workers.h finds, makes and frees it. */

#include "connection.h"
#include "place.h"

#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/log.h>

enum {
	ONE_SHOTS = 4, /* so many in a row let us expect it of the next */
};

struct relay_worker {
	struct place_worker place; /* its key is the index in the ledger */
	struct relay_service *service;
	enum slot_id slot;
	struct address address;
	char *name; /* NULL: none was given */
	struct conn_list open[CONN_OPEN_CLASSES];
	/* Half closed: where the look at those of before halves_until goes on; NULL: it is over. */
	struct conn *next_half;
	usec_t halves_until;
	unsigned n_conns;   /* queued and open */
	uint8_t one_shots;  /* connections in a row that it ended after one answer */
	unsigned n_unheard; /* connections on which it was sent something, and has not answered */
	unsigned n_unread;  /* connections on which it was not seen to read the request */
	usec_t heard_at;    /* when it last sent anything, or was first sent something after that */
	bool gone;	    /* not in the table any more; kept until its last connection ends */
	bool in_use;	    /* and not freed while this is set */
	uint32_t drain_id;  /* of a drain of this worker alone, until it has no connection; or 0 */
	int8_t reach;	    /* of its unix socket, as slotd knows: -1 denied, 1 open, 0 not told */
	struct log_once refused, pinned, stalled;
};

static inline struct relay_worker *worker_of(struct place_worker *p)
{
	return container_of(p, struct relay_worker, place);
}
static inline struct conn_list *worker_list(struct relay_worker *w, enum conn_class class)
{
	return &w->open[class - CONN_SILENT];
}
