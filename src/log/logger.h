#pragma once

/**
 * slotd-log's own frame: what the files of this folder hang on, and how they speak to slotd. It
 * calls none of them; main.c makes it, and knows them all.
 *
 *	main.c      sandbox, channel, messages from slotd -> the functions below
 *	staging.c   pipe -> staging window; notes
 *	stream.c    a worker's pipe: watching, taking, its end
 *	sink.c      where a chunk goes: file, special target, nowhere, loss
 *	pace.c      how much a pipe holds, how often it is emptied
 *	share.c     whole lines for a target that several streams share
 *	listener.c  who else gets it: syslog, events
 *	loss.c      what could not be written: said once, counted, told
 *	capture.c   a stream's filter and captured text
 *	chunk.c     what was taken -> log file, with rotation; each step noted before it is made
 *	recover.c   what a killed predecessor left in staging -> log file
 *	reopen.c    files that are opened again: asked for, or because they were moved
 *	requests.c  clear, open for reading
 *	file.c      log files: open, share, rotate, reopen, empty
 *	freer.c     a removed file's space is given back by a thread
 *	special.c   targets that are no regular files: terminals, pipes, sockets
 *	own.c       slotd's own log
 *	datagram.c  syslog and journal, never waiting for them
 *	filter.c    strip_ansi and capture mode (pure)
 *	note.c, rotation.c, lines.c, repeat.c, rest.c  pure
 *
 * All of that is one thread; freer.c has another, which only closes descriptors. A write to a
 * disk that hangs stops it: then pipes fill and workers wait for their own output at last, but
 * slotd, which only sends messages here, goes on supervising.
 */

#include "chunk.h"
#include "datagram.h"
#include "file.h"
#include "own.h"
#include "staging.h"

#include <slotd/channel.h>
#include <slotd/log.h>
#include <slotd/message.h>

struct stream_filter;

enum {
	STREAM_BUCKETS = 1024,
};

struct stream {
	struct stream *next; /* in its bucket */
	struct logger *lg;
	struct loop_io io;
	int pipe; /* -EBADF after its end */
	uint32_t id;
	uint32_t pid;
	uint8_t channel; /* 0 stdout, 1 stderr */
	bool syslog : 1;
	bool events : 1;      /* what is logged is an event, too */
	bool waiting : 1;     /* for a special target, or for the timer */
	bool skip : 1;	      /* the beginning of this line was lost: lose the rest, too */
	bool wide : 1;	      /* the pipe was enlarged, or cannot be */
	bool line_broken : 1; /* its begin went to a shared target: the rest is not waited for */
	bool lost_new : 1;    /* LOG_LOST is due */
	bool ended : 1;	      /* LOG_CLOSED is still to be sent */
	char *name;	      /* the worker's; owned */
	char *identifier;     /* for syslog; owned, NULL: slotd */
	struct log_stream_note *memory; /* for a successor; NULL: no room there */
	struct log_file *file;
	struct stream_filter *filter; /* NULL: bytes go as they are */
	char *line;		      /* begun, for syslog; NULL: none */
	size_t line_len;
	unsigned room;			/* of the pipe, in bytes; 0: not asked for yet */
	unsigned looks;			/* in a row at which there was much in the pipe */
	bool flows;			/* in pace.flowing, and out of the loop's set */
	struct stream *before, *behind; /* there */
	unsigned line_looks; /* for a shared target: at a begun line, whose end is waited for */
	usec_t line_look;    /* when the last of them was */
	uint64_t lost_lines, lost_bytes;
	int lost_error; /* of the last loss */
};

/** Where share.c looks at what is in a stream's pipe. */
struct share {
	int pipe[2]; /* for a look at what a stream's pipe holds; -EBADF: not made */
	char *seen;
	struct loop_timer timer;   /* armed while a line is begun */
	void (*again)(void *data); /* then: look at the streams again; set by their owner */
	void *data;
};

/** When the pipes were looked at, and when to look again (pace.c). */
struct pace {
	struct loop *loop;
	struct loop_idle turn_end;
	struct loop_idle look;	     /* at those that flow */
	struct stream *first, *last; /* those that flow; the first is next */
	unsigned n_flowing;
	void (*take)(struct stream *); /* what is in its pipe */
	usec_t began;	    /* when the first pipe of this turn was looked at; 0: none was */
	usec_t rest;	    /* before this turn */
	usec_t flows_until; /* what comes later came after a pause */
	bool flows;	    /* something came in this turn, and no pause was before it */
	unsigned filled;    /* this turn's fullest pipe, in sixteenths */
};

struct streams {
	struct stream *buckets[STREAM_BUCKETS];
	struct loop_timer timer; /* for LOG_LOST and for streams on hold; else not armed */
	struct datagram syslog;
	uint64_t events_dropped;
	int null_fd;  /* /dev/null, for what goes nowhere */
	bool holding; /* some stream waits for the timer */
	struct log_once held;
	struct share share;
	/* What recovery lost or kept of a stream whose LOG_STREAM is still to come. */
	struct {
		uint32_t stream;
		struct chunk_loss loss;
		size_t rest; /* for a special target */
		char *buf;
	} orphan;
};

struct logger {
	struct loop *loop;
	struct channel channel; /* to slotd */
	struct staging staging;
	struct files files;
	struct streams streams;
	struct pace pace;
	struct own own;
	uint32_t reopen_id; /* MSG_LOG_REOPEN that waits for line ends, 0: none */
	struct loop_timer reopen_timer;
	bool stopped; /* QUIT came */
	/* Who writes what slotd does not hear, for it is gone; set by main.c. */
	void (*unheard)(struct logger *lg, int priority, const char *text);
};

/** Writes a line to slotd's own log: through slotd, which gives it to all targets, or directly if
 * there is no slotd at present. */
void logger_report(struct logger *lg, int priority, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Reports, at most once a minute, how many lines d has dropped. */
void logger_datagram_news(struct logger *lg, struct datagram *d);
/** Answers the request id with MSG_DONE. code is 0 or -errno; text may be NULL. No answer is sent
 * if id is 0. */
void logger_done(struct logger *lg, uint32_t id, int code, const char *text);
