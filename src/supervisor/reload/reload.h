#pragma once

/** Reread and reload. */

#include "worker/process.h"

#include <slotd/child.h>
#include <slotd/plan.h>
#include <slotd/reload_item.h>
#include <slotd/strbuf.h>

enum reload_kind {
	RELOAD_REREAD,	/* as in Supervisor: only make the new configuration available */
	RELOAD_APPLY,	/* all or nothing; restart what has changed */
	RELOAD_RESTART, /* only check it; then slotd stops everything and starts again */
};

/* Groups come from few configurations, mostly one; each of these is compared once. */
struct known_diff {
	const struct config *from;
	struct config_diff diff;
};

struct reload {
	struct supervisor *sup;
	bool busy, cancelled;
	bool again; /* another signal has arrived in the meantime */
	enum reload_kind kind;
	uint32_t request;
	bool force;
	struct config *next;
	struct child child;
	struct strbuf answers; /* of config_ask, received so far */
	struct loop_idle idle;
	VEC(struct config *) old;     /* configurations to which something may still point */
	VEC(struct known_diff) diffs; /* of this reload */
};

/** Adds an item to the answer; group, name and text may be NULL. */
void reload_item(struct reload *r, enum reload_item kind, const char *group, const char *name,
		 const char *text);

int reload_init(struct supervisor *sup);
/**
 * Reads the configuration again and resolves it in a child, then does what kind says and answers
 * request (0 after a signal: there is nobody to answer).
 */
void reload_begin(struct supervisor *sup, enum reload_kind kind, uint32_t request, bool force);
/** Frees configurations and processes that nothing needs any more. */
void reload_sweep(struct supervisor *sup);
/** As an observer of workers: the reload may have waited for the end of p. */
void reload_process_entered(struct process *p, const struct plan_action *a);
/** slotd ends: gives up a reload that is being resolved. */
void reload_cancel(struct supervisor *sup);
void reload_done(struct supervisor *sup);
/** Writes the warnings and errors of a configuration to slotd's log. */
void reload_log_messages(const struct config *config);
