#pragma once

/** A reload under way: shared by reload.c (the steps) and reload_groups.c (what they change). */

#include "supervisor.h"

#include <slotd/strbuf.h>

/* Groups come from few configurations, mostly one: each is compared once. */
struct known_diff {
	const struct config *from;
	struct config_diff diff;
};

struct reload {
	struct supervisor *sup;
	bool busy, cancelled;
	bool again; /* another signal came meanwhile */
	enum reload_kind kind;
	uint32_t request;
	bool force;
	struct config *next;
	struct child child;
	struct strbuf answers; /* to config_ask, so far */
	struct loop_idle idle;
	VEC(struct config *) old;     /* that something may still point into */
	VEC(struct known_diff) diffs; /* of this reload */
};

/* What a reload reports; the numbers are the answer items' codes. */
enum reload_item {
	RELOAD_ITEM_ADDED,
	RELOAD_ITEM_CHANGED,
	RELOAD_ITEM_REMOVED,
	RELOAD_ITEM_RESTARTED,
	RELOAD_ITEM_MESSAGE,
	RELOAD_ITEM_SERVICE_ADDED, /* NAME, here and below */
	RELOAD_ITEM_SERVICE_CHANGED,
	RELOAD_ITEM_SERVICE_REMOVED,
};

/** One item of the answer; group, name and text may be NULL. */
void reload_item(struct reload *r, enum reload_item kind, const char *group, const char *name,
		 const char *text);

/**
 * Reports which groups differ, and makes the diffs that reload_apply_groups needs.
 *
 * Returns: 0 or -ENOMEM.
 */
int reload_report_groups(struct reload *r);
/** Takes r->next over, after reload_report_groups: nothing but memory for new ones can fail. */
void reload_apply_groups(struct reload *r);
void reload_forget_diffs(struct reload *r);
