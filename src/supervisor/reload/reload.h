#pragma once

/** Reread and reload: the steps of a reload, and the one under way. */

#include "worker/process.h"

#include <slotd/child.h>
#include <slotd/plan.h>
#include <slotd/reload_item.h>
#include <slotd/strbuf.h>

enum reload_kind {
	RELOAD_REREAD,	/* Supervisor's: only make it available */
	RELOAD_APPLY,	/* all or nothing; restart what changed */
	RELOAD_RESTART, /* only check it; then slotd stops everything and starts anew */
};

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

/** One item of the answer; group, name and text may be NULL. */
void reload_item(struct reload *r, enum reload_item kind, const char *group, const char *name,
		 const char *text);

/**
 * Reads the configuration again, resolves it in a child, then does what kind says and answers
 * request (0: nobody asked; a signal).
 */
void reload_begin(struct supervisor *sup, enum reload_kind kind, uint32_t request, bool force);
/** Frees configurations and processes that nothing needs any more. */
void reload_sweep(struct supervisor *sup);
/** As a worker's observer: one that it waits for has ended, maybe. */
void reload_process_entered(struct process *p, const struct plan_action *a);
/** slotd ends: a reload that is being resolved is given up. */
void reload_cancel(struct supervisor *sup);
void reload_done(struct supervisor *sup);
/** Warnings and errors to slotd's log. */
void reload_log_messages(const struct config *config);
