#pragma once

/**
 * The names under which slotd-keep holds descriptors, what each of them is, and where helpers find
 * their channel.
 */

enum {
	HELPER_CHANNEL_FD = 3, /* a helper's channel to slotd, from its start */
	KEEP_TAG_MAX = 24,     /* of one tag, NUL included */
	KEEP_TAGS_MAX = 16 * KEEP_TAG_MAX,
};

/* Put under this name, a listening SOCK_SEQPACKET socket is served instead of held: the next
 * slotd asks there. */
#define KEEP_SOCKET "keep.sock"

#define KEEP_LEDGER	   "ledger"
#define KEEP_SWITCHBOARD   "switchboard"
#define KEEP_LOG_STAGING   "log staging" /* staging and notes memfds */
#define KEEP_WORKER_PREFIX "worker "	 /* + group:name: pidfd, stdin, streams, as far as open */
#define KEEP_STREAM_PREFIX "stream "	 /* + id: one whose worker is gone */
#define KEEP_LISTEN_PREFIX "listen "	 /* + service + " " + address */
#define KEEP_HELPER_PREFIX "helper "	 /* + name: slotd's end of the channel, pidfd */
#define KEEP_PAGE_PREFIX   "relay page " /* + index: a relay's page of counts */
#define KEEP_SERVER_PREFIX "server "	 /* + address: a control socket */

/* What a descriptor of an entry is: TAG_DESCRIPTORS has one of these for each, in their order. */
#define KEEP_TAG_SELF  "self" /* what the entry's name says */
#define KEEP_TAG_PIDFD "pidfd"
#define KEEP_TAG_STDIN "stdin" /* write end */
#define KEEP_TAG_STREAM                                                                            \
	"stream "		   /* + id, in decimal: read end of an output pipe; see the ledger \
				    */
#define KEEP_TAG_CHANNEL "channel" /* slotd's end */
#define KEEP_TAG_STAGING "staging"
#define KEEP_TAG_NOTES	 "notes"

/** Appends a tag. 0, or -ENOSPC and tags are as before. */
int keep_tags_add(char tags[KEEP_TAGS_MAX], const char *tag);
/** Place of the descriptor with that tag, or -ENOENT. */
int keep_tags_find(const char *tags, const char *tag);
