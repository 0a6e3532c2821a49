#pragma once

/** The helper processes: start, channel, restart, refill, QUIT. */

#include "supervisor.h"

#include <slotd/channel.h>
#include <slotd/child.h>

enum helper_kind {
	HELPER_SPAWN,
	HELPER_KEEP,
	HELPER_LOG,
	HELPER_RELAY,
	HELPER_PROBE,
	HELPER_CONTROL,
	HELPER_MAX_,
	HELPER_INVALID_ = -22,
};

struct helper {
	struct supervisor *sup;
	enum helper_kind kind;
	unsigned index; /* relays: 0..; those that retire have others */
	struct child child;
	struct loop_timer timer; /* when to start it again; when to end it after QUIT */
	struct channel channel;
	bool ready;    /* it has sent MSG_READY */
	bool hung;     /* it hung, and was ended because of that */
	bool wanted;   /* it is restarted when it ends */
	bool retiring; /* another has its place */
	usec_t started;
	unsigned quick_deaths;
	void *data; /* of the file that owns this kind: a relay's page, for instance */
};

/** What the file that owns a kind of helper provides; sup->helper_ops, filled by the wiring. */
struct helper_ops {
	const char *name; /* "slotd-relay" */
	/** A new process is connected: send it everything it must know. */
	void (*refill)(struct helper *h);
	void (*received)(struct helper *h, struct message *m);
	/** It has begun to work. May be NULL. */
	void (*ready)(struct helper *h);
	/** The helper has died; requests to it will not be answered. May be NULL. */
	void (*lost)(struct helper *h);
	/** Everything that was queued for it has been sent. May be NULL. */
	void (*drained)(struct helper *h);
	/** Something that it was to know is lost for want of memory or the like; vital: it cannot
	 * begin to work without it. May be NULL. */
	void (*missed)(struct helper *h, bool vital);
	bool last_words; /* what it sent before it died is still received */
};

int helpers_init(struct supervisor *sup);
/**
 * Sends QUIT to all helpers, which then end, slotd-keep last; after 5 s they are killed. When the
 * last one is reaped, the loop ends.
 */
void helpers_quit(struct supervisor *sup);
/** Says nothing more to those that a former slotd had started: they are the next one's. */
void helpers_leave(struct supervisor *sup);
/** Frees what helpers_start has made; every helper must have ended, or goes on without slotd. */
void helpers_done(struct supervisor *sup);
/** Returns the first helper of that kind whose place no other has taken; only of relays there are
 * several. Never NULL after helpers_start. */
struct helper *helper_of(struct supervisor *sup, enum helper_kind kind);
/** Starts a helper that is wanted now, such as slotd-probe, or no longer wants it. */
void helper_want(struct supervisor *sup, enum helper_kind kind, bool wanted);
/** Sends m; a full queue or a closed channel is logged once. Returns 0 or -errno. */
int helper_send(struct helper *h, struct message *m);
/** Sends what its sender does not send again. */
void helper_tell(struct helper *h, struct message *m);
/** What its sender does not send again was not sent (0: it was): calls missed, if that may pass. */
void helper_missed(struct helper *h, int error, bool vital);
/** Returns a new id for a request to a helper. Never 0. */
uint32_t helper_request_id(struct supervisor *sup);
