#pragma once

/**
 * Sends lines to syslog and to the journal without waiting. libc's syslog(3) and
 * sd_journal_send(3) wait for a receiver that does not keep up, and with them every log would.
 *
 * A line that the receiver does not take at once is dropped and counted.
 *
 * Source: syslog(3), RFC 3164; systemd's "Native Journal Protocol".
 */

#include <slotd/usec.h>

#include <stddef.h>
#include <stdint.h>

struct datagram {
	const char *path;
	int fd;
	usec_t retry_at;
	uint64_t dropped, told; /* since the start; how many of them datagram_news has returned */
	usec_t news_at;		/* datagram_news returns 0 until then */
};

#define DATAGRAM_SYSLOG	 "/dev/log"
#define DATAGRAM_JOURNAL "/run/systemd/journal/socket"

/** Prepares d, which connects when the first line is sent. Keeps path. */
void datagram_init(struct datagram *d, const char *path);
/** Closes the socket. */
void datagram_done(struct datagram *d);

/** Returns how many lines were dropped since the last call that did not return 0; at most once a
 * minute, else 0. now is monotonic. */
uint64_t datagram_news(struct datagram *d, usec_t now);

/** Sends a line, "<PRI>TIME identifier: text" with facility user. text has n bytes. */
void datagram_syslog(struct datagram *d, int priority, const char *identifier, const char *text,
		     size_t n);
/** Sends an entry to the journal. fields are lines "KEY=value"; "" for none. */
void datagram_journal(struct datagram *d, int priority, const char *identifier, const char *text,
		      const char *fields);
