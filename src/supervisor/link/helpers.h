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
	unsigned index; /* relays: 0.. */
	struct child child;
	struct loop_timer timer; /* when to start it again; when to end it after QUIT */
	struct channel channel;
	bool ready;  /* MSG_READY came */
	bool hung;   /* and was ended for that */
	bool wanted; /* restart it when it ends */
	usec_t started;
	unsigned quick_deaths;
	void *data; /* of the file that owns this kind: a relay's page, ... */
};

/** What the file that owns a kind of helper provides: sup->helper_ops, filled by the wiring. */
struct helper_ops {
	const char *name; /* "slotd-relay" */
	/** A fresh process is connected: send everything it must know. Called at every start. */
	void (*refill)(struct helper *h);
	void (*received)(struct helper *h, struct message *m);
	/** It died; its requests will not be answered. May be NULL. */
	void (*lost)(struct helper *h);
	/** Everything queued for it was sent. May be NULL. */
	void (*drained)(struct helper *h);
	bool last_words; /* what it had sent before it died counts */
};

int helpers_init(struct supervisor *sup);
/** Starts spawn, keep, log, control, the relays; probe when a check is configured. 0 or -errno. */
int helpers_start(struct supervisor *sup, struct diag *diag);
/** Starts the relays if there are services and no relays yet: a reload may bring the first one. */
int helpers_want_relays(struct supervisor *sup);
/**
 * Sends QUIT to all; they end by themselves, keep last (SIGKILL after 5 s). When the last is
 * reaped, the loop ends.
 */
void helpers_quit(struct supervisor *sup);
/** Frees what helpers_start made; every helper has ended. */
void helpers_done(struct supervisor *sup);
/** The first helper of that kind (the only one but for relays). Never NULL after helpers_start. */
struct helper *helper_of(struct supervisor *sup, enum helper_kind kind);
/** Wants (and starts) or no longer wants slotd-probe. */
void helper_want(struct supervisor *sup, enum helper_kind kind, bool wanted);
/** Sends; a full queue or a closed channel is logged once. 0 or -errno. */
int helper_send(struct helper *h, struct message *m);
/** A fresh id for a request to a helper. Never 0. */
uint32_t helper_request_id(struct supervisor *sup);
