#pragma once

/**
 * The words about services that every process shares. Codes travel; words are made of them where
 * people read, and nobody reads a sentence back.
 */

#include <slotd/swap_names.h>

#include <stddef.h>
#include <stdint.h>

/** How a slot stands. TAG_STATE of MSG_STATE_SLOT and "state" of slotd.status: append only. */
enum slot_state {
	SLOT_COLD, /* nothing runs; or it is not known which slot is live */
	SLOT_STARTING,
	SLOT_WARM,
	SLOT_LIVE,
	SLOT_DRAINING,
	SLOT_STOPPING,
	SLOT_STATE_MAX_,
	SLOT_STATE_INVALID_ = -22,
};
/** "idle, stopped", "LIVE", ...; "?" for a number that has none. */
const char *slot_state_name(enum slot_state state);

/** What there is to say of a slot besides its state. TAG_REMARK of MSG_STATE_SLOT: append only. */
enum slot_remark {
	SLOT_PLAIN,
	SLOT_STEP,	   /* a job works on it: its step */
	SLOT_NOT_DEPLOYED, /* its last deploy did not succeed */
	SLOT_WAY_BACK,	   /* it was live: a rollback goes there at once */
	SLOT_NEVER_LIVE,
	SLOT_REMARK_MAX_,
	SLOT_REMARK_INVALID_ = -22,
};
/** "", "step", "not-deployed", "way-back", "never-live": for programs. */
const char *slot_remark_name(enum slot_remark remark);
/** State and remark as one note for people: "idle, stopped", "rollback: at once". Returns buf. */
const char *slot_note_text(enum slot_state state, enum slot_remark remark, enum swap_step step,
			   char *buf, size_t size);

/** What is wrong with a service; several at once. Bits of TAG_TROUBLES: append only. */
enum trouble {
	TROUBLE_NOT_STARTED, /* which slot is live is not known: nothing of it was started */
	TROUBLE_ADDRESS,     /* a public address cannot be listened on; tried again */
	TROUBLE_RECORD,	     /* which slot is live is not written down yet; tried again */
	TROUBLE_STOPPED,     /* the live slot was stopped by hand: connections wait */
	TROUBLE_REMOVED,     /* the live slot's programs were removed: connections wait */
	TROUBLE_PAUSED,	     /* somebody asked for it: connections wait */
	TROUBLE_UNHEALTHY,   /* no worker of the live slot passes its health check */
	TROUBLE_MAX_,
	TROUBLE_INVALID_ = -22,
};

static inline uint32_t trouble_bit(enum trouble t)
{
	return UINT32_C(1) << t;
}
/** "not-started", "address", ...: for programs; "?" for a number that has none. */
const char *trouble_name(enum trouble t);
/**
 * The sentence for people.
 *
 * @live  name of the live slot.
 * @why   the particulars: who did it, which error; NULL or "": none are known.
 * Returns: buf.
 */
const char *trouble_text(enum trouble t, const char *live, const char *why, char *buf, size_t size);
