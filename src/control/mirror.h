#pragma once

/**
 * The mirror: the state that slotd has sent, for each object. Reads are answered from it.
 *
 * A message has the whole state of an object, so a later one replaces an earlier one. From a new
 * slotd, and after STATE_ALL, comes everything: an object that is not named before STATE_SYNCED
 * does not exist any more.
 */

#include <slotd/message.h>
#include <slotd/switchboard.h>
#include <slotd/vec.h>

#include <stdbool.h>

struct mirror_daemon {
	int64_t state; /* Supervisor's mood: 1 RUNNING, 0 RESTARTING, -1 SHUTDOWN */
	int64_t pid;
	uint64_t since; /* wall clock, microseconds, here and below */
	char *identifier, *version;
	uint64_t upgrades; /* in this process */
	char *note;	   /* why the last one failed; NULL or "": it did not */
};

struct mirror_group {
	uint64_t round;
	char *name;
	int64_t priority;
};

struct mirror_worker {
	uint64_t round;
	uint64_t index; /* in the ledger */
	char *name, *group, *program;
	int64_t state; /* Supervisor's number */
	int64_t pid, status, exit, restarts;
	uint64_t since, started, stopped;
	char *spawnerr, *stdout_path, *stderr_path;
	char *service, *address, *note;
	char *says; /* what it says of itself: STATUS= of sd_notify(3) */
	int64_t slot;
	int64_t healthy, pending, lost_lines;
	uint64_t next_run; /* wall clock, microseconds; 0: it has no schedule */
};

struct mirror_service {
	uint64_t round;
	uint64_t index; /* in the switchboard */
	char *service, *listens, *note, *who;
	int64_t live, generation, step, job;
	uint64_t since, troubles; /* troubles: bits; note has a line for each */
};

struct mirror_slot {
	char *name, *release;
	int64_t state, remark, step, ready, total, share;
	uint64_t since, deadline;
};

struct mirror_config {
	uint64_t round;
	char *name, *group, *json;
};

struct mirror {
	bool synced;	 /* everything has been sent at least once */
	bool incomplete; /* something of this round could not be stored */
	uint64_t round;
	struct mirror_daemon daemon;
	VEC(struct mirror_worker *) workers; /* by (group, name), code-point order */
	VEC(struct mirror_worker *) by_index;
	VEC(struct mirror_group *) groups;     /* by name */
	VEC(struct mirror_service *) services; /* by index */
	VEC(struct mirror_config *) configs;   /* by (name, group) */
	struct mirror_slot slots[SWITCHBOARD_SERVICES][SLOT_MAX_];
};

void mirror_done(struct mirror *m);

/** Is this a message for mirror_apply? */
bool mirror_takes(enum message_type type);
/**
 * Applies a STATE message.
 *
 * Returns: 1 if it is from another slotd than the state before it, whose open requests are then
 * void; 0; -ENOMEM, and the object stays as it was until it is sent again; -EINVAL for an index
 * that is out of range.
 */
int mirror_apply(struct mirror *m, const struct message *msg);

/* These find something, and return NULL if there is none. */
struct mirror_worker *mirror_worker(const struct mirror *m, const char *group, const char *name);
/** The worker that comes next after that name, which may be gone by now; group NULL: the first. */
struct mirror_worker *mirror_worker_after(const struct mirror *m, const char *group,
					  const char *name);
struct mirror_group *mirror_group(const struct mirror *m, const char *name);
