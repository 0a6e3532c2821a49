#pragma once

/**
 * The ledger: a memfd that is changed in place. What the next slotd must know after the death of
 * this one is here; upgrade, adoption and tests read it by the same code.
 *
 * It has tables of rows. The row of the daemon, of a worker, a service or a job holds the state of
 * the core's machines as it is (plain data without pointers, with monotonic times), and what else
 * slotd knows of it. Only slotd writes. A row has two places for its content, one of which is
 * valid: after each step slotd copies the whole content into the other place, and then makes that
 * one valid (a sequence lock). So a row is never half-written, whenever slotd dies.
 *
 * Text of any length (paths) is a chain of pieces in a table of its own; a row holds the number of
 * the first. A chain is written before the row that names it, and never changed.
 *
 * The header says where each table begins, how long its rows are and where the parts of a row lie,
 * so that a newer slotd can read what an older one wrote: fields are only ever appended to a part,
 * parts to a row, tables to the header. A field that the older slotd did not have keeps its
 * default. A golden test (tests/unit/golden/ledger.txt) checks the offsets.
 */

#include <slotd/deploy.h>
#include <slotd/diag.h>
#include <slotd/health.h>
#include <slotd/retire.h>
#include <slotd/rolling.h>
#include <slotd/worker.h>

#include <limits.h>

enum {
	LEDGER_VERSION = 2, /* of the layout; appending something does not change it */
	LEDGER_WORKERS = SWITCHBOARD_WORKERS,
	LEDGER_SERVICES = SWITCHBOARD_SERVICES,
	LEDGER_STREAMS = LEDGER_WORKERS * 4, /* streams of a former run may still be read */
	LEDGER_NAME_MAX = 408,		     /* "group:name" with both up to 200 bytes (config.h) */
	LEDGER_LABEL_MAX = 64,		     /* of a release, of a person */
	LEDGER_SENTENCE_MAX = PLAN_TEXT_MAX, /* how a job ended */
	LEDGER_PARTS_MAX = 8,
	LEDGER_PIECE_TEXT = 124,
	LEDGER_PIECES_OF_PATH = PATH_MAX / LEDGER_PIECE_TEXT + 1,
	LEDGER_PIECES = LEDGER_STREAMS * LEDGER_PIECES_OF_PATH,
};

#define LEDGER_MAGIC 0x736c6f74u /* "slot" */

/* Numbers are the layout: append only. */
enum ledger_table {
	LEDGER_TABLE_DAEMON, /* one row */
	LEDGER_TABLE_WORKER,
	LEDGER_TABLE_SERVICE,
	LEDGER_TABLE_JOB, /* a job has the index of its service */
	LEDGER_TABLE_STREAM,
	LEDGER_TABLE_PIECE,
	LEDGER_TABLE_MAX_,
	LEDGER_TABLE_INVALID_ = -22,
};

/** The number of a text's first piece, counted from 1; 0: there is no text. */
typedef uint32_t ledger_text;

/* ---- the content of rows; each struct that is a part grows at its end only ---- */

struct ledger_daemon {
	int32_t pid;	      /* of the slotd that writes the ledger */
	int32_t mood;	      /* enum mood of slotd */
	uint64_t started;     /* wall clock, microseconds, here and below */
	uint32_t next_stream; /* the last number that was given to a stream */
	uint32_t reserved;
};

/** What the core does not know of a worker's process. */
struct ledger_run {
	int32_t pid;	      /* from fork to reap; 0: none */
	uint32_t streams[2];  /* ids at slotd-log of stdout and stderr, 0: none */
	int32_t status;	      /* clearing: wait status of the leader */
	uint64_t start_ticks; /* field 22 of /proc/PID/stat: tells a recycled pid */
	uint64_t since;	      /* last state change */
	uint64_t started;     /* last spawn, 0 never */
	uint64_t stopped;     /* last end, 0 never */
	uint64_t lost_lines;
	ledger_text logs[2]; /* real paths of its logs */
	int32_t fault;	     /* Supervisor's fault code of the last failed start, 0: none */
	uint32_t waits;	     /* enum process_wait of slotd */
	bool executed;	     /* the core was told of the process */
	bool clearing;	     /* the leader is reaped, the rest of its group is not yet */
	bool pending;	     /* its new settings apply at the next deploy */
	bool removed;	     /* to be forgotten once it has ended */
	bool restart;	     /* to be started once it has ended */
	bool shut_down;	     /* it was stopped by the shutdown */
	bool start_waits;    /* its start waits for its turn */
	bool restart_due;    /* START_WAITS: the start was due by its timer */
	bool exclusive;	     /* its program is: the file may have changed since */
	uint64_t counted;    /* wall clock: its runs up to there were begun or left out; 0: none */
};

struct ledger_worker {
	struct worker state;
	struct health health;
	struct worker_policy policy; /* under which it runs: the file may have changed since */
	struct ledger_run run;
	struct roll roll;
};

/** What else than struct retire there is of a slot. */
struct ledger_slot {
	char release[LEDGER_LABEL_MAX];
	uint64_t since; /* wall clock: live since, or idle since */
	bool clearing;	/* its workers are stopped first, then it starts */
	bool proven;	/* it was live with the release that it contains */
	bool touched;	/* a deploy into it has begun, and none has succeeded since */
	char one_way[2 * LEDGER_LABEL_MAX]; /* why there is no way back from it; "" */
};

struct ledger_duty {
	uint32_t live;	     /* enum slot_id, as in the switchboard */
	uint32_t generation; /* of the switchboard's word */
	uint32_t next_socket;
	bool down;    /* which slot is live is not known */
	bool holding; /* the live slot is stopped, so that connections wait, which was logged */
	char stopper[LEDGER_LABEL_MAX];
	uint64_t pause_end; /* monotonic; 0: it is not paused */
	char pauser[LEDGER_LABEL_MAX];
	uint64_t frozen; /* wall clock: since when deploys are refused; 0: they are not */
	char freezer[LEDGER_LABEL_MAX], freeze_why[2 * LEDGER_LABEL_MAX];
	uint64_t rolled_back; /* wall clock, if the last job was a rollback; else 0 */
	uint64_t offline;     /* wall clock: since when it is offline; 0: it is not */
	char offliner[LEDGER_LABEL_MAX], offline_why[2 * LEDGER_LABEL_MAX];
	/* of an A/B test: since when, wall clock, 0: there is none; its share, and of which slot */
	uint64_t ab_since;
	uint32_t ab_weight, ab_slot;
	char ab_who[LEDGER_LABEL_MAX];
};

struct ledger_service {
	struct deploy swap;
	struct retire retire[SLOT_MAX_];
	struct ledger_slot slots[SLOT_MAX_];
	struct ledger_duty duty;
};

/** A deploy, swap or rollback as people see it, until its last line is written. */
struct ledger_job {
	uint32_t number;
	uint32_t kind;	   /* enum swap_kind */
	uint32_t from, to; /* enum slot_id */
	uint32_t step;	   /* enum swap_step */
	uint32_t total;
	bool prepared;
	bool back;    /* it failed after the flip and went back */
	bool closing; /* only its last line is missing: the old slot drains */
	char who[LEDGER_LABEL_MAX], release[LEDGER_LABEL_MAX];
	uint64_t began_wall, began, step_began; /* the last two monotonic */
	uint64_t draining;			/* connections of the old slot at the flip */
	uint64_t cut;				/* how many of these were closed with force */
	/* once it is over, until its line is in the history: */
	bool over;
	int32_t code;	    /* enum swap_exit */
	uint32_t failed_in; /* enum swap_step */
	char text[LEDGER_SENTENCE_MAX], why[LEDGER_SENTENCE_MAX], culprit[LEDGER_NAME_MAX];
};

/** An output pipe of one run of a worker, or of a job, until slotd-log has written its last byte.
 */
struct ledger_stream {
	uint32_t id;
	uint32_t worker;  /* index; UINT32_MAX: none, or it is gone; `name` is what it is called */
	uint32_t channel; /* 0 stdout, 1 stderr */
	int32_t pid;	  /* 0: it has not started yet */
	uint64_t maxbytes, capture_maxbytes;
	uint64_t lost_lines, lost_bytes;
	uint32_t backups;
	ledger_text path, name; /* name: "group:name" */
	bool syslog, events, strip_ansi, is_auto;
	bool indent, ending; /* of what MSG_LOG_STREAM says: INDENT, DONE */
};

/* ---- the header ---- */

struct ledger_part {
	uint32_t offset, size; /* within the content */
};

struct ledger_table_layout {
	uint64_t offset;
	uint32_t rows, stride;
	uint32_t content, content_size; /* offset of the first of the two places in a row */
	_Atomic uint32_t used;		/* rows from this one on were never used */
	uint32_t n_parts;
	struct ledger_part parts[LEDGER_PARTS_MAX];
};

struct ledger_header {
	uint32_t magic, version;
	uint32_t n_tables, reserved;
	struct ledger_table_layout tables[LEDGER_TABLE_MAX_];
};

/* The beginning of every row, except of pieces. */
struct ledger_row {
	_Atomic uint32_t seq;  /* of the last commit; its lowest bit says which place is valid */
	_Atomic uint32_t used; /* 0: free */
};

/* ---- writing: slotd ---- */

struct ledger;

/** Creates the memfd, in which only used rows cost memory. The ledger owns the descriptor. */
int ledger_new(struct ledger **ret);
/** Closes the descriptor, too. Accepts NULL. Returns NULL. */
struct ledger *ledger_free(struct ledger *l);
/** Returns the descriptor, which is borrowed. */
int ledger_fd(const struct ledger *l);

/**
 * Finds the row of that name, or takes a free row for it (WORKER, SERVICE). If name is NULL, takes
 * a free row (STREAM). The content of a row that was free is the default.
 *
 * Returns: the index, or -ENOSPC.
 */
int ledger_take(struct ledger *l, enum ledger_table table, const char *name);
/** The row of that number, which is free, for that name (WORKER, SERVICE). 0, or -EEXIST. */
int ledger_take_at(struct ledger *l, enum ledger_table table, const char *name, unsigned index);
/**
 * Rows before `first` are only taken by number, as long as there are others: somebody may still
 * know them by what they meant to a former slotd.
 */
void ledger_reserve(struct ledger *l, enum ledger_table table, unsigned first);
/** Frees the row and the texts that it names. */
void ledger_drop(struct ledger *l, enum ledger_table table, unsigned index);

/* Each copies the whole content into a row; an unused row of DAEMON or JOB is taken for it. */
void ledger_put_daemon(struct ledger *l, const struct ledger_daemon *content);
void ledger_put_worker(struct ledger *l, unsigned index, const struct ledger_worker *content);
void ledger_put_service(struct ledger *l, unsigned index, const struct ledger_service *content);
void ledger_put_job(struct ledger *l, unsigned index, const struct ledger_job *content);
void ledger_put_stream(struct ledger *l, unsigned index, const struct ledger_stream *content);

/** Stores a text that a row can name; for "" or NULL *ret is 0. Returns 0 or -ENOSPC. */
int ledger_text_new(struct ledger *l, const char *text, ledger_text *ret);
/** Frees a text that no row names any more. */
void ledger_text_free(struct ledger *l, ledger_text text);

/* ---- reading: pure ---- */

/** The bytes of a ledger, of this or an older layout. Keeps them. */
struct ledger_view {
	const unsigned char *bytes;
	uint64_t size;
};

/**
 * Checks magic, version, strides and that all tables lie within the bytes.
 *
 * Returns: 0, or -EPROTO with a sentence: garbage, cut off, or newer than this slotd.
 */
int ledger_attach(const void *bytes, uint64_t size, struct diag *diag, struct ledger_view *ret);
/** Returns the number of rows to read; 0 for a table that an older layout did not have. */
unsigned ledger_rows(const struct ledger_view *v, enum ledger_table table);
/** Returns the name of a used row of WORKER or SERVICE, else "". */
const char *ledger_name(const struct ledger_view *v, enum ledger_table table, unsigned index);

/*
 * Each returns 1, with the last committed content of the row in *ret; 0 if the row is free; -EAGAIN
 * if a slotd that is running changed it too often; -EBADMSG if the content makes no sense.
 */
int ledger_get_daemon(const struct ledger_view *v, struct ledger_daemon *ret);
int ledger_get_worker(const struct ledger_view *v, unsigned index, struct ledger_worker *ret);
int ledger_get_service(const struct ledger_view *v, unsigned index, struct ledger_service *ret);
int ledger_get_job(const struct ledger_view *v, unsigned index, struct ledger_job *ret);
int ledger_get_stream(const struct ledger_view *v, unsigned index, struct ledger_stream *ret);
/** Returns the length of the text; -ENOENT for text 0, -EBADMSG if its chain does not end, -ENOSPC
 * if it does not fit. */
int ledger_get_text(const struct ledger_view *v, ledger_text text, char *buf, size_t size);

/** Maps the ledger in fd read-only and attaches to it; to be undone by ledger_unmap. */
int ledger_map(int fd, struct diag *diag, struct ledger_view *ret);
void ledger_unmap(struct ledger_view *v);
