#pragma once

/**
 * slotd's side of slotd-spawn, which creates workers and commands as slotd's own children. A
 * request is answered by calling done, but never from inside the request. If slotd-spawn dies, the
 * requests for children that it has not created go to the next slotd-spawn, for which they wait.
 *
 *	asked --sent--> with slotd-spawn --answer--> done
 *	  ^                    | it died, and created no child
 *	  +--------------------+
 */

#include <slotd/channel.h>
#include <slotd/spawn.h>

struct spawn_call;

/**
 * The answer to a request: a child, whose report may still say that it failed, or none.
 *
 * @error    0; or -errno (-EAGAIN, -ENOMEM, ...), and *spawned is not set.
 * @spawned  the callee owns its descriptors.
 */
typedef void spawn_done_fn(void *owner, int error, const struct spawned *spawned);

/** To be zeroed. */
struct spawner {
	struct channel *channel; /* NULL: slotd-spawn is not running */
	struct spawn_call *head; /* in order; those that were sent come first */
	unsigned n_sent;
	uint32_t last_asked, last_sent; /* numbers of requests */
};

/**
 * Requests a child.
 *
 * Returns: 0; or -errno if something failed in slotd itself, and done is not called.
 * Ownership: borrows spec, but takes its stdio, in which a descriptor may occur twice; keeps owner
 *            until done.
 */
int spawner_ask(struct spawner *s, const struct spawn_spec *spec, spawn_done_fn *done, void *owner,
		struct spawn_call **ret);
/**
 * In a child that was forked and runs on without an exec: closes its copies of what requests carry.
 * A process that is being created would not be seen to have become its command, nor an output to
 * have ended, before that child ends.
 */
void spawner_close_copies(struct spawner *s);
/** Takes a request back, so that done is not called. Returns false if it was sent already; then
 * done will be called. */
bool spawn_call_cancel(struct spawn_call *call);
/** Forgets a request whose owner goes away: done is not called, and the child is killed. */
void spawn_call_abandon(struct spawn_call *call);

/** Does slotd-spawn have enough requests to be busy? An answer changes that. */
bool spawner_busy(const struct spawner *s);
/**
 * A child that slotd does not know may belong to a request whose answer has not arrived yet. So
 * spawner_note marks the present moment, and spawner_past says whether every request that was made
 * before it has been answered.
 */
uint32_t spawner_note(const struct spawner *s);
bool spawner_past(const struct spawner *s, uint32_t note);

/** A new slotd-spawn is running. Keeps channel. */
void spawner_connected(struct spawner *s, struct channel *channel);
/** Handles MSG_SPAWNED. */
void spawner_answered(struct spawner *s, struct message *m);
/** slotd-spawn has ended, and everything that it had sent was received. */
void spawner_lost(struct spawner *s);
/** Forgets all requests. */
void spawner_done(struct spawner *s);
