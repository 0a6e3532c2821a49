#pragma once

/**
 * How slotd-log takes workers' output without ever being the only one who has it.
 *
 * Two memfds, made by slotd, held also by slotd-keep, given to each slotd-log in MSG_LOG_SETUP
 * (staging first):
 *
 *	staging	a window into which a pipe is spliced. The position of the shared open file says
 *		how much was taken, whatever the kernel was doing when slotd-log was killed.
 *	notes	struct log_notes: what the bytes in staging are, and how far they have got.
 *
 * A chunk's way: the note is committed (which file, its size), the pipe is spliced, the bytes are
 * appended to the file, the note is set idle, the position goes back to 0. A successor finds in
 * the note the file whose growth tells what is still to be written, and finishes; rotation steps
 * are noted before they are made and can be repeated.
 *
 * Of each stream it is remembered whether a line is begun, and in which file: should that be
 * renamed and slotd-log be killed, the line still ends where it began.
 *
 * A note has two copies and a word that says which one counts, so that it is never half-written.
 *
 * Conversation, beside what message.h says of each message:
 *
 *	LOG_STREAM	descriptors: the pipe's read end; then, where PATH means a descriptor
 *			(/dev/stdout, /proc/1/fd/1, links to these), a duplicate of that. No PATH:
 *			the output goes nowhere (but for SYSLOG, CAPTURE and EVENTS). UID and GID:
 *			owner of a file that is made; MODE: its exact mode (default: 0666 less the
 *			umask). A second one for a known stream changes where its bytes go.
 *	LOG_LOST	totals since the stream began; CODE (negative errno) and TEXT say why.
 *	LOG_CLEAR	STREAM; PATH; neither: slotd's own log. CODE in DONE: 0 or -errno.
 *	LOG_OPEN	as LOG_CLEAR; descriptor and PATH in LOG_OPENED, or CODE and TEXT.
 *			MODE: a missing file is made.
 *	LOG_OWN		descriptors: slotd's stdout (a daemon's is /dev/null); then, where PATH
 *			means a descriptor, a duplicate of that one. PATH, MAXBYTES, BACKUPS: the
 *			file; ECHO: a copy of every line goes to stdout; SYSLOG, JOURNAL: the
 *			same. A second one replaces the first.
 *	LOG_LINE	COUNT: lines that slotd had to leave out before this one.
 *	LOG_EVENT	KIND: enum log_event_kind; at most MESSAGE_BYTES_MAX a message.
 */

#include <stdatomic.h>
#include <stdint.h>

enum {
	LOG_STAGING_SIZE = 256 * 1024,
	LOG_NOTE_PATH_MAX = 4096,
	LOG_NOTE_STREAMS = 8192, /* streams that are remembered */
	LOG_NOTES_VERSION = 1,
};

#define LOG_NOTES_MAGIC 0x6e6f7465u /* "note" */

enum log_event_kind {
	LOG_EVENT_LOG,		 /* PROCESS_LOG_STDOUT, _STDERR */
	LOG_EVENT_COMMUNICATION, /* PROCESS_COMMUNICATION_STDOUT, _STDERR: captured text */
};

enum log_note_state {
	LOG_NOTE_IDLE,	   /* nothing in staging is owed to anyone */
	LOG_NOTE_WRITING,  /* [from, position) is being appended to the file, from offset on */
	LOG_NOTE_SHIFTING, /* the file's backups are being renamed, `step` is next */
	LOG_NOTE_MAKING,   /* the file was renamed or is to be emptied; a new one comes */
};

struct log_note {
	uint32_t state; /* enum log_note_state */
	uint32_t stream;
	uint64_t dev, ino; /* of the file; ino 0: the bytes go to no regular file */
	uint64_t offset;   /* its size before the first byte of [from, ...) */
	uint64_t maxbytes; /* 0: no rotation */
	uint32_t backups;
	uint32_t step;	  /* SHIFTING: path.step -> path.(step+1); 0: path -> path.1 */
	uint32_t from;	  /* bytes of the (filtered) chunk that are in files already */
	uint32_t filters; /* bits of enum log_filter (src/log/filter.h), 0: none */
	uint32_t filter;  /* the stream's filter state at the chunk's first byte */
	uint32_t mode, uid, gid;
};

struct log_note_copy {
	struct log_note note;
	char path[LOG_NOTE_PATH_MAX];
};

/** What must be remembered of a stream between two chunks. */
struct log_stream_note {
	uint32_t stream;   /* 0: free */
	uint32_t filter;   /* state of its filter */
	uint64_t dev, ino; /* of the file in which a line is begun; ino 0: none is */
};

struct log_notes {
	uint32_t magic, version;
	_Atomic uint32_t current; /* which of the two copies counts */
	uint32_t reserved;
	struct log_note_copy copies[2];
	struct log_stream_note streams[LOG_NOTE_STREAMS];
};

/**
 * Makes both memfds, of fixed size. Called by slotd when keep has none.
 *
 * Returns: 0, or -errno with nothing left open.
 */
int lognote_create(int *ret_staging_fd, int *ret_notes_fd);
