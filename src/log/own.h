#pragma once

/**
 * slotd's own log: a file in Supervisor's format ("2026-01-31 10:00:00,123 INFO text"), a copy to a
 * descriptor, syslog, and the journal with fields. None of them can delay another.
 */

#include "datagram.h"
#include "file.h"
#include "repeat.h"

#include <slotd/message.h>

struct logger;

struct own {
	struct log_file *file; /* NULL: none */
	int echo;	       /* slotd's stdout; -EBADF: none */
	dev_t echo_dev;	       /* of the file behind echo; likewise the inode, 0: not known */
	ino_t echo_ino;
	uint64_t echo_dropped; /* lines, since the last one that was taken */
	int level;	       /* syslog priority; less urgent lines are left out */
	bool use_echo, use_syslog, use_journal;
	struct datagram syslog, journal;
	char identifier[64];
	struct repeat repeat;
	struct loop_timer repeat_timer;
};

struct own_line {
	int priority;
	usec_t when; /* wall clock, microseconds */
	const char *text;
	const char *fields; /* lines "KEY=value" for the journal; "" for none */
};

/** Prepares the log, which has no target until own_set. */
void own_init(struct logger *lg);
/** Writes how many repeated lines were left out, and closes all targets. */
void own_done(struct logger *lg);
/** Handles MSG_LOG_OWN: sets level and targets. Takes the descriptors of m. */
void own_set(struct logger *lg, struct message *m);
/** Handles MSG_LOG_LINE. */
void own_received(struct logger *lg, const struct message *m);
/** Handles MSG_LOG_PRINT. */
void own_print(struct logger *lg, const struct message *m);
/** Writes a line to all targets, if its level is wanted and it is not one of many repeats. */
void own_write(struct logger *lg, const struct own_line *line);
