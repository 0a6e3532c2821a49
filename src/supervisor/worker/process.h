#pragma once

/** A worker's process and its group, which every room may read. */

#include "supervisor.h"

#include <slotd/health.h>
#include <slotd/rolling.h>
#include <slotd/spawn.h>
#include <slotd/worker.h>

enum {
	PROCESS_EVENTS_MAX = 8,
};

/** What has to end before a process starts; see waits.c. */
enum process_wait {
	WAITS_FOR_NOTHING,
	WAITS_FOR_REMOVED, /* the processes that were removed by the reload that added it */
	WAITS_FOR_QUEUE,   /* the queue workers of the other slot, and its own former run */
	WAITS_FOR_RIVAL,   /* an exclusive worker; see process_rival */
};

struct process {
	struct supervisor *sup;
	struct worker worker; /* the state of the core */
	const struct worker_config *config;
	struct config *origin; /* what config points into */
	struct group *group;
	char *namespec; /* "group:name", or "name" where both are the same */

	struct spawn_call *call;     /* the request to slotd-spawn that is not answered yet */
	int request_fd;		     /* of that call, for slotd-keep alone; -EBADF */
	uint64_t signals;	     /* to be sent after the answer: 1 << number */
	pid_t pid;		     /* of the child, from the answer to reap */
	uint64_t start_ticks;	     /* of that pid; see slotd/ledger.h */
	int pidfd;		     /* -EBADF: none */
	int report_fd;		     /* the child's report; closed once it is known */
	bool executed;		     /* the core was told of it */
	bool adopted;		     /* a former slotd made it: it is no child of ours */
	bool known;		     /* the former slotd's ledger says what state it is in */
	bool clearing;		     /* the leader is reaped, the rest of its group is not yet */
	int status;		     /* wait status of the leader while clearing */
	int fault;		     /* Supervisor's fault code of the last failed start, 0: none */
	struct spawn_report *report; /* why the child did not execute its command; or NULL */
	struct loop_io exit_io, report_io;
	struct loop_timer timer;
	struct loop_timer clear_timer; /* the group of one that is no child is looked at again */
	unsigned n_looks;
	struct worker_event events[PROCESS_EVENTS_MAX]; /* came while a plan was carried out */
	unsigned n_events;
	bool stepping;
	char *spawn_text; /* why a start failed; NULL: it did not, or no memory */

	int stdin_fd;		     /* write end, -EBADF */
	struct input *input;	     /* what waits to be written there; streams.c */
	uint32_t streams[2];	     /* ids at slotd-log, 0: none */
	struct stream *open_streams; /* of this run and former ones, the newest first */
	char *log_paths[2];	     /* real path of the log file, NULL: none; AUTO resolved */
	ledger_text ledger_logs[2];  /* the same in the ledger */
	uint64_t lost_lines;
	usec_t since_wall, started_wall, stopped_wall; /* 0: never */
	struct service *service;		       /* NULL: in no slot */
	enum slot_id slot;
	bool live;	      /* that slot gets new connections, and no canary's share of them */
	bool with_slot;	      /* the service has consumers=with_slot */
	struct health health; /* service workers with an address */
	struct roll roll;     /* its part in a rolling restart */
	bool probing;
	char health_text[256];			 /* the result of the last failed check */
	bool refused;				 /* something it has sent, which was logged */
	bool denied;				 /* relays may not connect to its socket */
	bool pending;				 /* new settings apply at the next deploy */
	bool removed;				 /* to be freed once it has ended */
	bool restart;				 /* to be started once it has ended */
	bool shut_down;				 /* it was stopped by the shutdown */
	const struct worker_config *next_config; /* applies at the next start; NULL: none */
	struct config *next_origin;
	usec_t counted;	   /* wall clock: its runs up to there were begun or left out; 0: none */
	int64_t next_run;  /* wall clock, seconds; 0: none */
	unsigned left_out; /* runs, since the one that goes on began */
	unsigned waiters;  /* requests of commands.c that watch it */
	enum process_wait waits; /* to be started once something else has ended */
	bool start_waits;	 /* in the list of starts.c */
	bool restart_due;	 /* its start is due by its timer, and nobody has asked for it */
	struct process *next_start;
	uint64_t generation; /* of its published state */
	bool dirty;
};

struct group {
	struct supervisor *sup;
	const struct group_config *config;
	struct config *origin; /* what config points into */
	char *name;
	int priority;
	VEC(struct process *) processes; /* by (priority, name) */
	struct service *service;	 /* NULL: in no slot */
	enum slot_id slot;
	bool removed; /* to be freed once all its processes have ended */
	bool dirty;
};
