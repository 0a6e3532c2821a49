#pragma once

/** What slotd and a relay share: the page of counts that it writes, and the pool of them all. */

#include "link/helpers.h"

#include <slotd/switchboard.h>

/** What slotd holds for one relay, over its restarts: helper.data. */
struct relay_link {
	int page_fd;
	struct relay_page *page;
	bool counts_answers;	   /* it has room for that: an older slotd's has not */
	struct log_once uncounted; /* slotd-control could not be given the page */
	unsigned place;		   /* retiring: the index of the one that has its place */
	bool told;		   /* retiring: it accepts no more */
};

/** Made with the first relay. */
struct relays {
	struct relay_pool *pool;
	int pool_fd;
};

/** NULL: it has none yet, or none any more. */
static inline struct relay_link *relay_link_of(const struct helper *h)
{
	return h->data;
}

/** A read-only descriptor of a memfd, which whoever gets it cannot reopen for writing; or -errno.
 */
int relay_memory_open(int fd);
/** Makes its page, or takes the one that a former slotd has left. Returns 0 or -errno. */
int relay_page_make(struct helper *h);
/** Gives its page to slotd-keep, under its index, and to slotd-control. */
void relay_page_tell(struct helper *h);
/** Frees its page; drop: slotd-keep shall forget it, too. */
void relay_page_free(struct helper *h);
void relay_page_drop(struct helper *h);
/** Makes sup->relays, or takes what a former slotd has left. Returns 0 or -errno. */
int relay_pool_make(struct supervisor *sup);
void relay_pool_free(struct supervisor *sup);
/** Gives slotd-control the relays' pages of counts. */
void relays_publish(struct supervisor *sup, struct helper *control);
