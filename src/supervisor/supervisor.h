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

#include <slotd/child.h>
#include <slotd/config.h>
#include <slotd/ledger.h>
#include <slotd/log.h>
#include <slotd/loop.h>
#include <slotd/switchboard.h>
#include <slotd/vec.h>

struct group;
struct helper;
struct helper_ops;
struct process;
struct service;
struct supervisor;

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
	usec_t started_wall;
	bool quitting;			/* helpers_quit was called */
	struct loop_idle shutdown_idle; /* queued by what a shutdown may wait for */

	struct ledger *ledger;
	int switchboard_fd; /* writable */
	struct switchboard *switchboard;
	uint32_t next_stream; /* id of the newest; in the ledger, too */

	VEC(struct group *) groups;	 /* by (priority, name) */
	VEC(struct process *) processes; /* by ledger index; NULL where free */
	VEC(struct service *) services;
	VEC(struct helper *) helpers;

	/* How rooms speak to later ones: filled by wiring.c, lists with NULL at their end. */
	const struct worker_observer *const *worker_observers;
	const struct service_observer *const *service_observers;
	const struct service_part *service_parts; /* the last has no name */
	const struct handoff_ops *handoff;
	const struct helper_ops *const *helper_ops; /* by kind */
	void (*const *look_after)(struct supervisor *sup);
	/** Is a client in the middle of something, which comes to no descriptor of slotd's? */
	bool (*work_goes_on)(const struct supervisor *sup);
	/** A configuration that would start again was found: stops everything, to start anew. */
	void (*restart)(struct supervisor *sup);

	/* Each of the file that has its name, and known to nobody else. */
	struct activity *activity;
	struct clock *clock;
	struct directories *directories;
	struct events *events;
	struct fcgi *fcgi;
	struct gate *gate;
	struct helpers *helpers_own;
	struct jobs *jobs;
	struct keepings *keepings;
	struct lookout *lookout;
	struct orphans *orphans;
	struct ownlog *ownlog;
	struct pidfile *pidfile;
	struct predecessor *predecessor;
	struct publish *publish;
	struct ready_sockets *ready_sockets; /* of service_reload.c, for sockets.c */
	struct records *records;
	struct relays *relays;
	struct reload *reload;
	struct requests *requests;
	struct servers *servers;
	struct shutdown *shutdown;
	struct signals *signals;
	struct starts *starts;
	struct streams *streams;
	struct systemd *systemd;
	struct waits *waits;
};
