#pragma once

/**
 * What must hold before a flip: how many workers must be healthy. And afterwards: which worker gets
 * no new connections, and which one is restarted (core/health.c).
 *
 * With health=notify a worker is not checked, but says itself how it is, in datagrams as of
 * sd_notify(3), which struct sd_message holds (core/sd_message.c).
 */

#include <slotd/usec.h>

#include <stdbool.h>
#include <stddef.h>

enum {
	GATE_WORKERS_MAX = 1024,
	SD_STATUS_MAX = 128, /* bytes of STATUS= that are kept, NUL included */
	HEALTH_BACKOFF_MAX_S = 60,
};

struct gate_policy {
	unsigned total;	      /* workers of the slot that have an address */
	unsigned min_ready;   /* how many of these must be ready; 0: nothing to wait for */
	unsigned rise, fall;  /* consecutive results after which a worker is healthy / unhealthy */
	usec_t interval;      /* between checks of one worker */
	usec_t start_period;  /* after its start a worker's failed checks do not count, until one
			       * has passed */
	usec_t ready_timeout; /* how long a start may take where start_period is 0 */
};

/**
 * One worker's health, by the results of its checks; rise and fall are counted here, not in
 * slotd-probe. This is plain data that lies in the ledger as it is, so fields are only ever
 * appended.
 */
struct health {
	unsigned good, bad; /* in a row */
	bool healthy;
	usec_t next;	   /* when to check again */
	unsigned failed;   /* in a row, also those that do not count */
	unsigned restarts; /* in a row because it was unhealthy, none of which helped for long */
	bool passed;	   /* it was healthy since its start */
	/* health=notify */
	bool notifies;			       /* it was started with a NOTIFY_SOCKET */
	bool ready, reloading, stopping, late; /* late: it sent no WATCHDOG=1 */
	usec_t watchdog; /* it shall send WATCHDOG=1 within each of these; 0: it need not */
	usec_t late_at;	 /* when it will be late; USEC_NEVER, also 0: never */
	char status[SD_STATUS_MAX]; /* its STATUS=, fit to be shown */
};

/**
 * Counts a result.
 *
 * @started  when the worker was started, monotonic as now.
 * Returns: true if healthy changed. A check that slotd-probe did not answer is no result.
 */
bool health_result(struct health *h, const struct gate_policy *p, bool ok, usec_t started,
		   usec_t now);
/** The worker was (re)started: forgets all but how often it was restarted. */
void health_reset(struct health *h, usec_t now);
/** A gate begins: results of checks are forgotten, and what the worker has said itself stands. */
void health_ask_again(struct health *h, usec_t now);

/* ---- health_restart */

/**
 * Is a worker that runs still within the time in which it may become healthy for the first time:
 * start_period, or ready_timeout where that is 0?
 */
bool health_coming_up(const struct health *h, const struct gate_policy *p, usec_t started,
		      usec_t now);
/**
 * Shall an unhealthy worker that runs be restarted? After a restart that did not help for long the
 * next one waits, for 1 s at first, and up to a minute.
 *
 * @others_come_up  another worker of its slot starts, stops, or is coming up: one at a time, so
 *                  that what all of them lack does not take all of them.
 */
bool health_wants_restart(const struct health *h, const struct gate_policy *p, usec_t started,
			  bool others_come_up, usec_t now);
/** It is being restarted for that reason. */
void health_note_restart(struct health *h, usec_t started, usec_t now);

/* ---- health=notify */

/** What a datagram says. */
struct sd_message {
	bool ready, reloading, stopping;
	bool watchdog;	    /* WATCHDOG=1 */
	bool trigger;	    /* WATCHDOG=trigger: it asks to be treated as late */
	bool barrier;	    /* BARRIER=1: it waits until the descriptor that came along is closed */
	bool main_pid;	    /* it wants another process to be watched, which is refused */
	bool watchdog_usec; /* it wants another time than health_watchdog, which is refused */
	bool has_status;
	char status[SD_STATUS_MAX];
};

/**
 * Reads a datagram: NAME=VALUE, one a line. Names that are not known are passed over. Control
 * characters of STATUS=, and bytes that are not UTF-8, become '?'.
 */
void sd_message_parse(const char *text, size_t len, struct sd_message *ret);

enum sd_effect {
	SD_NOTHING,
	SD_SHOWN,  /* something that people see has changed */
	SD_HEALTH, /* healthy has changed */
	SD_EFFECT_MAX_,
	SD_EFFECT_INVALID_ = -22,
};
/** The worker has said that. Its watchdog's time begins anew with READY=1 and WATCHDOG=1, and ends
 * with STOPPING=1. */
enum sd_effect health_told(struct health *h, const struct sd_message *n, usec_t now);
/**
 * It runs now, or slotd does again: the watchdog's time of one that is ready begins anew, for in
 * between nobody heard it.
 */
void health_watch(struct health *h, usec_t now);
/**
 * Its time is over, or it has asked for that.
 *
 * Returns: true if it is late from now on, and so not healthy.
 */
bool health_is_late(struct health *h, usec_t now);

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
