#include "worker/processes.h"
#include "worker/auto_logs.h"
#include "worker/cgroups.h"
#include "worker/fcgi.h"
#include "worker/launch.h"
#include "worker/observers.h"
#include "worker/process.h"
#include "worker/process_place.h"
#include "worker/process_row.h"
#include "worker/starts.h"
#include "worker/stdin.h"
#include "worker/stranger.h"
#include "worker/streams.h"
#include "worker/waits.h"

#include <slotd/cleanup.h>
#include <slotd/fault.h>
#include <slotd/os.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static void feed(struct process *p, struct worker_event ev);
static void finished(struct process *p);

/* ---- starting */

static void start_failed(struct process *p, int error, int fault, const char *text)
{
	p->fault = fault;
	free(p->spawn_text);
	p->spawn_text = strdup(text);
	feed(p, (struct worker_event){
			.kind = WORKER_EV_SPAWN_FAILED, .status = error, .text = p->spawn_text});
}

static void close_report(struct process *p)
{
	loop_io_stop(p->sup->loop, &p->report_io);
	cleanup_closep(&p->report_fd);
}

static void read_report(struct process *p)
{
	struct spawn_report report;
	int r = p->report_fd >= 0 ? spawn_report_read(p->report_fd, &report) : -EAGAIN;

	if (r == -EAGAIN) {
		return;
	}
	if (r == 1) {
		p->report = malloc(sizeof(report));
		if (p->report) {
			*p->report = report;
		} else {
			log_line(LOG_ERR, "%s was not executed: %s", p->namespec,
				 strerror(-report.error));
		}
	}
	close_report(p);
}

/* The core hears of the process when it has become its command, not of the fork. */
static void tell_executed(struct process *p)
{
	if (!p->executed) {
		p->executed = true;
		feed(p, (struct worker_event){.kind = WORKER_EV_SPAWNED, .pid = p->pid});
	}
}

void process_look(struct process *p)
{
	if (p->report_fd < 0) {
		return;
	}
	read_report(p);
	if (p->report_fd < 0 && !p->report) {
		tell_executed(p);
		feed(p, (struct worker_event){.kind = WORKER_EV_TIMER}); /* startsecs may be 0 */
	}
}

static void on_report(struct loop_io *io, unsigned events)
{
	(void)events;
	process_look(container_of(io, struct process, report_io));
}

/* What is still in its pipes is kept further on. */
static void forget_descriptors(struct process *p)
{
	int fd = TAKE_FD(p->pidfd);

	stdin_close(p);
	process_keep_less(p);
	cleanup_closep(&fd);
}

/* The rest of its group is killed while the unreaped leader still holds the group's number. */
static int reap(struct process *p)
{
	cgroups_kill_rest(p);
	if (p->adopted) {
		if (process_ends_with_group(p)) {
			stranger_kill_group(p);
		}
		p->status = process_handle_status(p->pidfd, p->pid, p->start_ticks);
		return 1;
	}
	if (process_ends_with_group(p)) {
		(void)kill(-p->pid, SIGKILL);
	}
	return process_handle_reap(p->pidfd, &p->status);
}

static void on_exit_event(struct loop_io *io, unsigned events)
{
	struct process *p = container_of(io, struct process, exit_io);
	int r = reap(p);

	(void)events;
	if (r == 0) {
		return;
	}
	if (r < 0) {
		log_line(LOG_CRIT, "waitpid error %d; %s (pid %d) may not be cleaned up properly",
			 -r, p->config->name, (int)p->pid);
		p->status = 0;
	}
	read_report(p);
	close_report(p);
	loop_io_leave(p->sup->loop, &p->exit_io);
	forget_descriptors(p);
	p->clearing = true;
	finished(p);
	process_restart_at_once(p);
}

void process_watch(struct process *p)
{
	loop_io_set(p->sup->loop, &p->exit_io, p->pidfd, LOOP_READ);
}

static void watch(struct process *p, const struct spawned *spawned)
{
	p->pid = spawned->pid;
	p->pidfd = spawned->pidfd;
	p->report_fd = spawned->report_fd;
	p->executed = false;
	p->started_wall = usec_wall();
	process_watch(p);
	loop_io_set(p->sup->loop, &p->report_io, p->report_fd, LOOP_PIPE);
	p->start_ticks = spawned->start_ticks;
	process_commit(p);
	streams_started(p);
	process_keep(p);
}

/* What came while it was being made. */
static void catch_up(struct process *p)
{
	for (int signo = 1; p->signals >> signo; signo++) {
		if (p->signals >> signo & 1) {
			(void)process_signal(p, signo);
		}
	}
	p->signals = 0;
	if (p->worker.state == WORKER_STOPPING) {
		tell_executed(p);
	} else {
		process_changed(p);
	}
}

static void on_made(void *owner, int error, const struct spawned *spawned)
{
	struct process *p = owner;
	struct launch_failure failure;

	p->call = NULL;
	if (error == 0) {
		watch(p, spawned);
		catch_up(p);
		return;
	}
	p->signals = 0;
	process_launch_failed(p, error, &failure);
	fcgi_ended(p, 0);
	start_failed(p, error, failure.fault, failure.text);
}

static void perform_spawn(struct process *p, const struct plan_action *a)
{
	struct launch_failure failure;
	int r = process_launch(p, on_made, &failure);

	(void)a;
	p->fault = 0;
	if (r < 0) {
		start_failed(p, r, failure.fault, failure.text);
	}
}

/* To be stopped: where slotd-spawn has not been asked yet, that is all. */
static void take_start_back(struct process *p)
{
	if (!p->call || p->worker.state != WORKER_STOPPING || !spawn_call_cancel(p->call)) {
		return;
	}
	p->call = NULL;
	p->signals = 0;
	streams_abandon(p);
	fcgi_ended(p, 0);
	feed(p, (struct worker_event){.kind = WORKER_EV_SPAWN_FAILED, .status = -ECANCELED});
}

/* ---- ending */

/* Reaps what is left of its group. True when there is nothing left of it among our children. */
static bool reap_group(pid_t group)
{
	siginfo_t si = {0};

	while (waitid(P_PGID, (id_t)group, &si, WEXITED | WNOHANG) == 0) {
		if (!si.si_pid) {
			return false;
		}
		si = (siginfo_t){0};
	}
	return errno == ECHILD;
}

static void tell_report(struct process *p)
{
	auto_free struct spawn_report *report = TAKE_PTR(p->report);
	struct launch_failure failure;

	process_launch_reported(p, report, &failure);
	start_failed(p, report->error, failure.fault, failure.text);
}

/* Its leader is reaped: once its group is, too, the core is told how it ended. */
static void finished(struct process *p)
{
	bool executed = p->executed;
	pid_t group = p->pid;

	if ((process_ends_with_group(p) &&
	     !(p->adopted ? stranger_group_ended(p) : reap_group(p->pid))) ||
	    !cgroups_rest_ended(p)) {
		return; /* SIGCHLD comes for each of them, or a timer */
	}
	if (!p->report) {
		tell_executed(p);
	}
	p->clearing = p->executed = p->adopted = false;
	p->pid = 0;
	fcgi_ended(p, group);
	if (!p->report || p->report->stage != SPAWN_STAGE_LOOKUP) {
		p->stopped_wall = usec_wall(); /* what was not found never ran */
	}
	if (p->report) {
		tell_report(p);
		if (!executed) {
			return;
		}
	}
	feed(p, (struct worker_event){.kind = WORKER_EV_EXIT, .status = p->status});
}

void process_clear(struct process *p)
{
	if (p->clearing) {
		finished(p);
		process_restart_at_once(p);
	}
}

static void on_clear_timer(struct loop_timer *t)
{
	process_clear(container_of(t, struct process, clear_timer));
}

/* ---- carrying out plans */

static void perform_signal(struct process *p, const struct plan_action *a)
{
	int r;

	if (!p->pid) {
		return;
	}
	if (a->group && p->adopted && process_handle_signal(p->pidfd, 0) == -ESRCH) {
		r = -ESRCH; /* its number may be another's by now */
	} else if (a->group) {
		r = process_group_signal(p->pid, p->pidfd, a->arg);
	} else {
		r = p->pidfd < 0 ? -ESRCH : process_handle_signal(p->pidfd, a->arg);
	}
	if (a->group && a->arg == SIGKILL) {
		cgroups_kill(p);
	}
	if (r < 0 && r != -ESRCH) {
		feed(p, (struct worker_event){.kind = WORKER_EV_KILL_FAILED, .status = r});
	}
}

static void perform_timer(struct process *p, const struct plan_action *a)
{
	if (p->restart_due) {
		starts_forget(p); /* another event came before its turn */
	}
	loop_timer_set(p->sup->loop, &p->timer, a->at);
}

static void perform_state(struct process *p, const struct plan_action *a)
{
	p->since_wall = usec_wall();
	process_commit(p);
	process_changed(p);
	waits_look_soon(p->sup);
	process_entered(p, a);
}

static void perform_log(struct process *p, const struct plan_action *a)
{
	char pid[16];
	struct log_field fields[4] = {{LOG_FIELD_WORKER, p->namespec}};
	unsigned n = 1;

	if (p->pid) {
		(void)snprintf(pid, sizeof(pid), "%d", (int)p->pid);
		fields[n++] = (struct log_field){LOG_FIELD_PID, pid};
	}
	if (p->service) {
		fields[n++] = (struct log_field){LOG_FIELD_SERVICE, process_service_name(p)};
		fields[n++] = (struct log_field){LOG_FIELD_SLOT, slot_name(p->slot)};
	}
	log_fields(a->arg, fields, n, "%s", a->text);
}

static void carry_out(struct process *p, const struct plan *plan)
{
	static void (*const perform[PLAN_KIND_MAX_])(struct process *,
						     const struct plan_action *) = {
		[PLAN_SPAWN] = perform_spawn, [PLAN_SIGNAL] = perform_signal,
		[PLAN_TIMER] = perform_timer, [PLAN_STATE] = perform_state,
		[PLAN_LOG] = perform_log,
	};

	for (unsigned i = 0; i < plan->len; i++) {
		const struct plan_action *a = &plan->actions[i];

		if (perform[a->kind]) {
			perform[a->kind](p, a);
		}
	}
}

/*
 * Carrying out a plan can bring the next event of the same worker (a spawn that fails, a service
 * that reacts): it waits until this plan is done.
 */
static void feed(struct process *p, struct worker_event ev)
{
	struct plan plan;

	if (p->n_events == PROCESS_EVENTS_MAX) {
		log_line(LOG_ERR, "%s: too many events at once, one is left out", p->namespec);
		return;
	}
	p->events[p->n_events++] = ev;
	if (p->stepping) {
		return;
	}
	p->stepping = true;
	while (p->n_events) {
		ev = p->events[0];
		p->n_events--;
		memmove(&p->events[0], &p->events[1], p->n_events * sizeof(p->events[0]));
		plan_init(&plan);
		worker_step(&p->worker,
			    &(struct worker_terms){p->config->name, &p->config->program->policy},
			    &ev, usec_monotonic(), &plan);
		carry_out(p, &plan);
	}
	p->stepping = false;
	process_commit(p);
	process_changed(p);
	process_stepped(p);
}

static void on_timer(struct loop_timer *t)
{
	struct process *p = container_of(t, struct process, timer);

	/* Whatever a worker without a process waits for is its next start. */
	if (worker_state_info(p->worker.state)->alive) {
		process_timer_due(p);
	} else {
		process_restart_soon(p);
	}
}

void process_timer_due(struct process *p)
{
	if (process_waits_for_rival(p)) {
		return;
	}
	feed(p, (struct worker_event){.kind = WORKER_EV_TIMER});
}

void process_start(struct process *p)
{
	starts_forget(p);
	process_wait_no_more(p);
	if (process_waits_for_rival(p)) {
		return;
	}
	if (p->next_config) {
		process_set_config(p, p->next_config, p->next_origin);
	}
	feed(p, (struct worker_event){.kind = WORKER_EV_START});
}

/* A child that has not got to its command (a hung file system) can be stopped, too. */
void process_stop_patiently(struct process *p, usec_t patience)
{
	process_wait_no_more(p);
	if (p->pid && !p->clearing) {
		tell_executed(p);
	}
	feed(p, (struct worker_event){.kind = WORKER_EV_STOP, .patience = patience});
	take_start_back(p);
}

void process_stop(struct process *p)
{
	process_stop_patiently(p, 0);
}

void process_hung(struct process *p)
{
	feed(p, (struct worker_event){.kind = WORKER_EV_HUNG});
}

void process_give_up(struct process *p)
{
	feed(p, (struct worker_event){.kind = WORKER_EV_SHUTDOWN});
}

void process_shutdown(struct process *p)
{
	p->worker.no_start = true;
	if (p->pid && !p->clearing) {
		tell_executed(p);
	}
	feed(p, (struct worker_event){.kind = WORKER_EV_SHUTDOWN});
	take_start_back(p);
}

int process_signal(struct process *p, int signo)
{
	int r = p->pidfd < 0 ? -ESRCH : process_handle_signal(p->pidfd, signo);

	if (p->call) {
		p->signals |= UINT64_C(1) << signo % 64;
		return 0;
	}
	if (r < 0 && r != -ESRCH) {
		feed(p, (struct worker_event){.kind = WORKER_EV_KILL_FAILED, .status = r});
	}
	return r;
}

void process_set_live(struct process *p, bool live)
{
	struct plan plan;

	p->live = live;
	plan_init(&plan);
	worker_set_keep_trying(&p->worker, live && !p->config->program->schedule, usec_monotonic(),
			       &plan);
	carry_out(p, &plan);
}

/* ---- where a former slotd stopped */

/* Nobody knows of what had not been asked for: it is asked for now. */
static void go_on_starting(struct process *p)
{
	if (p->worker.state == WORKER_STOPPING) {
		feed(p,
		     (struct worker_event){.kind = WORKER_EV_SPAWN_FAILED, .status = -ECANCELED});
	} else if (p->worker.state == WORKER_STARTING) {
		perform_spawn(p, NULL);
	}
}

void process_resume(struct process *p)
{
	if (p->clearing) {
		if (process_ends_with_group(p)) {
			stranger_kill_group(p);
			cgroups_kill_rest(p);
		}
		finished(p);
	} else if (p->pid) {
		tell_executed(p);
	} else {
		go_on_starting(p);
	}
	if (p->worker.deadline != USEC_NEVER) {
		loop_timer_set(p->sup->loop, &p->timer, p->worker.deadline);
	}
}

/* ---- making and ending */

int process_new(struct supervisor *sup, struct group *group, const struct worker_config *config,
		struct config *origin, struct diag *diag, struct process **ret)
{
	struct process *p = calloc(1, sizeof(*p));
	int r;

	if (!p) {
		return diag_set_errno(diag, -ENOMEM, "%s", config->name);
	}
	p->sup = sup;
	p->group = group;
	p->config = config;
	p->origin = origin;
	p->pidfd = p->stdin_fd = p->report_fd = p->request_fd = -EBADF;
	p->worker.id = UINT32_MAX;
	roll_init(&p->roll);
	loop_io_init(&p->exit_io, on_exit_event);
	loop_io_init(&p->report_io, on_report);
	loop_timer_init(&p->timer, on_timer);
	loop_timer_init(&p->clear_timer, on_clear_timer);
	p->namespec = process_make_name(group->name, config);
	r = p->namespec ? auto_logs_name(p) : -ENOMEM;
	if (r == 0) {
		r = process_take_place(p, diag);
	} else {
		r = diag_set_errno(diag, r, "%s", config->name);
	}
	if (r < 0) {
		process_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

struct process *process_free(struct process *p)
{
	if (!p) {
		return NULL;
	}
	starts_forget(p);
	if (p->call) {
		spawn_call_abandon(p->call);
	}
	waits_forget(p);
	process_gone(p);
	if (p->worker.id != UINT32_MAX) {
		p->sup->processes.at[p->worker.id] = NULL;
		ledger_drop(p->sup->ledger, LEDGER_TABLE_WORKER, p->worker.id);
	}
	loop_io_leave(p->sup->loop, &p->exit_io);
	close_report(p);
	loop_timer_stop(p->sup->loop, &p->timer);
	loop_timer_stop(p->sup->loop, &p->clear_timer);
	cleanup_closep(&p->pidfd);
	streams_forget(p);
	if (p->namespec) {
		process_keep(p);
	}
	free(p->log_paths[0]);
	free(p->log_paths[1]);
	free(p->namespec);
	free(p->spawn_text);
	free(p->report);
	free(p);
	return NULL;
}
