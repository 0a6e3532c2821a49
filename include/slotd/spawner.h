#pragma once

/**
 * slotd's end of slotd-spawn, which makes workers and commands slotd's own children. A request is
 * answered by a call of done, never from within the request. What slotd-spawn had not made when it
 * died is asked of its successor; while there is none, requests wait.
 *
 *	asked --sent--> with slotd-spawn --answer--> done
 *	  ^                    | it died, and made no child
 *	  +--------------------+
 */

#include <slotd/channel.h>
#include <slotd/spawn.h>

struct spawn_call;

/**
 * The child runs, or will say in its report why it does not; or there is none.
 *
 * @error    0, or -errno (-EAGAIN, -ENOMEM, ...), and *spawned is nothing then.
 * @spawned  the callee's from now on.
 */
typedef void spawn_done_fn(void *owner, int error, const struct spawned *spawned);

/** Zero it. */
struct spawner {
	struct channel *channel; /* NULL: slotd-spawn is not there */
	struct spawn_call *head; /* in the order asked; what was sent comes first */
	unsigned n_sent;
	uint32_t last_asked, last_sent; /* numbers of requests */
};

/**
 * Asks for a child.
 *
 * Returns: 0, or -errno of what failed in slotd itself, and done is not called.
 * Ownership: borrows spec, but takes its stdio (one may be there twice); keeps owner until done.
 */
int spawner_ask(struct spawner *s, const struct spawn_spec *spec, spawn_done_fn *done, void *owner,
		struct spawn_call **ret);
/** Takes it back: done is not called. False when it was sent already, and done will come. */
bool spawn_call_cancel(struct spawn_call *call);
/** The owner goes: the child is killed, if one comes. */
void spawn_call_abandon(struct spawn_call *call);

/** Has it as many requests at hand as keep it at work? An answer changes that. */
bool spawner_busy(const struct spawner *s);
/**
 * A child that slotd does not know may be one whose answer is on its way. True once every request
 * has been answered that was made before this note was.
 */
uint32_t spawner_note(const struct spawner *s);
bool spawner_past(const struct spawner *s, uint32_t note);

/** A fresh slotd-spawn is there. Keeps channel. */
void spawner_connected(struct spawner *s, struct channel *channel);
/** MSG_SPAWNED. */
void spawner_answered(struct spawner *s, struct message *m);
/** It has ended, and all that it had sent was received. */
void spawner_lost(struct spawner *s);
/** What nobody will answer any more is forgotten. */
void spawner_done(struct spawner *s);
