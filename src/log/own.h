#pragma once

/**
 * slotd's own log: a file in Supervisor's format ("2026-01-31 10:00:00,123 INFO text"), a copy to
 * a descriptor, syslog, the journal with fields. None of them can hold up another.
 */

#include "datagram.h"
#include "file.h"
#include "repeat.h"

#include <slotd/message.h>

struct logger;

struct own {
	struct log_file *file; /* NULL: none */
	int echo;	       /* slotd's stdout; -EBADF: none */
	dev_t echo_dev;	       /* what that is */
	ino_t echo_ino;
	uint64_t echo_dropped;
	int level; /* less urgent lines are left out */
	bool use_echo, use_syslog, use_journal;
	struct datagram syslog, journal;
	char identifier[64];
	struct repeat repeat;
	struct loop_timer repeat_timer;
};

struct own_line {
	int priority;
	usec_t when; /* wall clock */
	const char *text;
	const char *fields; /* "KEY=value" lines, "" for none */
};

void own_init(struct logger *lg);
void own_done(struct logger *lg);
/** MSG_LOG_OWN. */
void own_set(struct logger *lg, struct message *m);
/** MSG_LOG_LINE. */
void own_received(struct logger *lg, const struct message *m);
/** MSG_LOG_PRINT. */
void own_print(struct logger *lg, const struct message *m);
/** A line of our own making. */
void own_write(struct logger *lg, const struct own_line *line);
