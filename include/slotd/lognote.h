#pragma once

/**
 * How slotd-log takes the output of workers so that nothing is lost if slotd-log is killed.
 *
 * There are two memfds, which slotd creates, slotd-keep holds as well, and each slotd-log gets in
 * MSG_LOG_SETUP (staging first):
 *
 *	staging	memory into which a pipe is spliced. The position of the shared open file says
 *		how much was taken, whatever the kernel was doing when slotd-log was killed.
 *	notes	struct log_notes: what the bytes in staging are, and how much of them is written.
 *
 * For each chunk the note is committed (which file, its size), the pipe is spliced, the bytes are
 * appended to the file, the note is set idle, and the position goes back to 0. After a crash the
 * next slotd-log finds the file in the note, sees by its growth what is still to be written, and
 * finishes. Steps of a rotation are noted before they are made, and can be repeated.
 *
 * For each stream it is recorded whether a line is incomplete, and in which file: if that file is
 * renamed and slotd-log is killed, the line still ends in the file in which it began.
 *
 * A note has two copies and a word that says which one is valid, so that it is never half-written.
 *
 * Details of the messages, beyond what message.h says:
 *
 *	LOG_SETUP	PACKS: slotd understands several messages in a packet.
 *	LOG_STREAM	descriptors: the pipe's read end; then, where PATH means a descriptor
 *			(/dev/stdout, /proc/1/fd/1, links to these), a duplicate of that. No PATH:
 *			the output goes nowhere (but for SYSLOG, CAPTURE and EVENTS). UID and GID:
 *			owner of a file that is made; MODE: its exact mode (default: 0666 less the
 *			umask). INDENT: its lines stand behind a bar (indent.h). A second one
 *			for a known stream changes where its bytes go. DONE: what the pipe holds
 *			now is the last of it, whoever else may write to it; -> LOG_CLOSED.
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
	LOG_NOTE_STREAMS = 8192, /* streams for which this is recorded */
	LOG_NOTES_VERSION = 1,
};

#define LOG_NOTES_MAGIC 0x6e6f7465u /* "note" */

enum log_event_kind {
	LOG_EVENT_LOG,		 /* PROCESS_LOG_STDOUT, _STDERR */
	LOG_EVENT_COMMUNICATION, /* PROCESS_COMMUNICATION_STDOUT, _STDERR: captured text */
};

enum log_note_state {
	LOG_NOTE_IDLE,	   /* nothing in staging is still to be written */
	LOG_NOTE_WRITING,  /* [from, position) is being appended to the file, from offset on */
	LOG_NOTE_SHIFTING, /* the file's backups are being renamed, beginning with `step` */
	LOG_NOTE_MAKING,   /* the file was renamed or is to be emptied; a new one is made */
};

struct log_note {
	uint32_t state; /* enum log_note_state */
	uint32_t stream;
	uint64_t dev, ino; /* of the file; ino 0: the bytes do not go to a regular file */
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

/** What must be known of a stream between two chunks. */
struct log_stream_note {
	uint32_t stream;   /* 0: free */
	uint32_t filter;   /* state of its filter */
	uint64_t dev, ino; /* of the file with an incomplete line; ino 0: there is none */
};

struct log_notes {
	uint32_t magic, version;
	_Atomic uint32_t current; /* which of the two copies is valid */
	uint32_t reserved;
	struct log_note_copy copies[2];
	struct log_stream_note streams[LOG_NOTE_STREAMS];
};

/**
 * Creates both memfds, of fixed size. slotd calls it if slotd-keep has none.
 *
 * Returns: 0, or -errno with nothing left open.
 */
int lognote_create(int *ret_staging_fd, int *ret_notes_fd);
