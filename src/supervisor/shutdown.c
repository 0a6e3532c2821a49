#include "shutdown.h"
#include "deploy/records.h"
#include "deploy/service_swap.h"
#include "link/daemon_row.h"
#include "link/helpers.h"
#include "reload/reload.h"
#include "show/events.h"
#include "show/publish.h"
#include "show/systemd.h"
#include "worker/process.h"
#include "worker/process_row.h"
#include "worker/processes.h"

#include <slotd/cleanup.h>
#include <slotd/log.h>

#include <stdlib.h>

/* A whole priority level is stopped at once, the last first; the helpers when all have ended. */

#define SHUTDOWN_HEARD	 SECONDS(1)
#define SHUTDOWN_WRITTEN SECONDS(5)

struct shutdown {
	struct supervisor *sup;
	struct loop_timer timer; /* listeners hear of the shutdown until then */
	bool heard;
	bool tried_again;	   /* to write what could not be written before */
	struct loop_timer writing; /* what is still to be recorded is waited for until then */
	bool given_up;
};

struct level {
	int group, program;
};

static struct level level_of(const struct process *p)
{
	return (struct level){p->group->priority, p->config->program->priority};
}

static int level_compare(struct level a, struct level b)
{
	if (a.group != b.group) {
		return a.group < b.group ? -1 : 1;
	}
	return a.program < b.program ? -1 : a.program > b.program;
}

static bool last_level(const struct supervisor *sup, struct level *ret)
{
	bool any = false;

	vec_for_each (p, &sup->processes) {
		if (*p && !process_ended(*p) && (!any || level_compare(level_of(*p), *ret) > 0)) {
			*ret = level_of(*p);
			any = true;
		}
	}
	return any;
}

static void on_shutdown_timer(struct loop_timer *t)
{
	struct shutdown *d = container_of(t, struct shutdown, timer);

	d->heard = true;
	loop_idle_queue(d->sup->loop, &d->sup->shutdown_idle);
}

/* Listeners are the last to be stopped, usually. They get a moment to hear what was stopped before
 * them. */
static bool still_heard(struct supervisor *sup, struct level level)
{
	struct shutdown *d = sup->shutdown;
	bool unheard = false;

	vec_for_each (p, &sup->processes) {
		unheard =
			unheard || (*p && !(*p)->shut_down &&
				    level_compare(level_of(*p), level) == 0 && events_unheard(*p));
	}
	if (unheard && !d->heard && d->timer.at == USEC_NEVER) {
		loop_timer_set(sup->loop, &d->timer, usec_add(usec_monotonic(), SHUTDOWN_HEARD));
	}
	return unheard && !d->heard;
}

static void on_writing_timer(struct loop_timer *t)
{
	struct shutdown *d = container_of(t, struct shutdown, writing);

	log_line(LOG_WARNING, "%s: the last records are not written yet: giving them up",
		 d->sup->config->supervisord.state_dir);
	d->given_up = true;
	loop_idle_queue(d->sup->loop, &d->sup->shutdown_idle);
}

/* How a job ended belongs into the history, but a dead disk does not hold up the end for long. */
static bool still_written(struct supervisor *sup)
{
	struct shutdown *d = sup->shutdown;

	if (!d->tried_again) {
		d->tried_again = true;
		records_try_again(sup);
	}
	if (!records_busy(sup)) {
		loop_timer_stop(sup->loop, &d->writing);
		return false;
	}
	if (!d->given_up && d->writing.at == USEC_NEVER) {
		loop_timer_set(sup->loop, &d->writing,
			       usec_add(usec_monotonic(), SHUTDOWN_WRITTEN));
	}
	return !d->given_up;
}

/* Queued when a worker ended during the shutdown, or a record is written: stops the next level. */
static void on_shutdown_idle(struct loop_idle *idle)
{
	struct supervisor *sup = container_of(idle, struct supervisor, shutdown_idle);
	struct level level = {0};
	bool ended = false;

	if (sup->quitting || sup->mood == MOOD_RUNNING) {
		return;
	}
	if (!last_level(sup, &level)) {
		if (!still_written(sup)) {
			helpers_quit(sup);
		}
		return;
	}
	if (still_heard(sup, level)) {
		return;
	}
	vec_for_each (p, &sup->processes) {
		if (*p && !process_ended(*p) && !(*p)->shut_down &&
		    level_compare(level_of(*p), level) == 0) {
			(*p)->shut_down = true;
			process_shutdown(*p);
			ended = ended || process_ended(*p);
		}
	}
	/* One that only waited for its next start has ended without a change that would be told. */
	if (ended) {
		loop_idle_queue(sup->loop, idle);
	}
}

void supervisor_shutdown(struct supervisor *sup, enum mood mood)
{
	bool first = sup->mood == MOOD_RUNNING;

	sup->mood = mood;
	supervisor_commit(sup);
	publish_daemon(sup);
	systemd_ending(sup);
	if (!first) {
		return; /* TERM during a restart makes it a shutdown */
	}
	events_emit(sup, EVENT_SUPERVISOR_STATE_CHANGE_STOPPING, NULL, 0);
	reload_cancel(sup);
	services_shutdown(sup);
	vec_for_each (p, &sup->processes) {
		if (*p) {
			(*p)->worker.no_start = true;
			process_commit(*p);
		}
	}
	loop_idle_queue(sup->loop, &sup->shutdown_idle);
}

void shutdown_process_entered(struct process *p, const struct plan_action *a)
{
	(void)a;
	if (p->sup->mood != MOOD_RUNNING) {
		loop_idle_queue(p->sup->loop, &p->sup->shutdown_idle);
	}
}

int shutdown_init(struct supervisor *sup)
{
	struct shutdown *d = calloc(1, sizeof(*d));

	if (!d) {
		return -ENOMEM;
	}
	d->sup = sup;
	sup->shutdown = d;
	loop_idle_init(&sup->shutdown_idle, on_shutdown_idle);
	loop_timer_init(&d->timer, on_shutdown_timer);
	loop_timer_init(&d->writing, on_writing_timer);
	return 0;
}

void shutdown_done(struct supervisor *sup)
{
	if (sup->shutdown) {
		loop_timer_stop(sup->loop, &sup->shutdown->timer);
		loop_timer_stop(sup->loop, &sup->shutdown->writing);
		loop_idle_cancel(sup->loop, &sup->shutdown_idle);
		free(sup->shutdown);
		sup->shutdown = NULL;
	}
}
