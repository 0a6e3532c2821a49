#pragma once

/**
 * Supervisor's events: their types, the envelope of a payload, and the pools of listeners that get
 * them.
 *
 * A pool ([eventlistener:x]) has a bounded buffer of events and one listener per process. A
 * listener writes READY and RESULT to its stdout and reads envelopes from its stdin, one event at a
 * time. All of this is pure: the input is bytes and process states, the output envelopes to write
 * and log lines. A listener that is slow, dies or violates the protocol delays only its own pool.
 *
 * Source: Supervisor's documentation, "Events".
 */

#include <slotd/plan.h>
#include <slotd/vec.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The parent of a type precedes it; only types without children are ever sent. */
enum event_type {
	EVENT_ANY, /* "EVENT": all of them */
	EVENT_PROCESS_STATE,
	EVENT_PROCESS_STATE_STOPPED,
	EVENT_PROCESS_STATE_EXITED,
	EVENT_PROCESS_STATE_STARTING,
	EVENT_PROCESS_STATE_STOPPING,
	EVENT_PROCESS_STATE_BACKOFF,
	EVENT_PROCESS_STATE_FATAL,
	EVENT_PROCESS_STATE_RUNNING,
	EVENT_PROCESS_STATE_UNKNOWN,
	EVENT_PROCESS_COMMUNICATION,
	EVENT_PROCESS_COMMUNICATION_STDOUT,
	EVENT_PROCESS_COMMUNICATION_STDERR,
	EVENT_PROCESS_LOG,
	EVENT_PROCESS_LOG_STDOUT,
	EVENT_PROCESS_LOG_STDERR,
	EVENT_REMOTE_COMMUNICATION,
	EVENT_SUPERVISOR_STATE_CHANGE,
	EVENT_SUPERVISOR_STATE_CHANGE_RUNNING,
	EVENT_SUPERVISOR_STATE_CHANGE_STOPPING,
	EVENT_TICK,
	EVENT_TICK_5,
	EVENT_TICK_60,
	EVENT_TICK_3600,
	EVENT_PROCESS_GROUP,
	EVENT_PROCESS_GROUP_ADDED,
	EVENT_PROCESS_GROUP_REMOVED,
	EVENT_SLOT, /* this and its children are slotd's own */
	EVENT_SLOT_SWAPPED,
	EVENT_SLOT_ROLLED_BACK,
	EVENT_SLOT_FAILED, /* a swap or deploy that changed nothing */
	EVENT_SLOT_PAUSED,
	EVENT_SLOT_RESUMED,
	EVENT_SLOT_OFFLINE,
	EVENT_SLOT_ONLINE,
	EVENT_SLOT_SHARE, /* a slot that is not live gets another share of the connections */
	EVENT_TYPE_MAX_,
	EVENT_TYPE_INVALID_ = -22,
};

/** Returns Supervisor's name, in upper case; "?" for a number that is no type. */
const char *event_type_name(enum event_type t);
/** Finds a type by its name, in any case; EVENT_TYPE_INVALID_ if there is none. */
enum event_type event_type_from_name(const char *name);
/** Is t the type asked for, or a descendant of it? */
bool event_type_is(enum event_type t, enum event_type asked_for);

/** An event that happened. The pools that buffer it share it. */
struct event {
	unsigned refs;
	enum event_type type;
	uint64_t serial;
	size_t len;
	char payload[];
};

/** Makes an event with one reference. Copies the payload. Returns NULL if out of memory. */
struct event *event_new(enum event_type type, const void *payload, size_t len);
/** Adds a reference. Returns e. */
struct event *event_ref(struct event *e);
/** Drops a reference; the last one frees the event. Accepts NULL. Returns NULL. */
struct event *event_unref(struct event *e);

enum listener_state {
	LISTENER_ACKNOWLEDGED, /* waits for READY */
	LISTENER_READY,
	LISTENER_BUSY,
	LISTENER_UNKNOWN, /* violated the protocol; until its process is started again */
	LISTENER_STATE_MAX_,
	LISTENER_STATE_INVALID_ = -22,
};

enum {
	LISTENER_LINE_MAX = 64,		/* "RESULT <n>\n" */
	LISTENER_RESULT_MAX = 1 << 20,	/* bytes of a result; more violates the protocol */
	EVENT_PAYLOAD_MAX = 512 * 1024, /* the rest is cut; fits a worker's stdin queue */
};

struct pool;

/* What a result means. */
enum result_rule {
	RESULT_OK_ACCEPTS,   /* OK: the event was processed; anything else: it was rejected */
	RESULT_FAIL_REJECTS, /* FAIL: it was rejected; anything else: it was processed */
};

struct listener {
	struct pool *pool;
	const char *name; /* kept: process name, for log lines */
	uint32_t id;	  /* object of the plan's log lines */
	enum listener_state state;
	bool running;	     /* its process is RUNNING */
	struct event *event; /* BUSY: the one that it works on */
	uint64_t poolserial;
	size_t line_len;
	char line[LISTENER_LINE_MAX];
	size_t result_left; /* bytes of the result still to come */
	size_t result_len;
	char result[8]; /* the beginning of the result: only "OK" or "FAIL" matter */
	bool in_result;
};

struct pool_entry {
	struct event *event;
	uint64_t poolserial;
};

struct pool {
	const char *name;	/* kept */
	const char *identifier; /* kept: server: of the envelope */
	uint32_t id;		/* object of the plan's log lines */
	bool subscribed[EVENT_TYPE_MAX_];
	unsigned buffer_size;
	bool len_in_bytes; /* len: in the envelope counts bytes, not characters */
	enum result_rule rule;
	/* Called with each event that a listener accepted; may be NULL. */
	void (*accepted)(struct pool *p, const struct event *e);
	uint64_t next_serial;
	VEC(struct pool_entry) buffer;	  /* oldest first */
	VEC(struct listener *) listeners; /* borrowed */
};

/** Sets up a pool without options, which pool_configure sets. Keeps name. */
void pool_init(struct pool *p, uint32_t id, const char *name);
/**
 * Sets the options of a pool, at first and again after a change.
 *
 * @events  NULL-terminated.
 * Returns: 0; -EINVAL for an unknown event.
 */
int pool_configure(struct pool *p, const char *identifier, char *const *events,
		   unsigned buffer_size);
void pool_done(struct pool *p);
/** Does the pool subscribe to this type? */
bool pool_wants(const struct pool *p, enum event_type t);
/** Buffers an event if the pool subscribes to it, discarding the oldest if the buffer is full.
 * Takes a reference of its own. Returns 0 or -ENOMEM. */
int pool_offer(struct pool *p, struct event *e, struct plan *plan);

/**
 * Gives the oldest event to a running listener that is READY. Call it until it returns NULL.
 *
 * Returns: the listener, which is BUSY now, with its envelope in *ret_envelope (to be freed); NULL
 *          if there is no event or no such listener.
 */
struct listener *pool_dispatch(struct pool *p, char **ret_envelope, size_t *ret_len);

/** Makes a listener whose process does not run yet. Keeps p and name; the caller adds it to p. */
void listener_init(struct listener *l, struct pool *p, uint32_t id, const char *name);
/** The listener leaves the pool; its event goes back into the buffer. */
void listener_done(struct listener *l, struct plan *plan);
/** Its process was started: the listener is ACKNOWLEDGED, and an event it had goes back. */
void listener_started(struct listener *l, struct plan *plan);
/** Its process has ended, or its stdin could not be written: its event goes back. */
void listener_lost(struct listener *l, struct plan *plan);
/** Does the listener have an event, or could it still get one? */
bool listener_owed(const struct listener *l);
/** Handles what the listener wrote to stdout. Then pool_dispatch may find a READY listener. */
void listener_input(struct listener *l, const char *data, size_t len, struct plan *plan);
