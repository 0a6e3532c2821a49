#pragma once

/**
 * Lines to syslog and to the journal, as datagrams of our own: libc's syslog(3) and
 * sd_journal_send(3) wait when the receiver does not keep up, and so would every log.
 *
 * What the receiver does not take at once is dropped and counted.
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
	uint64_t dropped, told; /* ever, and of these known to datagram_news */
	usec_t news_at;		/* not before */
};

#define DATAGRAM_SYSLOG	 "/dev/log"
#define DATAGRAM_JOURNAL "/run/systemd/journal/socket"

void datagram_init(struct datagram *d, const char *path);
void datagram_done(struct datagram *d);

/** How many were dropped since this was last asked; 0 for a minute after it was not 0. */
uint64_t datagram_news(struct datagram *d, usec_t now);

/** One line, "<PRI>TIME identifier: text", facility user. */
void datagram_syslog(struct datagram *d, int priority, const char *identifier, const char *text,
		     size_t n);
/** One entry. @fields  "KEY=value" lines, may be "". */
void datagram_journal(struct datagram *d, int priority, const char *identifier, const char *text,
		      const char *fields);
