#include "worker/orphans.h"
#include "worker/process.h"
#include "worker/processes.h"

#include <slotd/spawner.h>

#include <stdlib.h>
#include <sys/wait.h>

/* One that ended, and perhaps is no orphan but a child that is about to be told. */
struct orphans {
	pid_t stranger; /* 0: none */
	uint32_t note;
};

static void reap(pid_t pid)
{
	siginfo_t si = {0};
	char status[64];

	if (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG) == 0 && si.si_pid) {
		log_line(LOG_INFO, "reaped unknown pid %d (%s)", (int)si.si_pid,
			 worker_status_text(spawn_wait_status(&si), status, sizeof(status)));
	}
}

static bool is_known(const struct supervisor *sup, pid_t pid)
{
	if (children_know(&sup->children, pid)) {
		return true;
	}
	vec_for_each (p, &sup->processes) {
		if (*p && (*p)->pid == pid) {
			return true;
		}
	}
	return false;
}

/* Not if it may be a child that slotd-spawn has made, whose answer is on the way. */
static bool is_orphan(struct supervisor *sup, pid_t pid)
{
	struct orphans *o = sup->orphans;

	if (o->stranger != pid) {
		o->stranger = pid;
		o->note = spawner_note(sup->children.spawner);
	}
	return spawner_past(sup->children.spawner, o->note);
}

/* The first child that has ended; 0: none has. */
static pid_t first_ended(void)
{
	siginfo_t si = {0};

	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 ? 0 : si.si_pid;
}

/* One that is known ends the search: its own watcher reaps it, and SIGCHLD comes again. */
static void reap_orphans(struct supervisor *sup)
{
	pid_t pid;

	while ((pid = first_ended()) && !is_known(sup, pid)) {
		if (!is_orphan(sup, pid)) {
			return;
		}
		reap(pid);
	}
	sup->orphans->stranger = 0;
}

void orphans_reap(struct supervisor *sup)
{
	vec_for_each (p, &sup->processes) {
		if (*p) {
			process_clear(*p);
		}
	}
	reap_orphans(sup);
}

void orphans_look_again(struct supervisor *sup)
{
	if (sup->orphans->stranger) {
		reap_orphans(sup);
	}
}

int orphans_init(struct supervisor *sup)
{
	sup->orphans = calloc(1, sizeof(*sup->orphans));
	return sup->orphans ? 0 : -ENOMEM;
}

void orphans_done(struct supervisor *sup)
{
	free(sup->orphans);
	sup->orphans = NULL;
}
