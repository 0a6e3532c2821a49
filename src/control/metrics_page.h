#pragma once

/**
 * The page of metrics, in pieces, so that neither its size nor its making grows with the number of
 * workers. The mirror may change between two pieces: each sample is of the moment in which its
 * piece is made, and no sample appears twice. metrics_table.c has a row for each metric.
 */

#include "counts.h"
#include "jobs.h"
#include "mirror.h"
#include "readers.h"

#include <slotd/strbuf.h>

#include <stdbool.h>

/** What a page is made of, and for whom. Keeps what it points at. */
struct metrics_source {
	const struct mirror *mirror;
	struct counts *counts;
	const struct jobs *jobs;
	const struct access *access;
	const struct peer *peer; /* services that it may not read are left out */
	bool alive;		 /* slotd itself */
};

/** How far it is made. Starts zeroed. */
struct metrics_place {
	size_t metric;
	bool begun;	    /* its first lines are made */
	char *group, *name; /* the last process; NULL: none yet */
};
void metrics_place_done(struct metrics_place *at);

/**
 * Appends the next piece, which may be empty.
 *
 * Returns: 1; 0 at the end; -ENOMEM or -E2BIG.
 */
int metrics_next(const struct metrics_source *from, struct metrics_place *at, struct strbuf *out);
