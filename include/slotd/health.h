#pragma once

/** What must hold before a flip: the health of workers, and how many must have it (core/health.c).
 */

#include <slotd/usec.h>

#include <stdbool.h>

enum {
	GATE_WORKERS_MAX = 1024,
};

struct gate_policy {
	unsigned total;	     /* workers of the slot that have an address */
	unsigned min_ready;  /* of these; see gate_min_ready; 0: nothing to wait for */
	unsigned rise, fall; /* consecutive results that make healthy / unhealthy */
	usec_t interval;     /* between checks of one worker */
};

/**
 * One worker's health, judged from probe results. rise and fall are decided here, not in probe.
 * Plain data: it lies in the ledger as it is, so fields are only ever appended.
 */
struct health {
	unsigned good, bad; /* in a row */
	bool healthy;
	usec_t next; /* when to check again */
};

/** Feeds one result. Returns true when healthy changed. A probe without answer is no result. */
bool health_result(struct health *h, const struct gate_policy *p, bool ok, usec_t now);
/** The worker (re)started: forget what was known. */
void health_reset(struct health *h, usec_t now);

/** "all", "3" or "60%" of total -> number; -EINVAL. At least 1 when total is. */
int gate_min_ready(const char *text, unsigned total);

/** How a slot stands before the gate. */
struct gate_count {
	unsigned ready; /* RUNNING and healthy */
	unsigned lost;	/* FATAL or stopped: not ready by themselves any more */
};

enum gate_verdict {
	GATE_WAIT,
	GATE_PASSED,
	GATE_HOPELESS, /* min_ready cannot be reached */
	GATE_VERDICT_MAX_,
	GATE_VERDICT_INVALID_ = -22,
};
/** Passed with min_ready; hopeless when too many are lost for that. */
enum gate_verdict gate_judge(const struct gate_policy *p, const struct gate_count *count);
