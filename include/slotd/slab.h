#pragma once

/**
 * Objects of one size that are slotd's alone: their memory is left out of its children
 * (MADV_DONTFORK). A fork does not copy its page tables, and writing to it afterwards copies no
 * page. A child must not touch them.
 *
 *	struct slab workers = {.size = sizeof(struct worker)};
 */

#include <stddef.h>

struct slab {
	size_t size;
	void *free, *blocks; /* lists through the first word */
};

/** Zeroed; NULL without memory. */
void *slab_get(struct slab *slab);
/** For a later slab_get; the memory stays the slab's. */
void slab_put(struct slab *slab, void *object);
/** All objects are gone with it. */
void slab_done(struct slab *slab);
