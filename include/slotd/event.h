#pragma once

/**
 * Supervisor's events: types, payloads' envelope, and the pools of listeners that get them.
 *
 * A pool ([eventlistener:x]) has a bounded buffer of events and one listener per process. A
 * listener speaks READY and RESULT on its stdout and reads envelopes on its stdin; one event at a
 * time. All of it is pure: bytes and process states go in, envelopes to write and log lines come
 * out. A listener that is slow, dies or lies delays nobody but its pool.
 *
 * Source: Supervisor's documentation, "Events".
 */

#include <slotd/plan.h>
#include <slotd/vec.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each type's parent precedes it; only types without children are ever sent. */
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
	EVENT_SLOT, /* ours */
	EVENT_SLOT_SWAPPED,
	EVENT_SLOT_ROLLED_BACK,
	EVENT_SLOT_FAILED, /* a swap or deploy that changed nothing */
	EVENT_TYPE_MAX_,
	EVENT_TYPE_INVALID_ = -22,
};

/** Supervisor's name, in upper case; "?" for none. */
const char *event_type_name(enum event_type t);
/** Upper or lower case. EVENT_TYPE_INVALID_ when there is no such type. */
enum event_type event_type_from_name(const char *name);
/** Is t the type asked for, or below it? */
bool event_type_is(enum event_type t, enum event_type asked_for);

/** One that happened; shared by the pools that buffer it. */
struct event {
	unsigned refs;
	enum event_type type;
	uint64_t serial;
	size_t len;
	char payload[];
};

/** A new event with one reference; NULL out of memory. Payload bytes are copied. */
struct event *event_new(enum event_type type, const void *payload, size_t len);
/** One reference more. Returns e. */
struct event *event_ref(struct event *e);
/** One less; the last frees it. Accepts NULL. Returns NULL. */
struct event *event_unref(struct event *e);

enum listener_state {
	LISTENER_ACKNOWLEDGED, /* waits for READY */
	LISTENER_READY,
	LISTENER_BUSY,
	LISTENER_UNKNOWN, /* broke the protocol; until its process starts again */
	LISTENER_STATE_MAX_,
	LISTENER_STATE_INVALID_ = -22,
};

enum {
	LISTENER_LINE_MAX = 64,		/* "RESULT <n>\n" */
	LISTENER_RESULT_MAX = 1 << 20,	/* bytes of a result; more breaks the protocol */
	EVENT_PAYLOAD_MAX = 512 * 1024, /* more of one event is cut; fits a worker's stdin queue */
};

struct pool;

/* What a result means. */
enum result_rule {
	RESULT_OK_ACCEPTS,   /* OK: it was processed; anything else: it was rejected */
	RESULT_FAIL_REJECTS, /* FAIL alone rejects */
};

struct listener {
	struct pool *pool;
	const char *name; /* kept: process name, for log lines */
	uint32_t id;	  /* object of the plan's log lines */
	enum listener_state state;
	bool running;	     /* its process is RUNNING */
	struct event *event; /* what it works on (BUSY) */
	uint64_t poolserial;
	size_t line_len;
	char line[LISTENER_LINE_MAX];
	size_t result_left; /* bytes of the result still to come */
	size_t result_len;
	char result[8]; /* its beginning: "OK" or "FAIL" is all that matters */
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
	bool len_in_bytes; /* len: of the envelope counts bytes, not characters */
	enum result_rule rule;
	/* Gets each event that a listener accepted; may be NULL. */
	void (*accepted)(struct pool *p, const struct event *e);
	uint64_t next_serial;
	VEC(struct pool_entry) buffer;	  /* oldest first */
	VEC(struct listener *) listeners; /* borrowed */
};

void pool_init(struct pool *p, uint32_t id, const char *name);
/** At first, and again when they change. events: NULL-terminated; -EINVAL for an unknown one. */
int pool_configure(struct pool *p, const char *identifier, char *const *events,
		   unsigned buffer_size);
void pool_done(struct pool *p);
/** Does it want this type? */
bool pool_wants(const struct pool *p, enum event_type t);
/** Buffers one it wants (takes no reference of the caller's); the oldest goes when full. */
int pool_offer(struct pool *p, struct event *e, struct plan *plan);

/**
 * Gives the oldest event to a READY, running listener.
 *
 * Returns: the listener, now BUSY, with its envelope in *ret_envelope (free it); NULL when there
 *          is none to give or nobody to take it. Call again until NULL.
 */
struct listener *pool_dispatch(struct pool *p, char **ret_envelope, size_t *ret_len);

/** A listener whose process does not run yet. Keeps p and name; the caller adds it to p. */
void listener_init(struct listener *l, struct pool *p, uint32_t id, const char *name);
/** Leaves the pool; its event goes back into the buffer. */
void listener_done(struct listener *l, struct plan *plan);
/** Its process was started: ACKNOWLEDGED again. An event it had goes back. */
void listener_started(struct listener *l, struct plan *plan);
/** Its process ended, or its stdin could not be written: the event goes back. */
void listener_lost(struct listener *l, struct plan *plan);
/** Is there an event that it has, or could still get? */
bool listener_owed(const struct listener *l);
/** What it wrote on stdout. Afterwards pool_dispatch may have somebody. */
void listener_input(struct listener *l, const char *data, size_t len, struct plan *plan);
