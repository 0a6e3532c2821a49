#pragma once

/**
 * The names under which slotd-keep holds descriptors, and where helpers find their channel.
 */

enum {
	HELPER_CHANNEL_FD = 3, /* a helper's channel to slotd, from its start */
};

/* Put under this name, a listening SOCK_SEQPACKET socket is served instead of held: the next
 * slotd asks there. */
#define KEEP_SOCKET "keep.sock"

#define KEEP_LEDGER	   "ledger"
#define KEEP_SWITCHBOARD   "switchboard"
#define KEEP_LOG_STAGING   "log staging" /* staging and notes memfds */
#define KEEP_WORKER_PREFIX "worker "	 /* + group:name: pidfd, stdin, stdout, stderr */
#define KEEP_LISTEN_PREFIX "listen "	 /* + service + " " + address */
#define KEEP_HELPER_PREFIX "helper "	 /* + name: slotd's end of the channel, pidfd */
#define KEEP_PAGE_PREFIX   "relay page " /* + index: a relay's page of counts */
#define KEEP_SERVER_PREFIX "server "	 /* + address: a control socket */
