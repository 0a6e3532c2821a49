#pragma once

/** What must hold before a flip: how many workers must be healthy (core/health.c). */

#include <slotd/usec.h>

#include <stdbool.h>

enum {
	GATE_WORKERS_MAX = 1024,
};

struct gate_policy {
	unsigned total;	     /* workers of the slot that have an address */
	unsigned min_ready;  /* how many of these must be ready; 0: nothing to wait for */
	unsigned rise, fall; /* consecutive results after which a worker is healthy / unhealthy */
	usec_t interval;     /* between checks of one worker */
};

/**
 * One worker's health, by the results of its checks; rise and fall are counted here, not in
 * slotd-probe. This is plain data that lies in the ledger as it is, so fields are only ever
 * appended.
 */
struct health {
	unsigned good, bad; /* in a row */
	bool healthy;
	usec_t next; /* when to check again */
};

/** Counts a result. Returns true if healthy changed. A check that slotd-probe did not answer is no
 * result. */
bool health_result(struct health *h, const struct gate_policy *p, bool ok, usec_t now);
/** The worker was (re)started: forgets its results. */
void health_reset(struct health *h, usec_t now);

/** Returns the number that "all", "3" or "60%" means for total workers, at least 1 unless total is
 * 0; or -EINVAL. */
int gate_min_ready(const char *text, unsigned total);

/** The workers of a slot before the gate. */
struct gate_count {
	unsigned ready; /* RUNNING and healthy */
	unsigned lost;	/* FATAL or stopped: they will not become ready by themselves */
};

enum gate_verdict {
	GATE_WAIT,
	GATE_PASSED,
	GATE_HOPELESS, /* min_ready cannot be reached */
	GATE_VERDICT_MAX_,
	GATE_VERDICT_INVALID_ = -22,
};
/** The gate is passed if min_ready workers are ready, and hopeless if too many are lost for that.
 */
enum gate_verdict gate_judge(const struct gate_policy *p, const struct gate_count *count);
