#pragma once

/**
 * Messages between slotd's processes, at most MESSAGE_MAX bytes each. A packet carries one, or
 * several in a row if the receiver has said that it understands this (TAG_PACKS); only the first
 * of them may have descriptors.
 *
 *	header   u16 type, u16 reserved (0), u32 id, u32 length of the body    (host byte order)
 *	body     u16 tag, u16 reserved (0), u32 length, value, padding to 8    repeated
 *
 * A tag has the same type everywhere. The row of a message says which tags it must have and may
 * have, and how many descriptors travel with it (common/message_table.c). Unknown tags are skipped,
 * so an old helper understands a newer slotd. message_decode checks all that the row says; then the
 * getters cannot fail: a required tag is there, a text ends with its only NUL.
 *
 * id pairs an answer with its request; it is 0 if no answer is expected.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MESSAGE_MAX = 64 * 1024,
	MESSAGE_FDS_MAX = 16,
	MESSAGE_BYTES_MAX = 60 * 1024, /* of one value; leaves room for the rest of the message */
};

/* Order and numbers are the protocol: append only. */
enum message_type {
	MSG_NONE,
	/* any helper */
	MSG_READY,  /* helper -> slotd: set up and sandboxed */
	MSG_QUIT,   /* slotd -> helper: finish and exit 0 */
	MSG_REPORT, /* helper -> slotd: a line for slotd's log */
	/* slotd <-> slotd-keep */
	MSG_KEEP_PUT, /* name and its descriptors, replacing what was there */
	MSG_KEEP_DROP,
	MSG_KEEP_LIST, /* -> KEEP_ITEM ... KEEP_END */
	MSG_KEEP_ITEM,
	MSG_KEEP_END,
	/* slotd <-> slotd-log: details in lognote.h */
	MSG_LOG_SETUP,	/* staging and note memfds; first message */
	MSG_LOG_STREAM, /* a worker's pipe and where its bytes go */
	MSG_LOG_CLOSED, /* log -> slotd: the stream's last byte is written */
	MSG_LOG_OWN,	/* slotd's own log: file, level, syslog, journal, echo */
	MSG_LOG_LINE,	/* a line for slotd's own log */
	MSG_LOG_REOPEN, /* -> DONE */
	MSG_LOG_CLEAR,	/* -> DONE */
	MSG_LOG_OPEN,	/* -> LOG_OPENED: a read-only descriptor, after draining the pipe */
	MSG_LOG_OPENED,
	MSG_LOG_LOST,  /* log -> slotd: total lines and bytes a stream lost, and why */
	MSG_LOG_EVENT, /* log -> slotd: captured or logged bytes for an event */
	MSG_DONE,      /* generic answer: code, text */
	/* slotd <-> slotd-relay */
	MSG_RELAY_SETUP, /* switchboard (read-only), this relay's page of counts, the pool; COUNT of
			  * relays, among which a worker's worker_max is shared out */
	MSG_RELAY_SERVICE,
	MSG_RELAY_SERVICE_GONE,
	MSG_RELAY_LISTEN,
	MSG_RELAY_LISTEN_GONE, /* accept what is queued, then stop; -> DONE */
	MSG_RELAY_WORKER,      /* one worker of a slot's table; or its up/down changed */
	MSG_RELAY_WORKER_GONE,
	MSG_RELAY_TABLE,   /* the tables are complete; -> DONE */
	MSG_RELAY_FLIPPED, /* doorbell; -> DONE when all placed before have connected or failed over
			    */
	MSG_RELAY_DRAIN,   /* close idle connections of a slot from now on; -> DRAINED. WORKER: of
			    * that worker alone */
	MSG_RELAY_DRAINED, /* relay -> slotd: none queued, silent or in flight is left here */
	MSG_RELAY_CUT,	   /* end every connection of a slot; -> DONE with their count */
	/* slotd <-> slotd-probe */
	MSG_PROBE, /* -> PROBE_RESULT */
	MSG_PROBE_RESULT,
	/* slotd <-> slotd-control */
	MSG_CONTROL_LISTEN,
	MSG_STATE_DAEMON,
	MSG_STATE_GROUP,
	MSG_STATE_GROUP_GONE,
	MSG_STATE_WORKER,
	MSG_STATE_WORKER_GONE,
	MSG_STATE_SERVICE,
	MSG_STATE_SERVICE_GONE,
	MSG_STATE_SLOT,
	MSG_STATE_CONFIG, /* one program process of the last (re)read configuration, as JSON */
	MSG_STATE_CONFIG_GONE,
	MSG_STATE_SYNCED, /* everything has been sent once */
	MSG_COMMAND,	  /* control -> slotd; -> ANSWER_ITEM* ANSWER */
	MSG_COMMAND_GONE, /* control -> slotd: nobody waits for that id any more */
	MSG_ANSWER_ITEM,
	MSG_ANSWER,
	MSG_JOB,	  /* state of a deploy, swap, rollback or other long command */
	MSG_WAS_JOB_LINE, /* a number that is not used any more */
	MSG_STDIN,	  /* control -> slotd: bytes for a worker's stdin; -> ANSWER */
	MSG_EVENT,	  /* control -> slotd: sendRemoteCommEvent; -> ANSWER */
	MSG_STATE_COUNTS, /* a relay's page of counts, read-only */
	MSG_LOG_PRINT,	  /* slotd -> log: bytes for slotd's own stdout */
	MSG_RELAY_DENIED, /* relay -> slotd: no permission to connect to a worker's unix socket;
			     UP 1: there is permission again */
	MSG_PING, /* slotd -> any helper, which only has to read it; see supervisor/link/activity.c
		   */
	/* slotd <-> slotd-spawn */
	MSG_SPAWN,	    /* one child: slotd/spawnrequest.h; -> SPAWNED */
	MSG_SPAWNED,	    /* CODE 0 with PID, TICKS and the pidfd; or why there is no child */
	MSG_RELAY_RETIRE,   /* accept no more, and end when no connection is left */
	MSG_CONTROL_ACCESS, /* slotd -> control: who has which role (TEXT: grant_format); UID:
			     * slotd's own user; STATE 1: who has none may read nothing */
	MSG_RELAY_PAGE,	    /* what an offline service answers, TEXT: its Content-Type; without a
			     * descriptor: the page that is built in */
	MSG_STATE_ALL,	    /* all state follows, until STATE_SYNCED: what is not named is gone */
	MSG_STATE_AGAIN,    /* control -> slotd: some of it was lost; -> STATE_ALL, in a second */
	MSG_TYPE_MAX_,
	MSG_TYPE_INVALID_ = -22,
};

enum message_tag {
	TAG_NONE,
	/* identity */
	TAG_NAME,
	TAG_GROUP,
	TAG_PROGRAM,
	TAG_SERVICE,	   /* name */
	TAG_SERVICE_INDEX, /* index in the switchboard */
	TAG_SLOT,	   /* 0 a, 1 b */
	TAG_WORKER,	   /* index in the ledger */
	TAG_STREAM,
	TAG_CHANNEL, /* 0 stdout, 1 stderr */
	TAG_GENERATION,
	TAG_INDEX,
	TAG_COUNT,
	/* outcome */
	TAG_CODE, /* negative errno, Supervisor fault or exit code, as the message says */
	TAG_TEXT,
	TAG_BYTES,
	TAG_STATUS,
	TAG_LEVEL,  /* syslog priority 0..7 */
	TAG_FIELDS, /* "KEY=value\n..." for the journal */
	/* processes */
	TAG_PID,
	TAG_UID,
	TAG_GID,
	TAG_STATE,
	TAG_SINCE, /* wall clock, microseconds, here and in the next three */
	TAG_STARTED,
	TAG_STOPPED,
	TAG_WHEN,
	TAG_RESTARTS,
	TAG_EXIT, /* wait status */
	TAG_SPAWNERR,
	TAG_LOST_LINES,
	TAG_LOST_BYTES,
	TAG_PRIORITY,
	TAG_HEALTHY,
	TAG_PENDING, /* new settings apply at the next deploy */
	/* logs */
	TAG_PATH,
	TAG_STDOUT_PATH,
	TAG_STDERR_PATH,
	TAG_MAXBYTES,
	TAG_BACKUPS,
	TAG_SYSLOG,
	TAG_CAPTURE,
	TAG_EVENTS,
	TAG_STRIP_ANSI,
	TAG_MODE,
	TAG_ECHO,
	TAG_JOURNAL,
	TAG_IDENTIFIER,
	TAG_VERSION,
	/* services */
	TAG_ADDRESS, /* "127.0.0.1:8000", "[::1]:8000", "unix:/run/x.sock" */
	TAG_LIVE,
	TAG_STEP,
	TAG_RELEASE,
	TAG_BALANCE,
	TAG_CONNECT,
	TAG_WORKER_MAX,
	TAG_PROXY_PROTOCOL,
	TAG_HOLD_TIMEOUT,
	TAG_CONNECT_TIMEOUT,
	TAG_DRAIN,
	TAG_UP,
	TAG_READY,  /* workers healthy */
	TAG_TOTAL,  /* workers configured */
	TAG_QUEUED, /* this and the next two are no longer sent */
	TAG_ACTIVE,
	TAG_IDLE,
	TAG_DEADLINE, /* wall clock, microseconds */
	TAG_NOTE,
	/* probe */
	TAG_KIND,
	TAG_HOST,
	TAG_HEADER,
	TAG_EXPECT,  /* health_status, as text */
	TAG_TIMEOUT, /* microseconds */
	/* control */
	TAG_COMMAND, /* enum command (command.h) */
	TAG_ARG,
	TAG_SIGNAL,
	TAG_WAIT,
	TAG_FORCE,
	TAG_USERNAME,
	TAG_PASSWORD,
	TAG_SECTION,
	TAG_JOB,
	TAG_SEQ, /* not sent any more */
	TAG_DONE,
	TAG_WHO,
	TAG_JSON,
	TAG_LISTENS, /* addresses, one a line */
	TAG_PROTOCOL,
	TAG_RETRY,
	TAG_DRAIN_IDLE,
	TAG_DRAIN_SPREAD,
	TAG_CLIENT_TIMEOUT,
	TAG_IDLE_TIMEOUT,
	TAG_HALF_CLOSE_TIMEOUT,
	TAG_DESCRIPTORS, /* a line for each descriptor that says what it is; see keep.h */
	TAG_TROUBLES,	 /* bits: enum trouble; NOTE has a line for each, in their order */
	TAG_REMARK,	 /* enum slot_remark */
	TAG_SHARE,	 /* of PLACEMENT_WHOLE */
	TAG_TICKS,	 /* start time of a process, by process_start_ticks */
	TAG_INDENT,
	TAG_PACKS, /* 1: who sends it understands several messages in a packet */
	TAG_RETRY_AFTER,
	TAG_PREVIEW,	   /* 1: of the idle slot */
	TAG_CANARY_BY,	   /* enum canary_by */
	TAG_CANARY_COOKIE, /* its name */
	TAG_CANARY_FROM,   /* a line for each network */
	TAG_MAX_,
	TAG_INVALID_ = -22,
};

struct message {
	enum message_type type;
	uint32_t id;
	unsigned n_fds;
	int fds[MESSAGE_FDS_MAX];
	int error;	       /* of the first put that failed: -EMSGSIZE, -EINVAL */
	uint32_t len;	       /* bytes of buf that are used, header included */
	uint32_t at[TAG_MAX_]; /* offset of the tag's length field in buf; 0: absent */
	_Alignas(8) unsigned char buf[MESSAGE_MAX];
};

/** Makes an empty message, to be filled with the puts. Does not touch buf beyond the header. */
void message_init(struct message *m, enum message_type type, uint32_t id);
/** Closes the descriptors that nobody has taken. */
void message_done(struct message *m);

/*
 * Puts: a failure stays in m->error, which the send reports. It is an error to put a tag twice, or
 * a tag that the row of the message does not name.
 */
void message_put_u64(struct message *m, enum message_tag tag, uint64_t value);
void message_put_i64(struct message *m, enum message_tag tag, int64_t value);
/** NULL is not put at all. A text longer than MESSAGE_BYTES_MAX is cut. */
void message_put_text(struct message *m, enum message_tag tag, const char *text);
void message_put_bytes(struct message *m, enum message_tag tag, const void *data, size_t len);
/** Borrows fd, which must stay open until the message was sent. */
void message_put_fd(struct message *m, int fd);

/* Getters: an absent tag yields 0, NULL ("" from message_str) or nothing. What they return is
 * borrowed from m. */
bool message_has(const struct message *m, enum message_tag tag);
uint64_t message_u64(const struct message *m, enum message_tag tag);
int64_t message_i64(const struct message *m, enum message_tag tag);
const char *message_text(const struct message *m, enum message_tag tag);
const char *message_str(const struct message *m, enum message_tag tag);
const void *message_bytes(const struct message *m, enum message_tag tag, size_t *ret_len);
/** Takes descriptor i over; returns -EBADF if it is absent or taken. */
int message_take_fd(struct message *m, unsigned i);

/**
 * Makes the message ready to be sent: checks it against its row (required tags, descriptors) and
 * m->error, and writes the length into the header. Channels call it; the bytes to send are then
 * m->buf, m->len. Returns 0 or -errno.
 */
int message_seal(struct message *m);
/**
 * Returns how many of the len bytes at data are the first message, by its header; 0 if there is no
 * whole header.
 */
size_t message_span(const void *data, size_t len);
/**
 * Decodes the len bytes in m->buf; n_fds and fds must be set.
 *
 * @ret_why  a static text that says why it failed. May be NULL.
 * Returns: 0; -EBADMSG if it is not a valid message.
 */
int message_decode(struct message *m, size_t len, const char **ret_why);
/** Writes "LOG_STREAM #3 stream=7 path=\"/x\" [1 fd]" into buf; for debug logs and tests. */
const char *message_dump(const struct message *m, char *buf, size_t size);

/** These return names for logs and tests; "?" for a number that has none. */
const char *message_type_name(enum message_type type);
const char *message_tag_name(enum message_tag tag);

/** The row of a type: which tags it must have and may have. For the fuzzer and the tests. */
struct message_row {
	const char *name;
	const uint16_t *required; /* ends with TAG_NONE */
	const uint16_t *optional;
	unsigned fds_min, fds_max;
};
/** Returns NULL for a number that has no row. */
const struct message_row *message_row(enum message_type type);

enum tag_type {
	TAG_U64, /* also carries signed values */
	TAG_STRING,
	TAG_BLOB,
};
/** Returns the type of a tag between TAG_NONE and TAG_MAX_. */
enum tag_type message_tag_type(enum message_tag tag);

/*
 * MSG_COMMAND, MSG_STDIN and MSG_EVENT say who asks: INDEX is the control server that got the
 * request (as in MSG_CONTROL_LISTEN), WHO the user name that was given with a password, and UID,
 * GID and PID those of the peer of a unix socket. In an answer with a fault code, TEXT is what
 * follows "NAME: "; without it slotd-control puts the name there as the caller wrote it.
 */

/** TAG_KIND of MSG_PROBE: the kinds of enum health_kind (config.h) that slotd-probe can check. */
enum probe_kind {
	PROBE_TCP,
	PROBE_HTTP, /* PATH, HOST (default: the address), HEADER (lines), EXPECT (default 200-399)
		     */
	PROBE_KIND_MAX_,
	PROBE_KIND_INVALID_ = -22,
};

/** TAG_CODE of MSG_PROBE_RESULT; a negative errno means that the check could not be made. */
enum probe_code {
	PROBE_PASSED,
	PROBE_FAILED, /* refused, no answer in time, a status that is not expected: TEXT says */
};
