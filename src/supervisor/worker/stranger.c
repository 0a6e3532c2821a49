#include "worker/stranger.h"

#include <slotd/cleanup.h>
#include <slotd/os.h>

#include <errno.h>
#include <signal.h>

/* What was killed is soon gone; who cannot be (it waits for a disk) is not waited for. */
#define LOOK_AGAIN MSECONDS(20)
enum {
	LOOKS_MAX = 100,
};

/* No process has the number, or the one that has it is the leader. */
static bool is_its_number(const struct process *p)
{
	uint64_t ticks = process_start_ticks(p->pid);

	return ticks == 0 || ticks == p->start_ticks;
}

void stranger_kill_group(struct process *p)
{
	if (is_its_number(p)) {
		(void)kill(-p->pid, SIGKILL);
	}
}

bool stranger_group_ended(struct process *p)
{
	if (process_group_ended(p->pid) || !is_its_number(p) || p->n_looks >= LOOKS_MAX) {
		return true;
	}
	p->n_looks++;
	loop_timer_set(p->sup->loop, &p->clear_timer, usec_add(usec_monotonic(), LOOK_AGAIN));
	return false;
}
