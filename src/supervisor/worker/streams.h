#pragma once

/** stdout and stderr of workers, and the logs of jobs; slotd-log's refill. */

#include "link/helpers.h"
#include "worker/process.h"

struct stream;

enum {
	AUTO_LOG_MODE = 0600,
};

/** slotd's own log and the streams' table. 0 or -errno. */
int streams_init(struct supervisor *sup, struct diag *diag);
void streams_done(struct supervisor *sup);
/** slotd-log: a fresh one is told all that goes on, and what it says of streams is noted. */
void streams_refill(struct helper *h);
void streams_received(struct helper *h, struct message *m);
/** Whose output a message of slotd-log is about. Borrowed. */
struct stream_owner {
	const char *group, *name;
	struct process *process; /* NULL: that run of it is over */
};
/** False: it is over, and its last byte was written. */
bool streams_whose(struct supervisor *sup, const struct message *m, struct stream_owner *ret);
/** Closes and opens every log file again (SIGUSR2). */
void streams_reopen(struct supervisor *sup);
/** Pipes for the next spawn: ret_child[0..2] are the child's ends, the caller's to close. */
int streams_open(struct process *p, int ret_child[3]);
/** The child runs (or not): its streams go to slotd-log, or are dropped. */
void streams_started(struct process *p);
void streams_abandon(struct process *p);
/** The process is gone for good: its open streams finish without it. */
void streams_forget(struct process *p);

/** A stream that is no worker's. */
struct stream_spec {
	const char *group, *name; /* of what writes: for the log */
	const char *path;	  /* of its file */
	uint64_t maxbytes;
	unsigned backups;
	bool indent; /* slotd/indent.h */
	uid_t uid;   /* who may open its pipe by name; -1: slotd's user */
	gid_t gid;
	void (*closed)(void *data); /* its last byte is written; not called from here */
	void *data;
};
/**
 * Makes one that slotd-log is not told of yet. Texts are borrowed for the call.
 *
 * Returns: 0, its number, and the write end of its pipe, close-on-exec; or -errno.
 */
int streams_make(struct supervisor *sup, const struct stream_spec *spec, uint32_t *ret_id,
		 int *ret_fd);
/**
 * One that a former slotd made, by its path and indent: from now on its end is told to closed of
 * spec. Returns its number; 0: it was written to the end.
 */
uint32_t streams_former(struct supervisor *sup, const struct stream_spec *spec);
/** slotd-log takes what is written to it. */
void streams_begin(struct supervisor *sup, uint32_t id);
/**
 * What its pipe holds is the last of it, whoever may have the other end. Then closed is called. One
 * that has not begun waits for that.
 */
void streams_end(struct supervisor *sup, uint32_t id);
/** Nobody wants to know any more: it ends, also if it has not begun, and closed is not called. */
void streams_leave(struct supervisor *sup, uint32_t id);

/* Of one stream, for streams_adopt.c. */
/** Frees it, and its row; id 0: it has none. Accepts and returns NULL. */
struct stream *stream_free(struct stream *st);
/** Puts it into the table of all, behind its number. */
void stream_insert(struct stream *st);
/** Writes its row in the ledger. */
void stream_commit(const struct stream *st);
/** The name at slotd-keep of one whose worker is gone. Returns buf. */
const char *stream_entry(const struct stream *st, char *buf, size_t size);
