#pragma once

/**
 * slotd-control: what its files share.
 *
 *	main.c     the process: sandbox and its end
 *	control.c  all of it but the process: loop, messages from slotd
 *	http.c     connections, requests, routes (libmicrohttpd in our loop)
 *	rpc.c      /RPC2: a request, or the calls of a multicall in order
 *	call.c     one call; methods.c their table, methods_*.c what they do
 *	follow.c   /logtail and /mainlogtail
 *	jobfollow.c  slotd.follow: the logs of jobs
 *	web.c      the web page; page.c its HTML
 *	metrics.c  /metrics; metrics_page.c makes it, metrics_table.c has the metrics
 *	readers.c  who may read what: roles
 *	mirror.c   the state that slotd has sent    jobs.c  deploys and their kin
 *	commands.c what slotd has not answered yet    counts.c  the relays' connections
 *	decode.c, encode.c, auth.c, slice.c, ... pure parts
 *
 * It has no privileges and opens nothing: it gets sockets and logs as descriptors from slotd.
 */

#include "commands.h"
#include "counts.h"
#include "http.h"
#include "jobs.h"
#include "mirror.h"
#include "readers.h"

struct call;

struct control {
	struct loop *loop;
	struct channel channel; /* to slotd */
	struct loop_io slotd_io;
	int slotd_pidfd; /* negative: not watched */
	struct commands commands;
	struct mirror mirror;
	struct jobs jobs;
	struct counts counts;
	struct access access;
	struct call *followers; /* calls of slotd.follow that wait */
	struct job_reader *readers;
	struct http http;
	struct log_once missed_told;
	bool asked; /* slotd for everything, as some of it was lost; it has not come yet */
	bool lacks; /* of that, something without which nobody is let in */
	int failed; /* why another slotd-control is to take over; 0 */
};

/**
 * Takes channel_fd, its end of the channel to slotd, and slotd_pidfd (negative: not watched). Runs
 * by c->loop. 0 or -errno; control_done either way.
 */
int control_init(struct control *c, int channel_fd, int slotd_pidfd);
void control_done(struct control *c);

/** Returns Supervisor's number for the state of slotd: FATAL after slotd has died. */
int64_t daemon_state(const struct control *c);
/** Returns Supervisor's word for it. */
const char *daemon_statename(int64_t state);
