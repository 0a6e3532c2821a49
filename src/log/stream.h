#pragma once

/**
 * Workers' pipes. A stream lives from LOG_STREAM until its pipe's end and the last byte written
 * (LOG_CLOSED).
 */

#include "chunk.h"
#include "datagram.h"
#include "share.h"

#include <slotd/log.h>
#include <slotd/message.h>

struct logger;
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
	usec_t line_since; /* for a shared target: a begun line is waited for since then; 0: not */
	uint64_t lost_lines, lost_bytes;
	int lost_error; /* of the last loss */
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

void streams_init(struct logger *lg);
void streams_done(struct logger *lg);
struct stream *stream_find(struct logger *lg, uint32_t id);

/** MSG_LOG_STREAM. */
void stream_set(struct logger *lg, struct message *m);
/** Takes what is in the pipe now. */
void stream_drain(struct stream *s);
/** All of them, before QUIT is obeyed. */
void streams_drain(struct logger *lg);
/** Enlarges its pipe, once; refused where a user's pipes are limited: then it stays narrow. */
void stream_widen(struct stream *s);
/** Looks again at those that wait for a target, a line's end or the timer. */
void streams_watch_again(struct logger *lg);
/** There is room in the channel: send what it refused. */
void streams_flush(struct logger *lg);
