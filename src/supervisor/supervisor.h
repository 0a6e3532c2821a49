#pragma once

/**
 * slotd's own frame: what main.c makes and every room hangs on.
 *
 *	link/     helper processes and what slotd-keep holds, slotd's own log, control's sockets
 *	worker/   processes and their groups: launch, streams, starts, names, fcgi
 *	service/  services, their public sockets, slots, health checks
 *	handoff/  relays, and the rounds that each of them answers
 *	deploy/   swap and deploy carried out, jobs, the prepare commands, records
 *	show/     what slotd-control's mirror shows, requests that wait, events, systemd
 *	reload/   a reload, of groups and of services
 *	.         main, start and end, what a former slotd left, requests from slotd-control
 *
 * Each uses only those before it.
 */

#include "link/activity.h"

#include <slotd/channel.h>
#include <slotd/child.h>
#include <slotd/clockwatch.h>
#include <slotd/config.h>
#include <slotd/ledger.h>
#include <slotd/log.h>
#include <slotd/loop.h>
#include <slotd/map.h>
#include <slotd/ownname.h>
#include <slotd/slab.h>
#include <slotd/spawn.h>
#include <slotd/swap.h>
#include <slotd/vec.h>
#include <slotd/worker.h>

#include <limits.h>
#include <signal.h>
#include <sys/un.h>

struct supervisor;
struct process;
struct group;
struct service;
struct helper;
struct helper_ops;
struct worker_observer;
struct service_observer;
struct service_part;
struct handoff_ops;
struct ready_sockets;

/* Supervisor's "moods"; numbers are its API. */
enum mood {
	MOOD_SHUTDOWN = -1,
	MOOD_RESTARTING = 0,
	MOOD_RUNNING = 1,
};

/** What the command line decided. Keeps everything. */
struct supervisor_options {
	const char *config_path; /* as given by -c, NULL: default places */
	const struct config_overrides *overrides;
	bool foreground; /* log lines go to stdout, too */
	int ready_fd;	 /* told when the start is done: daemonizing; -EBADF: nobody */
};

struct supervisor {
	struct loop *loop;
	struct children children;	/* for child_run */
	struct config *config;		/* the last one read: what a group is added from */
	struct config *services_config; /* what the services point into */
	struct supervisor_options options;
	enum mood mood;
	int exit_code;
	usec_t started_wall;
	struct clock_watch clock;
	struct activity activity;
	unsigned n_waiting; /* processes that wait for an end: waits.c */
	struct loop_idle waits_idle;

	/* filled by the wiring, the lists with NULL at their end */
	const struct worker_observer *const *worker_observers;
	const struct service_observer *const *service_observers;
	const struct service_part *service_parts;
	const struct handoff_ops *handoff;
	const struct helper_ops *const *helper_ops; /* by kind */
	void (*const *look_after)(struct supervisor *sup);
	bool (*work_goes_on)(const struct supervisor *sup);
	/** A configuration that would start again was found: stops everything, to start anew. */
	void (*restart)(struct supervisor *sup);

	struct ledger *ledger;
	int switchboard_fd; /* writable */
	struct switchboard *switchboard;
	char directories[3][PATH_MAX]; /* directories.c: state_dir, run_dir, log_dir */
	char directories_note[2 * PATH_MAX];
	int lock_fd;		       /* state_dir/lock */
	struct relay_pool *relay_pool; /* made with the first relay; NULL: not yet */
	int relay_pool_fd;
	int keep_socket_fd; /* served by slotd-keep */
	char keep_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct own_name keep_name;
	struct own_name pidfile;
	int pidfile_fd;				/* keeps its inode; -EBADF: not written */
	struct loop_signal signals[SIGSYS + 1]; /* by number */
	struct loop_idle reap_idle, shutdown_idle;
	struct loop_timer shutdown_timer; /* listeners hear of the shutdown until then */
	bool heard;
	struct loop_timer watchdog;
	usec_t watchdog_interval;
	struct loop_timer patience; /* systemd is asked for more time */

	VEC(struct group *) groups;	 /* by (priority, name) */
	VEC(struct process *) processes; /* by ledger index; NULL where free */
	struct slab process_memory;
	VEC(struct service *) services;
	VEC(struct helper *) helpers;
	char helper_dir[2][PATH_MAX]; /* where helpers are looked for; build tree first */
	struct map kept;	      /* what slotd-keep holds, by name: struct kept of helpers.c */
	bool quitting;		      /* helpers_quit was called */

	struct process *starts, *starts_last; /* starts.c: that wait for their turn */
	unsigned starts_done;		      /* in this turn of the loop */
	usec_t crashers_from; /* the next turn of those that crash again and again */
	struct loop_timer starts_timer;

	uint32_t next_request, next_stream;
	uint64_t generation;
	struct log_once exhausted; /* EMFILE, ENOMEM, EAGAIN from fork */

	void *requests;		 /* requests.c: those that wait */
	bool requests_ready;	 /* some can be answered */
	unsigned requests_depth; /* walks over the list that are going on */

	/* private to their files */
	void *events, *fcgi, *streams, *ownlog, *servers, *publish, *jobs, *records, *gate, *reload;
	void *lookout;
	struct ready_sockets *ready_sockets;
};
