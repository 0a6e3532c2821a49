#pragma once

/**
 * slotd-log's own frame: what main.c makes and the files of this folder hang on.
 *
 *	main.c      sandbox, channel, messages from slotd -> the functions below
 *	staging.c   pipe -> staging window; notes
 *	stream.c    a worker's pipe: watching, taking, its end
 *	sink.c      where a chunk goes: file, special target, nowhere, loss
 *	share.c     whole lines for a target that several streams share
 *	listener.c  who else gets it: syslog, events
 *	loss.c      what could not be written: said once, counted, told
 *	capture.c   a stream's filter and captured text
 *	chunk.c     what was taken -> log file, with rotation; each step noted before it is made
 *	recover.c   what a killed predecessor left in staging -> log file
 *	requests.c  reopen, clear, open for reading
 *	file.c      log files: open, share, rotate, reopen, empty
 *	special.c   targets that are no regular files: terminals, pipes, sockets
 *	own.c       slotd's own log
 *	datagram.c  syslog and journal, never waiting for them
 *	filter.c    strip_ansi and capture mode (pure)
 *	note.c, rotation.c, lines.c, repeat.c  pure
 *
 * One thread. A write() to a hung disk stops it: then pipes fill and workers wait for their own
 * output at last, but slotd, which only sends messages here, goes on supervising.
 */

#include "file.h"
#include "own.h"
#include "staging.h"
#include "stream.h"

#include <slotd/channel.h>

struct logger {
	struct loop *loop;
	struct channel channel; /* to slotd */
	struct staging staging;
	struct files files;
	struct streams streams;
	struct own own;
	uint32_t reopen_id; /* MSG_LOG_REOPEN that waits for line ends, 0: none */
	struct loop_timer reopen_timer;
	bool stopped; /* QUIT came */
};

/** A line for slotd's log: by slotd, or written here when it is gone. */
void logger_report(struct logger *lg, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Says now and then that lines to d were dropped. */
void logger_datagram_news(struct logger *lg, struct datagram *d);
/** Answers a request; id 0 is no request. */
void logger_done(struct logger *lg, uint32_t id, int code, const char *text);
/** A file was reopened at a line end; answers LOG_REOPEN when it was the last. */
void logger_reopened(struct logger *lg);
/** Opens f's path again when somebody has deleted or moved the file; says so. */
void logger_look_after(struct logger *lg, struct log_file *f);
