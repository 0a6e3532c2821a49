#pragma once

/** What records.c has to write: a list, the next first. */

#include <slotd/ledger.h>

#include <stdbool.h>

struct service;

enum record_kind {
	RECORD_CHECK,	/* write beside the real files, for a flip to the target */
	RECORD_WRITE,	/* state file, live_file and live_link of the service */
	RECORD_REPAIR,	/* the same, after somebody else touched live_file */
	RECORD_STATE,	/* state file alone */
	RECORD_HISTORY, /* a line */
};

struct record_request {
	struct record_request *next;
	enum record_kind kind;
	struct service *service;	 /* CHECK, WRITE, REPAIR */
	bool for_swap;			 /* WRITE: the swap waits for it */
	char *line;			 /* HISTORY */
	char done_with[LEDGER_NAME_MAX]; /* HISTORY: whose job it is about; "": it is gone */
	bool again;			 /* HISTORY: who wrote it before may have come far */
};

/** Frees a request that is in no list. */
void record_request_free(struct record_request *q);
/** Frees q and all that follow it. */
void record_queue_drop(struct record_request *q);
/** Does a RECORD_WRITE of the same service come after q? */
bool record_write_follows(const struct record_request *q);
/** Does a new request of that kind overtake one that waits? */
bool record_goes_ahead(enum record_kind kind, const struct record_request *of);
/** Is that text in a line of the queue? */
bool record_queue_has_line(const struct record_request *q, const char *wanted);
unsigned record_queue_length(const struct record_request *q);
void record_queue_append(struct record_request **queue, struct record_request *q);
/** Moves the requests of from that were tried before to the end of to. */
void record_queue_move_again(struct record_request **from, struct record_request **to);
