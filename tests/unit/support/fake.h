#pragma once

/**
 * A fake platform, at the level of platform's headers: a loop whose clock moves when told, and
 * processes that are none. Descriptors are real (pipes, socket pairs, memfds), so that whoever
 * leaks one, or watches one that is closed, is found.
 *
 *	fake_loop.c	slotd/loop.h and the clocks
 *	fake_process.c	processes: pidfds that become readable, waitid(2), signals
 *	fake_spawn.c	slotd/spawn.h: what slotd makes itself becomes a fake process
 *	faults.c	makes the n-th call fail
 *	fake_helpers.c	the other end of the helpers' channels, slotd-spawn's among them
 *	fake_keep.c	slotd-keep's end: it outlives a slotd that is killed
 *	fake_relay.c	slotd-relay's end
 *	fake_cgroup.c	control groups
 *
 * Some replace a module of platform, others single functions (ld --wrap, see meson.build).
 */

#include <slotd/ledger.h>
#include <slotd/loop.h>
#include <slotd/message.h>

#include <check.h>
#include <sys/types.h>

#include "faults.h"

/* Check's own assertions allocate memory also where they hold. */
#define must(condition, ...)                       \
	do {                                       \
		if (!(condition)) {                \
			faults_pause(true);        \
			ck_abort_msg(__VA_ARGS__); \
		}                                  \
	} while (0)

/* ---- fake_loop.c */

/** Monotonic; the wall clock is ahead of it by FAKE_WALL. */
extern usec_t fake_now;
#define FAKE_WALL SECONDS(1700000000)
/** By how much the wall clock was set since then. */
extern int64_t fake_wall_step;

/** One turn without waiting and without time passing. True when something was called. */
bool fake_loop_turn(void);
/** When the next timer is due; USEC_NEVER. */
usec_t fake_loop_next_timer(void);
/** Calls the timers that are due. True when there was one. */
bool fake_loop_fire(void);
/** As if slotd got that signal. */
void fake_loop_signal(int signo);
/** loop_stop was called. */
bool fake_loop_stopped(void);
/** Watchers, timers and idles that are active. */
unsigned fake_loop_active(void);
/** slotd is killed: its loop is gone, and whatever was armed is not called any more. */
void fake_loop_kill(void);

/* ---- fake_process.c */

enum {
	FAKE_PROCESSES_MAX = 256,
	FAKE_NAME_MAX = 64,
};

struct fake_process {
	pid_t pid;		  /* 0: free */
	char name[FAKE_NAME_MAX]; /* last part of argv[0] */
	int exit_fd;   /* write end of the pipe whose read end is its pidfd: closed at its end */
	ino_t ino;     /* of that pipe: which process a descriptor of slotd's means */
	int report_fd; /* write end; -EBADF: it has become its command, or says why not */
	int stdio[3];
	int channel_fd; /* a helper's end */
	bool ended;
	bool orphan; /* its slotd was killed: it is init's child, which reaps it at once */
	int status;  /* wait status */
};

extern struct fake_process fake_processes[FAKE_PROCESSES_MAX];
/** Signals end them at once. Set at the start. */
extern bool fake_obedient;
/** New ones become their command at once. Set at the start. */
extern bool fake_prompt;
/** A /bin/sh: a check's command, or the prepare commands. Zeroed at the start. */
struct fake_shell {
	const char *says;
	int code;   /* it ends with that, at once */
	bool stays; /* it does not: until fake_process_exit of "sh" */
	unsigned runs;
};
extern struct fake_shell fake_shell;
/** Functions of slotd's own do not end. */
extern bool fake_functions_hang;
/** What slotd did with processes since it was last emptied: "spawn web; signal web TERM". */
extern char fake_story[4096];
void fake_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** A new one, and its pidfd, which is the caller's. */
struct fake_process *fake_process_new(const char *name, int *ret_pidfd);
/** The process group of whoever sends a datagram; 0: its own. 0 at the start. */
extern pid_t fake_group;
/** A command: it has duplicates of these, and is at its command at once where it is prompt. */
void fake_process_begin(struct fake_process *p, const int stdio[3], int report_fd);
/** The newest of that name that has not ended; NULL. */
struct fake_process *fake_process_find(const char *name);
struct fake_process *fake_process_of(pid_t pid);
void fake_process_exec(struct fake_process *p);
void fake_process_exit(struct fake_process *p, int status);
/** Those that have ended and were not reaped count, too. */
unsigned fake_processes_left(void);
/** slotd is gone: those that have ended are reaped by init. */
void fake_processes_inherit(void);
/** slotd is killed: those that go on are init's, too. */
void fake_processes_orphan(void);
/** How an orphan has ended, nobody can tell. Not set at the start. */
extern bool fake_ends_unseen;
bool fake_process_holds(int fd);

/* ---- fake_helpers.c */

/** Reads what helpers were told, and answers as they would. True when there was something. */
bool fake_helpers_turn(void);
/** Sends to slotd as that helper ("slotd-control"). */
void fake_helper_send(const char *name, struct message *m);
/** Checks pass. Set at the start. */
extern bool fake_healthy;
/** slotd-probe answers. Set at the start. */
extern bool fake_probe_answers;
/** What slotd-spawn answers: 0, and there is a process; or -errno. 0 at the start. */
extern int fake_refusal;
/** It makes the process, and does not say so. Not set at the start. */
extern bool fake_spawn_is_silent;
/** It says so now, and from now on. */
void fake_spawn_says(void);
/** What slotd-log has read of its pipes since it was last emptied, as far as there is room. */
extern char fake_logged[4096];
/** What slotd-control was told to answer since the last call: "web 80 OK; #7 80". Of an item it is
 * the name, the code and the text; of an answer the number of the request, the code and the text.
 * Borrowed until then. */
const char *fake_answers(void);
/** What the newest slotd-control knows; a test may change it. */
struct mirror;
struct mirror *fake_shown(void);
/** The round (mirror.h) in which it was told last where to listen. */
extern uint64_t fake_listen_round;
/** How often it was told of a job. */
extern unsigned fake_jobs_told;
/** They do not end when they are told to. Not set at the start. */
extern bool fake_helpers_stay;
/** Those of that name read nothing; NULL at the start. */
extern const char *fake_helper_deaf;
/** slotd-log answers who asks for a file. Set at the start. */
extern bool fake_log_answers;
/** Pipes that the newest slotd-log reads. */
unsigned fake_streams(void);
/** Lines of slotd's log that are missing, as slotd-log was told and writes into it. */
extern unsigned fake_log_lost;
/** Sends as that process; nobody hears it where slotd has closed the channel. */
void fake_say(const struct fake_process *h, struct message *m);
bool fake_helpers_hold(int fd);
/** Closes what they hold. */
void fake_helpers_done(void);

/* ---- fake_keep.c: slotd-keep */

/** It answers who asks what it holds. Set at the start. */
extern bool fake_keep_answers;
/** A descriptor that it holds, borrowed; -EBADF. */
int fake_kept(const char *name, const char *tag);
/** As if slotd had put it: an entry of one descriptor, which it takes. */
void fake_keep_put(const char *name, const char *tag, int fd);
void fake_keep_drop(const char *name);
/** The header of the ledger that it holds: a test may change all of it. */
struct ledger_header *fake_kept_ledger(void);
/** The content of a row of it: struct ledger_worker of that name; struct ledger_job of that
 * service. */
void *fake_kept_row(enum ledger_table table, const char *name);
void fake_keep_told(const struct fake_process *h, struct message *m);
bool fake_keep_turn(void);
bool fake_keep_holds(int fd);
void fake_keep_done(void);

/* ---- fake_cgroup.c: control groups, in a directory */

/** From the next world on there are control groups, in that world's directory; NULL: none. */
void fake_cgroups_below(const char *dir);
/** A process is in the group, which is made; with no process it is to be emptied. */
void fake_cgroup_put(const char *name, pid_t pid);
void fake_cgroup_empty(const char *name);
bool fake_cgroup_there(const char *name);

/* ---- fake_relay.c: slotd-relay */

/** They answer at once. Set at the start; where not, fake_relays_pay has them answer. */
extern bool fake_relays_answer;
void fake_relays_pay(void);
/** They have nothing to wait for in a drain. Set at the start; where not, none ends. */
extern bool fake_relays_drain;
/** Connections that each ends when it is told to. 0 at the start. */
extern unsigned fake_relays_cut;
/** The counts of the one that was set up last. */
struct relay_page;
extern struct relay_page *fake_relay_page;
/** What they were told since the last call: "worker a up; table; flipped". Borrowed until then. */
const char *fake_relays_heard(void);
void fake_relay_told(const struct fake_process *relay, struct message *m);
void fake_relay_done(void);
