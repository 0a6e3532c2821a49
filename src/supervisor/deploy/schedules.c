#include "deploy/schedules.h"
#include "deploy/records.h"
#include "deploy/records_read.h"
#include "link/inheritance.h"
#include "service/service.h"
#include "worker/observers.h"
#include "worker/process.h"
#include "worker/process_facts.h"
#include "worker/process_row.h"
#include "worker/starts.h"
#include "worker/waits.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	GRACE = 60,		/* seconds; a run that is later than this is missed */
	COUNT_MAX = 1000,	/* runs that are counted; of more it is said that they are more */
	BACK_MAX = 3 * 60 * 60, /* a clock that is set back by more has the new time at once */
};

struct schedules {
	struct supervisor *sup;
	struct loop_timer timer;
	struct loop_idle idle;
	const char *why; /* runs were missed, if any are found at the next look */
	bool begun;
	bool dirty; /* what the state file says is not true any more */
};

/* What a reload has brought holds for the next run. */
static const struct program_config *program_of(const struct process *p)
{
	return (p->next_config ? p->next_config : p->config)->program;
}

static bool has_times(const struct process *p)
{
	const struct program_config *program = program_of(p);

	return program->times && !program->times->at_start && !p->removed && !p->group->removed;
}

/* In a slot that is not live, no time counts. */
static bool is_on(const struct process *p)
{
	return !p->service || p->live;
}

static int64_t seconds(usec_t wall)
{
	return (int64_t)(wall / SECONDS(1));
}

/* In the log, like its own times, in the system's zone. */
static const char *clock_text(int64_t at, char *buf, size_t size)
{
	const time_t t = (time_t)at;
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(buf, size, "%Y-%m-%d %H:%M", &tm)) {
		(void)snprintf(buf, size, "%lld", (long long)at);
	}
	return buf;
}

static void count(struct process *p, int64_t until)
{
	const usec_t counted = until > 0 ? (usec_t)until * SECONDS(1) : 0;

	if (p->counted != counted) {
		p->counted = counted;
		p->sup->schedules->dirty = true;
		process_commit(p);
	}
}

/* ---- a run */

static bool is_busy(const struct process *p)
{
	return !process_ended(p) || p->waits || p->start_waits;
}

static void start(struct process *p)
{
	if (process_follows_flip(p)) {
		process_start_after(p, WAITS_FOR_QUEUE);
	} else {
		process_start_soon(p);
	}
}

static void leave_out(struct process *p, int64_t due)
{
	char when[32];

	if (p->left_out++ == 0) {
		log_line(LOG_WARNING,
			 "%s: the run of %s is left out, because the one before has not ended",
			 p->namespec, clock_text(due, when, sizeof(when)));
	}
}

static void run_or_leave_out(struct process *p, int64_t due)
{
	if (is_busy(p)) {
		leave_out(p, due);
	} else {
		p->left_out = 0;
		start(p);
	}
}

static void say_missed(const struct process *p, unsigned n, int64_t last, const char *why)
{
	char when[32];

	log_line(LOG_WARNING, "%s: %s%u run%s %s missed, the last at %s: %s", p->namespec,
		 n >= COUNT_MAX ? "more than " : "", n, n == 1 ? "" : "s", n == 1 ? "was" : "were",
		 clock_text(last, when, sizeof(when)), why);
}

/* What was due by now. It is counted when it has begun: a slotd that is killed between the two
 * leaves a run that its successor finds, and none that nobody knows. */
static void catch_up(struct process *p, int64_t now, const char *why)
{
	const struct program_config *program = program_of(p);
	const int64_t from = seconds(p->counted);
	int64_t last = 0, before = 0;
	unsigned n = schedule_count(program->times, program->zone, from, now, COUNT_MAX, &last);
	bool runs;

	if (!n) {
		return;
	}
	if (n == COUNT_MAX) {
		last = now;
	}
	runs = n < COUNT_MAX && last > now - GRACE;
	if (n > runs) {
		if (runs) {
			(void)schedule_count(program->times, program->zone, from, last - 1,
					     COUNT_MAX, &before);
		}
		say_missed(p, n - runs, runs ? before : last, why);
	}
	if (runs) {
		run_or_leave_out(p, last);
	}
	count(p, last);
}

/* ---- looking */

static void show_next(struct process *p, int64_t next)
{
	if (p->next_run != next) {
		p->next_run = next;
		process_changed(p);
	}
}

static int64_t look_at(struct process *p, int64_t now, const char *why)
{
	const struct program_config *program = program_of(p);
	int64_t next;

	if (!has_times(p) || !is_on(p)) {
		count(p, 0);
		show_next(p, 0);
		return SCHEDULE_NEVER;
	}
	if (!p->counted) {
		count(p, now);
	}
	catch_up(p, now, why);
	next = schedule_next(program->times, program->zone,
			     seconds(p->counted) > now ? seconds(p->counted) : now);
	show_next(p, next == SCHEDULE_NEVER ? 0 : next);
	return next;
}

static void wait_until(struct schedules *s, int64_t next)
{
	const usec_t wall = usec_wall(), at = (usec_t)next * SECONDS(1);

	if (next == SCHEDULE_NEVER) {
		loop_timer_stop(s->sup->loop, &s->timer);
	} else {
		loop_timer_set(s->sup->loop, &s->timer,
			       usec_add(usec_monotonic(), usec_sub(at, wall)));
	}
}

static void look(struct schedules *s)
{
	struct supervisor *sup = s->sup;
	const int64_t now = seconds(usec_wall());
	int64_t first = SCHEDULE_NEVER;

	if (sup->mood != MOOD_RUNNING || !s->begun) {
		return;
	}
	for (size_t i = 0; i < sup->processes.len; i++) {
		struct process *p = sup->processes.at[i];
		const int64_t next = p ? look_at(p, now, s->why) : SCHEDULE_NEVER;

		first = next < first ? next : first;
	}
	s->why = "slotd could not see to them in time";
	wait_until(s, first);
	if (s->dirty) {
		s->dirty = false;
		records_write_state(sup);
	}
}

static void on_timer(struct loop_timer *t)
{
	look(container_of(t, struct schedules, timer));
}

static void on_idle(struct loop_idle *idle)
{
	look(container_of(idle, struct schedules, idle));
}

void schedules_look_soon(struct supervisor *sup)
{
	loop_idle_queue(sup->loop, &sup->schedules->idle);
}

/* ---- what it is told */

/* Whose time of day comes again has had its run; what goes by the minute follows the clock. */
static void take_back(struct process *p, int64_t now)
{
	const int64_t ahead = seconds(p->counted) - now;

	if (ahead > BACK_MAX || (ahead > GRACE && program_of(p)->times->any_time)) {
		count(p, now);
	}
}

void schedules_clock_set(struct supervisor *sup)
{
	const int64_t now = seconds(usec_wall());

	vec_for_each (p, &sup->processes) {
		if (*p && (*p)->counted && has_times(*p)) {
			take_back(*p, now);
		}
	}
	sup->schedules->why = "the clock was set forward, or the machine slept";
	look(sup->schedules);
}

int schedules_process_added(struct process *p)
{
	if (program_of(p)->times) {
		schedules_look_soon(p->sup);
	}
	return 0;
}

void schedules_process_entered(struct process *p, const struct plan_action *a)
{
	const struct worker_state_info *info = worker_state_info((enum worker_state)a->arg);

	if (p->left_out && !info->alive) {
		if (p->left_out > 1) {
			log_line(LOG_WARNING, "%s: %u runs were left out while it ran", p->namespec,
				 p->left_out);
		}
		p->left_out = 0;
	}
}

void schedules_service_lives(struct service *s)
{
	schedules_look_soon(s->sup);
}

/* ---- the start */

static void begin(struct process *p, bool takes_over)
{
	const struct program_config *program = program_of(p);

	if (!program->times || !is_on(p)) {
		return;
	}
	if (program->times->at_start && !takes_over) {
		start(p);
	} else if (!p->counted && has_times(p)) {
		p->counted = (usec_t)records_schedule(p->sup, p->namespec) * SECONDS(1);
		process_commit(p);
	}
}

void schedules_begin(struct supervisor *sup)
{
	const bool takes_over = inheritance_there(sup);

	for (size_t i = 0; i < sup->processes.len; i++) {
		if (sup->processes.at[i]) {
			begin(sup->processes.at[i], takes_over);
		}
	}
	sup->schedules->begun = true;
	sup->schedules->why = "slotd was not running";
	look(sup->schedules);
}

bool schedules_known(const struct supervisor *sup)
{
	return sup->schedules->begun;
}

int schedules_init(struct supervisor *sup)
{
	struct schedules *s = calloc(1, sizeof(*s));

	if (!s) {
		return -ENOMEM;
	}
	s->sup = sup;
	sup->schedules = s;
	loop_timer_init(&s->timer, on_timer);
	loop_idle_init(&s->idle, on_idle);
	return 0;
}

void schedules_done(struct supervisor *sup)
{
	if (sup->schedules) {
		loop_timer_stop(sup->loop, &sup->schedules->timer);
		loop_idle_cancel(sup->loop, &sup->schedules->idle);
		free(sup->schedules);
		sup->schedules = NULL;
	}
}
