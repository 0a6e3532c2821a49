#pragma once

/**
 * The names under which slotd-keep holds descriptors, what each of them is, and where helpers find
 * their channel.
 */

#include <stdint.h>

enum {
	HELPER_CHANNEL_FD = 3, /* a helper's channel to slotd, from its start */
	KEEP_TAG_MAX = 24,     /* bytes of one tag, NUL included */
	KEEP_TAGS_MAX = 16 * KEEP_TAG_MAX,
};

/* slotd-keep serves the listening SOCK_SEQPACKET socket that it is given under this name, and lists
 * it like what it holds: the next slotd connects to it, and keeps that channel. */
#define KEEP_SOCKET "keep.sock"
/* In run_dir, too. */
#define KEEP_NOTIFY_NAME "notify.sock"

#define KEEP_LEDGER	     "ledger"
#define KEEP_SWITCHBOARD     "switchboard"
#define KEEP_LOG_STAGING     "log staging" /* staging and notes memfds */
#define KEEP_WORKER_PREFIX   "worker "	   /* + group:name: pidfd, stdin, streams; if open */
#define KEEP_STREAM_PREFIX   "stream "	   /* + id: of a worker that is gone */
#define KEEP_LISTEN_PREFIX   "listen "	   /* + service + " " + address */
#define KEEP_HELPER_PREFIX   "helper "	   /* + name: slotd's end of the channel, pidfd */
#define KEEP_PAGE_PREFIX     "relay page " /* + index: a relay's page of counts */
#define KEEP_POOL	     "relay pool"  /* the memfd that all relays share */
#define KEEP_HISTORY	     "history"	   /* memfd: its lines that are not written yet */
#define KEEP_RECORD	     "record"	   /* pidfd of the child that writes a record */
#define KEEP_COMMAND_PREFIX  "command "	   /* + service: pidfd of its prepare commands */
#define KEEP_ANNOUNCE_PREFIX "announce "   /* + service: pidfd of its announce commands */
#define KEEP_NOTICE_PREFIX   "notice "	   /* + service: memfd of what is not delivered, pidfds */
#define KEEP_PRUNE_PREFIX    "prune "	   /* + service: pidfd of who removes old releases */
#define KEEP_JOB_PREFIX	     "job "	   /* + number: write end of the pipe to its log */
#define KEEP_FCGI_PREFIX     "fcgi "	   /* + program + " " + url: a socket of an fcgi program */
#define KEEP_SERVER_PREFIX   "server "	   /* + address: a control socket */
#define KEEP_NOTIFY	     "notify"	   /* the socket of NOTIFY_SOCKET */

/* What the descriptors of an entry are: TAG_DESCRIPTORS has a tag for each, in the same order. */
#define KEEP_TAG_SELF  "self" /* what the name of the entry says */
#define KEEP_TAG_PIDFD "pidfd"
#define KEEP_TAG_STDIN "stdin" /* write end */
#define KEEP_TAG_LINES "lines" /* write end */
#define KEEP_TAG_STREAM                                                                            \
	"stream "		   /* + id, in decimal: read end of an output pipe; see the ledger \
				    */
#define KEEP_TAG_SOCKET	 "socket " /* + the number that relays know it by: a public socket */
#define KEEP_TAG_REQUEST "request" /* for its child: slotd/spawnrequest.h */
#define KEEP_TAG_CHANNEL "channel" /* slotd's end */
#define KEEP_TAG_STAGING "staging"
#define KEEP_TAG_NOTES	 "notes"
#define KEEP_TAG_TEST	 "test" /* pidfd of a command that is only a test */

/** Appends a tag. Returns 0; or -ENOSPC, and tags are unchanged. */
int keep_tags_add(char tags[KEEP_TAGS_MAX], const char *tag);
/** Returns the index of the descriptor with that tag, or -ENOENT. */
int keep_tags_find(const char *tags, const char *tag);
/** The number behind the prefix of the place-th tag; -ENOENT: it has another prefix, or there is
 * none. */
int64_t keep_tags_number(const char *tags, unsigned place, const char *prefix);
