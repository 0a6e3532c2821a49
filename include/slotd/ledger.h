#pragma once

/**
 * The ledger: a memfd changed in place. What slotd must know after its own death is here and
 * nowhere else in its heap: upgrade, adoption and tests read it by the same code.
 *
 * It has tables of rows. A row of the daemon, of a worker, a service or a job holds the state of
 * the core's machines as it is (plain data: no pointers, monotonic times) and what slotd knows
 * beside it. slotd alone writes: after each step it copies the whole content into the one of a
 * row's two places that does not count, then makes that one count (a sequence lock with two
 * places). So a row is never half-written, whenever slotd dies.
 *
 * Text of any length (paths) is a chain of pieces in a table of its own; a row holds the number of
 * the first. A chain is written before the row that names it, and never changed.
 *
 * The header says where each table begins, how long its rows are and where the parts of a row lie,
 * so that a newer slotd reads what an older one wrote: fields are only ever appended to a part,
 * parts to a row, tables to the header. What an older one did not have keeps its default. A golden
 * test (tests/unit/golden/ledger.txt) holds the offsets.
 */

#include <slotd/deploy.h>
#include <slotd/diag.h>
#include <slotd/health.h>
#include <slotd/retire.h>
#include <slotd/worker.h>

#include <limits.h>

enum {
	LEDGER_VERSION = 2, /* of what this header says; what is appended leaves it as it is */
	LEDGER_WORKERS = SWITCHBOARD_WORKERS,
	LEDGER_SERVICES = SWITCHBOARD_SERVICES,
	LEDGER_STREAMS = LEDGER_WORKERS * 4, /* those of a former run may still be read */
	LEDGER_NAME_MAX = 408,		     /* "group:name" with both up to 200 bytes (config.h) */
	LEDGER_LABEL_MAX = 64,		     /* of a release, of a person */
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
	LEDGER_TABLE_JOB, /* by the index of its service */
	LEDGER_TABLE_STREAM,
	LEDGER_TABLE_PIECE,
	LEDGER_TABLE_MAX_,
	LEDGER_TABLE_INVALID_ = -22,
};

/** Number of a text's first piece, counted from 1; 0: there is none. */
typedef uint32_t ledger_text;

/* ---- what rows hold; each struct that is a part grows at its end only ---- */

struct ledger_daemon {
	int32_t pid;	      /* of the slotd that writes */
	int32_t mood;	      /* enum mood of slotd */
	uint64_t started;     /* wall clock, microseconds, here and below */
	uint32_t next_stream; /* the last number that was given to a stream */
	uint32_t reserved;
};

/** Of a worker's process, what the core does not know. */
struct ledger_run {
	int32_t pid;	      /* 0: none; from fork to reap */
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
	bool pending;	     /* changed, at the next deploy */
	bool removed;	     /* to be forgotten once it has ended */
	bool restart;	     /* to be started once it has ended */
	bool shut_down;	     /* its turn in the shutdown has come */
	bool start_waits;    /* its start waits for its turn */
	bool restart_due;    /* and comes of its timer */
};

struct ledger_worker {
	struct worker state;
	struct health health;
	struct worker_policy policy; /* under which it runs: the file may have changed since */
	struct ledger_run run;
};

/** Of one of a service's slots, beside struct retire. */
struct ledger_slot {
	char release[LEDGER_LABEL_MAX];
	uint64_t since; /* wall clock: live since, or idle since */
	bool clearing;	/* its workers end first, then it starts */
	bool proven;	/* it was live with what it holds */
	bool touched;	/* a deploy into it has begun, and none has succeeded since */
};

struct ledger_duty {
	uint32_t live;	     /* enum slot_id, as in the switchboard */
	uint32_t generation; /* of the switchboard's word */
	uint32_t next_socket;
	bool down;    /* which slot is live is not known */
	bool holding; /* the live slot stands still, and that was said */
	char stopper[LEDGER_LABEL_MAX];
};

struct ledger_service {
	struct deploy swap;
	struct retire retire[SLOT_MAX_];
	struct ledger_slot slots[SLOT_MAX_];
	struct ledger_duty duty;
};

/** A deploy, swap or rollback as people see it, until its last line is said. */
struct ledger_job {
	uint32_t number;
	uint32_t kind;	   /* enum swap_kind */
	uint32_t from, to; /* enum slot_id */
	uint32_t step;	   /* enum swap_step */
	uint32_t total;
	bool prepared;
	bool back;    /* it failed after the flip, and turned round */
	bool closing; /* done but for its last line: the old slot drains */
	char who[LEDGER_LABEL_MAX], release[LEDGER_LABEL_MAX];
	uint64_t began_wall, began, step_began; /* the last two monotonic */
	uint64_t draining;			/* connections of the old slot at the flip */
	uint64_t cut;				/* of these, ended with force */
};

/** One pipe of one run of a worker, until slotd-log has written its last byte. */
struct ledger_stream {
	uint32_t id;
	uint32_t worker;  /* index, UINT32_MAX: it is gone, and `name` says what it was called */
	uint32_t channel; /* 0 stdout, 1 stderr */
	int32_t pid;	  /* 0: it has not started yet */
	uint64_t maxbytes, capture_maxbytes;
	uint64_t lost_lines, lost_bytes;
	uint32_t backups;
	ledger_text path, name; /* name: "group:name" */
	bool syslog, events, strip_ansi, is_auto;
};

/* ---- the header ---- */

struct ledger_part {
	uint32_t offset, size; /* within the content */
};

struct ledger_table_layout {
	uint64_t offset;
	uint32_t rows, stride;
	uint32_t content, content_size; /* offset in a row of the first of two places */
	_Atomic uint32_t used;		/* rows from here on were never used */
	uint32_t n_parts;
	struct ledger_part parts[LEDGER_PARTS_MAX];
};

struct ledger_header {
	uint32_t magic, version;
	uint32_t n_tables, reserved;
	struct ledger_table_layout tables[LEDGER_TABLE_MAX_];
};

/* What every row but a piece begins with. */
struct ledger_row {
	_Atomic uint32_t seq;  /* of the last commit; its lowest bit says which place counts */
	_Atomic uint32_t used; /* 0: free */
};

/* ---- writing: slotd ---- */

struct ledger;

/** Creates the memfd (sparse: only used rows cost memory). The descriptor is the ledger's. */
int ledger_new(struct ledger **ret);
/** Closes the descriptor, too. Accepts NULL. */
struct ledger *ledger_free(struct ledger *l);
/** Borrowed. */
int ledger_fd(const struct ledger *l);

/**
 * The row of that name, or a free one taken for it (WORKER, SERVICE); name NULL: a free one
 * (STREAM). Its content is the default.
 *
 * Returns: index, or -ENOSPC.
 */
int ledger_take(struct ledger *l, enum ledger_table table, const char *name);
/** The row is free again; texts it names are dropped. */
void ledger_drop(struct ledger *l, enum ledger_table table, unsigned index);

/* One copy each. A row of DAEMON or JOB that is not used is taken by it. */
void ledger_put_daemon(struct ledger *l, const struct ledger_daemon *content);
void ledger_put_worker(struct ledger *l, unsigned index, const struct ledger_worker *content);
void ledger_put_service(struct ledger *l, unsigned index, const struct ledger_service *content);
void ledger_put_job(struct ledger *l, unsigned index, const struct ledger_job *content);
void ledger_put_stream(struct ledger *l, unsigned index, const struct ledger_stream *content);

/** Stores a text for a row to name. "" or NULL is 0. 0 or -ENOSPC. */
int ledger_text_new(struct ledger *l, const char *text, ledger_text *ret);
/** No row names it any more. */
void ledger_text_free(struct ledger *l, ledger_text text);

/* ---- reading: pure ---- */

/** Bytes of a ledger, of this or an older layout. Keeps them. */
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
/** Rows to look at: 0 .. n - 1. A table that an older layout did not have: 0. */
unsigned ledger_rows(const struct ledger_view *v, enum ledger_table table);
/** Of a used row of WORKER or SERVICE: its name, else "". */
const char *ledger_name(const struct ledger_view *v, enum ledger_table table, unsigned index);

/*
 * 1: *ret is the row's content as last committed. 0: the row is free. -EAGAIN: a live writer was
 * too quick. -EBADMSG: the content makes no sense.
 */
int ledger_get_daemon(const struct ledger_view *v, struct ledger_daemon *ret);
int ledger_get_worker(const struct ledger_view *v, unsigned index, struct ledger_worker *ret);
int ledger_get_service(const struct ledger_view *v, unsigned index, struct ledger_service *ret);
int ledger_get_job(const struct ledger_view *v, unsigned index, struct ledger_job *ret);
int ledger_get_stream(const struct ledger_view *v, unsigned index, struct ledger_stream *ret);
/** Length, -ENOENT (0), -EBADMSG (no chain that ends), -ENOSPC (longer than size allows). */
int ledger_get_text(const struct ledger_view *v, ledger_text text, char *buf, size_t size);

/** Maps the ledger behind fd read-only and attaches. Unmapped by ledger_unmap. */
int ledger_map(int fd, struct diag *diag, struct ledger_view *ret);
void ledger_unmap(struct ledger_view *v);
