#pragma once

/** The frame of slotd, which all rooms share; src/README.md says what each of them is for. */

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
struct leftover;
struct process;
struct service;
struct successor;
struct upgraded;

enum mood { /* Supervisor's word; the numbers are its API */
	    MOOD_SHUTDOWN = -1,
	    MOOD_RESTARTING = 0,
	    MOOD_RUNNING = 1,
};

/** What the command line has set. Keeps everything. */
struct supervisor_options {
	const char *config_path; /* as given by -c, NULL: default places */
	const struct config_overrides *overrides;
	bool foreground; /* log lines go to stdout, too */
	int ready_fd;	 /* daemonizing: written to when the start is complete; -EBADF: none */
	const struct successor *successor; /* how slotd is executed again */
	struct upgraded *upgraded;	   /* what a slotd in this process left; NULL: nothing */
	bool directories_stay;		   /* overrides has those of that slotd */
	unsigned upgrades;		   /* in this process */
	const char *upgrade_failed;	   /* why the last one did; "" or NULL: it did not */
};

struct supervisor {
	struct loop *loop;
	struct children children;	/* for child_run */
	struct config *config;		/* the last one that was read; groups are added from it */
	struct config *services_config; /* the one that the services are part of */
	struct supervisor_options options;
	enum mood mood;
	usec_t started_wall;
	bool quitting; /* helpers_quit was called */
	bool leaving;  /* what it took over is another's again: nothing is removed or ended */
	struct loop_idle shutdown_idle; /* queued by what a shutdown may wait for */

	struct ledger *ledger;
	int switchboard_fd; /* writable */
	struct switchboard *switchboard;
	uint32_t next_stream; /* id of the newest; in the ledger, too */

	VEC(struct group *) groups;	 /* by (priority, name) */
	VEC(struct process *) processes; /* by ledger index; NULL where free */
	VEC(struct service *) services;
	VEC(struct helper *) helpers;

	/* How rooms call later ones: filled by wiring.c; lists end with NULL. */
	const struct worker_observer *const *worker_observers;
	const struct service_observer *const *service_observers;
	const struct service_part *service_parts; /* the last has no name */
	const struct handoff_ops *handoff;
	const struct helper_ops *const *helper_ops; /* by kind */
	void (*const *look_after)(struct supervisor *sup);
	/** Are clients served in a way that no descriptor of slotd shows? */
	bool (*work_goes_on)(const struct supervisor *sup);
	/** A configuration was found with which slotd can start again: stops everything. */
	void (*restart)(struct supervisor *sup);
	/**
	 * Answers a request about a service, now that it is decided; nobody waits for 0.
	 *
	 * @r     0, or a negative errno with the sentence text.
	 */
	void (*decide)(struct supervisor *sup, uint32_t id, int r, const char *text);

	/* Each belongs to the file or the room of that name, and no other knows the struct. */
	struct activity *activity;
	struct cgroups *cgroups;
	struct clock *clock;
	struct directories *directories;
	struct events *events;
	struct fcgi *fcgi;
	struct gate *gate;
	struct helpers *helpers_own;
	struct inheritance *inheritance; /* NULL: no slotd was killed */
	struct jobs *jobs;
	struct keepings *keepings;
	struct leftover *leftovers;
	struct login *login; /* of service/environment.c */
	struct lookout *lookout;
	struct notices *notices;
	struct sd_listener *sd_listener;
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
	struct schedules *schedules;
	struct servers *servers;
	struct shutdown *shutdown;
	struct signals *signals;
	struct starts *starts;
	struct streams *streams;
	struct systemd *systemd;
	struct dry_run *dry_runs; /* under way */
	struct upgrade *upgrade;
	struct waits *waits;
};
