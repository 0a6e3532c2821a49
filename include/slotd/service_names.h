#pragma once

/**
 * Codes about services that all processes share, and the words for them. Processes send each other
 * codes; words are made of them only where people read, and no code ever parses a sentence.
 */

#include <slotd/swap_names.h>

#include <stddef.h>
#include <stdint.h>

/** The state of a slot. TAG_STATE of MSG_STATE_SLOT and "state" in slotd.status: append only. */
enum slot_state {
	SLOT_COLD, /* no worker runs; or it is not known which slot is live */
	SLOT_STARTING,
	SLOT_WARM,
	SLOT_LIVE,
	SLOT_DRAINING,
	SLOT_STOPPING,
	SLOT_CANARY, /* it has a share of the connections until it becomes live or is given up */
	SLOT_AB,     /* it has a share of them until somebody says otherwise */
	SLOT_STATE_MAX_,
	SLOT_STATE_INVALID_ = -22,
};
/** Returns "idle, stopped", "LIVE", ...; "?" for a number that is no state. */
const char *slot_state_name(enum slot_state state);
/** Returns "cold", "live", ..., for programs; "?" for a number that is no state. */
const char *slot_state_word(enum slot_state state);

/** What else there is to say of a slot. TAG_REMARK of MSG_STATE_SLOT: append only. */
enum slot_remark {
	SLOT_PLAIN,
	SLOT_STEP,	   /* a job works on it, and is in this step */
	SLOT_NOT_DEPLOYED, /* its last deploy did not succeed */
	SLOT_WAY_BACK,	   /* it was live before: a rollback goes there at once */
	SLOT_NEVER_LIVE,
	SLOT_ONE_WAY, /* it was live before, and the live slot rules out a rollback */
	SLOT_BY_HAND, /* people decide how long it gets its share */
	SLOT_REMARK_MAX_,
	SLOT_REMARK_INVALID_ = -22,
};
/** Returns "", "step", "not-deployed", "way-back", "never-live", "one-way", "by-hand", for
 * programs. */
const char *slot_remark_name(enum slot_remark remark);
/** Writes a note on state and remark for people: "idle, stopped", "rollback: at once". Returns
 * buf. */
const char *slot_note_text(enum slot_state state, enum slot_remark remark, enum swap_step step,
			   char *buf, size_t size);

/** What is wrong with a service; several at a time are possible. Bits of TAG_TROUBLES: append
 * only. */
enum trouble {
	TROUBLE_NOT_STARTED, /* it is not known which slot is live, so no worker was started */
	TROUBLE_ADDRESS,     /* slotd cannot listen on a public address, and tries again */
	TROUBLE_RECORD,	     /* which slot is live is not recorded yet; slotd tries again */
	TROUBLE_STOPPED,     /* the live slot was stopped by hand: connections wait */
	TROUBLE_REMOVED,     /* the live slot's programs were removed: connections wait */
	TROUBLE_PAUSED,	     /* somebody has paused the service: connections wait */
	TROUBLE_UNHEALTHY,   /* no worker of the live slot passes its health check */
	TROUBLE_FROZEN,	     /* somebody has frozen the service: deploys are refused */
	TROUBLE_OFFLINE,     /* somebody has taken the service offline: requests get a page */
	TROUBLE_MAX_,
	TROUBLE_INVALID_ = -22,
};

static inline uint32_t trouble_bit(enum trouble t)
{
	return UINT32_C(1) << t;
}
/** Returns "not-started", "address", ..., for programs; "?" for a number that is no trouble. */
const char *trouble_name(enum trouble t);
/**
 * Writes a sentence for people into buf.
 *
 * @live  the name of the live slot.
 * @why   who did it, which error it was; NULL or "" if that is not known.
 * Returns: buf.
 */
const char *trouble_text(enum trouble t, const char *live, const char *why, char *buf, size_t size);
