#include <slotd/worker.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>

const char *worker_signal_name(int signo, char *buf, size_t size)
{
	const char *abbrev = sigabbrev_np(signo);

	if (abbrev) {
		(void)snprintf(buf, size, "SIG%s", abbrev);
	} else if (signo == SIGRTMIN || signo == SIGRTMAX) {
		(void)snprintf(buf, size, "SIGRT%s", signo == SIGRTMIN ? "MIN" : "MAX");
	} else {
		(void)snprintf(buf, size, "signal %d", signo);
	}
	return buf;
}

const char *worker_status_text(int status, char *buf, size_t size)
{
	char name[32];

	if (WIFEXITED(status)) {
		(void)snprintf(buf, size, "exit status %d", WEXITSTATUS(status));
	} else if (WIFSIGNALED(status)) {
		(void)snprintf(buf, size, "terminated by %s%s",
			       worker_signal_name(WTERMSIG(status), name, sizeof(name)),
			       WCOREDUMP(status) ? " (core dumped)" : "");
	} else if (status == WORKER_STATUS_UNKNOWN) {
		(void)snprintf(buf, size, "how is not known");
	} else {
		(void)snprintf(buf, size, "unknown termination cause 0x%04x", (unsigned)status);
	}
	return buf;
}

bool worker_exit_expected(const struct worker_policy *policy, int status)
{
	unsigned code = (unsigned)WEXITSTATUS(status);

	return WIFEXITED(status) && (policy->exitcodes[code / 32] & (1u << code % 32));
}

static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int worker_exitstatus(const struct worker *w)
{
	if (w->exit == -1 || w->exited_early || w->state == WORKER_STARTING ||
	    w->state == WORKER_RUNNING || w->state == WORKER_STOPPING) {
		return 0;
	}
	return exit_code(w->exit);
}

bool worker_stoppable(const struct worker *w)
{
	const struct worker_state_info *info = worker_state_info(w->state);

	return info->stoppable || (!info->alive && w->deadline != USEC_NEVER);
}

void worker_init(struct worker *w, uint32_t id)
{
	*w = (struct worker){
		.id = id,
		.state = WORKER_STOPPED,
		.deadline = USEC_NEVER,
		.exit = -1,
	};
}

/* One event and what belongs to it. */
struct turn {
	const char *name;
	const struct worker_policy *policy;
	const struct worker_event *ev;
	usec_t now;
	struct plan *plan;
};

static void set_state(struct worker *w, enum worker_state to, const struct turn *t)
{
	struct plan_action *a = plan_add(t->plan, PLAN_STATE, w->id);

	a->from = (int)w->state;
	a->arg = (int)to;
	a->pid = w->pid;
	a->tries = w->backoff;
	a->expected = w->exit_expected;
	w->state = to;
	w->since = t->now;
	w->deadline = USEC_NEVER;
}

static usec_t seconds_after(usec_t now, unsigned seconds)
{
	return usec_add(now, SECONDS(seconds));
}

static unsigned lower(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Supervisor shows names as Python's repr does. */
static const char *quote(const struct turn *t)
{
	return strchr(t->name, '\'') && !strchr(t->name, '"') ? "\"" : "'";
}

/* ---- starting ---- */

static void spawn(struct worker *w, const struct turn *t)
{
	w->spawnerr[0] = '\0';
	w->exited_early = false;
	w->started = t->now;
	w->burst++;
	set_state(w, WORKER_STARTING, t);
	plan_add(t->plan, PLAN_SPAWN, w->id);
}

/* Asked for: what went wrong before is forgotten. */
static void launch(struct worker *w, const struct turn *t)
{
	if (w->no_start) {
		return;
	}
	w->backoff = 0;
	w->burst = 0;
	w->exhausted = 0;
	w->fatal_told = false;
	spawn(w, t);
}

/* By itself, after an end nobody asked for. */
static void relaunch(struct worker *w, const struct turn *t)
{
	if (w->no_start) {
		return;
	}
	if (!w->exhausted) {
		w->restarts++;
	}
	spawn(w, t);
}

static void already_running(struct worker *w, const struct turn *t)
{
	plan_log(t->plan, w->id, LOG_WARNING, "process '%s' already running", t->name);
}

static void spawned(struct worker *w, const struct turn *t)
{
	w->pid = t->ev->pid;
	w->started = t->now;
	w->exhausted = 0;
	w->deadline = usec_add(t->now, t->policy->startsecs);
	plan_log(t->plan, w->id, LOG_INFO, "spawned: %s%s%s with pid %d", quote(t), t->name,
		 quote(t), (int)w->pid);
}

static void stayed_up(struct worker *w, const struct turn *t)
{
	w->backoff = 0;
	w->fatal_told = false;
	set_state(w, WORKER_RUNNING, t);
	plan_log(t->plan, w->id, LOG_INFO,
		 "success: %s entered RUNNING state, process has stayed up for > than %g seconds "
		 "(startsecs)",
		 t->name, (double)t->policy->startsecs / 1e6);
}

/* ---- failing to start ---- */

static bool is_exhaustion(int error)
{
	return error == -EAGAIN || error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

/* Only the announcement; a live slot's worker goes on trying. */
static void give_up(struct worker *w, const struct turn *t)
{
	unsigned delay = lower(w->backoff, WORKER_LIVE_BACKOFF_MAX_S);
	bool trying = w->keep_trying && !w->no_start;

	if (!trying) {
		w->backoff = 0;
	}
	set_state(w, WORKER_FATAL, t);
	plan_log(t->plan, w->id, LOG_INFO,
		 "gave up: %s entered FATAL state, too many start retries too quickly", t->name);
	w->fatal_told = true;
	if (trying) {
		w->deadline = seconds_after(t->now, delay);
	}
}

static void back_off(struct worker *w, const struct turn *t)
{
	w->backoff++;
	set_state(w, WORKER_BACKOFF, t);
	if (w->backoff <= t->policy->startretries) {
		w->deadline = seconds_after(t->now, w->backoff);
	} else if (w->keep_trying && w->fatal_told) {
		w->deadline = seconds_after(t->now, lower(w->backoff, WORKER_LIVE_BACKOFF_MAX_S));
	} else {
		give_up(w, t);
	}
}

static void note_spawnerr(struct worker *w, const struct turn *t)
{
	(void)snprintf(w->spawnerr, sizeof(w->spawnerr), "%s", t->ev->text ? t->ev->text : "");
	if (w->exhausted <= 1) {
		plan_log(t->plan, w->id, LOG_INFO, "spawnerr: %s", w->spawnerr);
	}
}

static void wait_for_room(struct worker *w, const struct turn *t)
{
	set_state(w, WORKER_BACKOFF, t);
	w->deadline = seconds_after(t->now, lower(w->exhausted, WORKER_EXHAUSTED_MAX_S));
}

static void spawn_failed(struct worker *w, const struct turn *t)
{
	if (is_exhaustion(t->ev->status)) {
		w->exhausted++;
	}
	note_spawnerr(w, t);
	if (w->pid) {
		return; /* the child is about to end: EXIT decides */
	}
	if (is_exhaustion(t->ev->status)) {
		wait_for_room(w, t);
	} else {
		back_off(w, t);
	}
}

/* ---- ending ---- */

static void note_exit(struct worker *w, const struct turn *t)
{
	w->exit = t->ev->status;
	w->exit_expected = worker_exit_expected(t->policy, t->ev->status);
	if (usec_sub(t->now, w->started) >= SECONDS(WORKER_STEADY_S)) {
		w->burst = 0;
	}
}

static bool wants_restart(const struct worker *w, const struct turn *t)
{
	return t->policy->autorestart == AUTORESTART_ALWAYS ||
	       (t->policy->autorestart == AUTORESTART_UNEXPECTED && !w->exit_expected);
}

static void lost(struct worker *w, const struct turn *t)
{
	char status[64];

	note_exit(w, t);
	w->backoff = 0;
	if (!w->exit_expected) {
		(void)snprintf(w->spawnerr, sizeof(w->spawnerr), "Bad exit code %d",
			       exit_code(t->ev->status));
	}
	set_state(w, WORKER_EXITED, t);
	w->pid = 0;
	plan_log(t->plan, w->id, w->exit_expected ? LOG_INFO : LOG_WARNING,
		 "exited: %s (%s; %sexpected)", t->name,
		 worker_status_text(t->ev->status, status, sizeof(status)),
		 w->exit_expected ? "" : "not ");
	if (!wants_restart(w, t) || w->no_start) {
		return;
	}
	/* In its turn, also at once: many that crash do not starve the others. */
	w->deadline = w->burst < WORKER_BURST || usec_sub(t->now, w->started) >= SECONDS(1)
			      ? t->now
			      : seconds_after(w->started, 1);
}

static void failed_early(struct worker *w, const struct turn *t)
{
	char status[64];

	note_exit(w, t);
	w->exit_expected = false;
	w->exited_early = true;
	w->pid = 0;
	plan_log(t->plan, w->id, LOG_WARNING, "exited: %s (%s; not expected)", t->name,
		 worker_status_text(t->ev->status, status, sizeof(status)));
	if (w->exhausted) {
		wait_for_room(w, t);
		return;
	}
	if (!w->spawnerr[0]) {
		(void)snprintf(w->spawnerr, sizeof(w->spawnerr),
			       "Exited too quickly (process log may have details)");
	}
	back_off(w, t);
}

/* The timer of startsecs may be due in the same turn as the exit: the clock decides. */
static void ended_while_starting(struct worker *w, const struct turn *t)
{
	if (w->spawnerr[0] || usec_sub(t->now, w->started) < t->policy->startsecs) {
		failed_early(w, t);
	} else {
		stayed_up(w, t);
		lost(w, t);
	}
}

/* ---- stopping ---- */

static void send_signal(struct worker *w, int signo, bool group, const struct turn *t)
{
	struct plan_action *a;
	char name[32];

	plan_log(t->plan, w->id, LOG_DEBUG, "killing %s (pid %d) %swith signal %s", t->name,
		 (int)w->pid, group ? "process group " : "",
		 worker_signal_name(signo, name, sizeof(name)));
	a = plan_add(t->plan, PLAN_SIGNAL, w->id);
	a->arg = signo;
	a->group = group;
}

static void ask_to_stop(struct worker *w, const struct turn *t)
{
	const usec_t own = t->policy->stopwaitsecs;

	w->killed = false;
	set_state(w, WORKER_STOPPING, t);
	if (!w->pid) {
		return; /* still being spawned: stop_late */
	}
	send_signal(w, t->policy->stopsignal, t->policy->stopasgroup, t);
	w->deadline = usec_add(t->now, t->ev->patience > own ? t->ev->patience : own);
}

static void stop_late(struct worker *w, const struct turn *t)
{
	spawned(w, t);
	send_signal(w, t->policy->stopsignal, t->policy->stopasgroup, t);
	w->deadline = usec_add(t->now, t->policy->stopwaitsecs);
}

static void kill_now(struct worker *w, const struct turn *t)
{
	usec_t again = t->policy->stopwaitsecs;

	plan_log(t->plan, w->id, LOG_WARNING, "killing %s%s%s (%d) with SIGKILL", quote(t), t->name,
		 quote(t), (int)w->pid);
	send_signal(w, SIGKILL, t->policy->killasgroup, t);
	w->killed = true;
	w->deadline = usec_add(t->now, again < SECONDS(1) ? SECONDS(1) : again);
}

/* Nobody asked for its end: it stays RUNNING until then, and autorestart decides what follows. */
static void abort_hung(struct worker *w, const struct turn *t)
{
	if (w->deadline != USEC_NEVER) {
		return; /* it is about to end */
	}
	plan_log(t->plan, w->id, LOG_WARNING, "aborting %s%s%s (%d) with SIGABRT", quote(t),
		 t->name, quote(t), (int)w->pid);
	send_signal(w, SIGABRT, t->policy->stopasgroup, t);
	w->deadline = usec_add(t->now, t->policy->stopwaitsecs);
}

/* The end that was asked for. */
static void settle(struct worker *w, const struct turn *t)
{
	char status[64];

	note_exit(w, t);
	set_state(w, WORKER_STOPPED, t);
	w->pid = 0;
	w->backoff = 0;
	plan_log(t->plan, w->id, w->exit_expected ? LOG_INFO : LOG_WARNING, "stopped: %s (%s)",
		 t->name, worker_status_text(t->ev->status, status, sizeof(status)));
}

static void never_came(struct worker *w, const struct turn *t)
{
	if (t->ev->status != -ECANCELED) {
		note_spawnerr(w, t);
	}
	if (!w->pid) {
		set_state(w, WORKER_STOPPED, t);
		w->backoff = 0;
	}
}

/* Between two starts there is nothing to signal. */
static void stop_waiting(struct worker *w, const struct turn *t)
{
	w->backoff = 0;
	set_state(w, WORKER_STOPPED, t);
}

static void stop_pending(struct worker *w, const struct turn *t)
{
	if (w->deadline != USEC_NEVER) {
		stop_waiting(w, t);
	}
}

static void forget_pending(struct worker *w, const struct turn *t)
{
	(void)t;
	w->deadline = USEC_NEVER;
}

static void lose_track(struct worker *w, const struct turn *t)
{
	set_state(w, WORKER_UNKNOWN, t);
	plan_log(t->plan, w->id, LOG_CRIT, "unknown problem killing %s (%d): %s", t->name,
		 (int)w->pid,
		 strerrordesc_np(-t->ev->status) ? strerrordesc_np(-t->ev->status) : "?");
}

/* ---- the matrix: an empty cell is ignored ---- */

typedef void step_fn(struct worker *w, const struct turn *t);

static step_fn *const steps[WORKER_STATE_MAX_][WORKER_EV_MAX_] = {
	[WORKER_STOPPED] = {[WORKER_EV_START] = launch},
	[WORKER_STARTING] = {[WORKER_EV_START] = already_running,
			     [WORKER_EV_STOP] = ask_to_stop,
			     [WORKER_EV_SHUTDOWN] = ask_to_stop,
			     [WORKER_EV_SPAWNED] = spawned,
			     [WORKER_EV_SPAWN_FAILED] = spawn_failed,
			     [WORKER_EV_EXIT] = ended_while_starting,
			     [WORKER_EV_TIMER] = stayed_up,
			     [WORKER_EV_KILL_FAILED] = lose_track},
	[WORKER_RUNNING] = {[WORKER_EV_START] = already_running,
			    [WORKER_EV_STOP] = ask_to_stop,
			    [WORKER_EV_SHUTDOWN] = ask_to_stop,
			    [WORKER_EV_SPAWN_FAILED] = note_spawnerr,
			    [WORKER_EV_EXIT] = lost,
			    [WORKER_EV_TIMER] = kill_now,
			    [WORKER_EV_KILL_FAILED] = lose_track,
			    [WORKER_EV_HUNG] = abort_hung},
	[WORKER_BACKOFF] = {[WORKER_EV_STOP] = stop_waiting,
			    [WORKER_EV_SHUTDOWN] = give_up,
			    [WORKER_EV_TIMER] = relaunch},
	[WORKER_STOPPING] = {[WORKER_EV_START] = already_running,
			     [WORKER_EV_SPAWNED] = stop_late,
			     [WORKER_EV_SPAWN_FAILED] = never_came,
			     [WORKER_EV_EXIT] = settle,
			     [WORKER_EV_TIMER] = kill_now,
			     [WORKER_EV_KILL_FAILED] = lose_track},
	[WORKER_EXITED] = {[WORKER_EV_START] = launch,
			   [WORKER_EV_STOP] = stop_pending,
			   [WORKER_EV_SHUTDOWN] = forget_pending,
			   [WORKER_EV_TIMER] = relaunch},
	[WORKER_FATAL] = {[WORKER_EV_START] = launch,
			  [WORKER_EV_STOP] = stop_pending,
			  [WORKER_EV_SHUTDOWN] = forget_pending,
			  [WORKER_EV_TIMER] = relaunch},
	[WORKER_UNKNOWN] = {[WORKER_EV_STOP] = ask_to_stop,
			    [WORKER_EV_SHUTDOWN] = ask_to_stop,
			    [WORKER_EV_EXIT] = settle},
};

/* The timer is told once, as it stands at the end of a step. */
static void tell_timer(const struct worker *w, usec_t before, struct plan *plan)
{
	if (w->deadline != before) {
		plan_add(plan, PLAN_TIMER, w->id)->at = w->deadline;
	}
}

void worker_step(struct worker *w, const struct worker_terms *terms, const struct worker_event *ev,
		 usec_t now, struct plan *plan)
{
	step_fn *fn = steps[w->state][ev->kind];
	usec_t before = w->deadline;

	if (ev->kind == WORKER_EV_TIMER) {
		if (w->deadline == USEC_NEVER || now < w->deadline) {
			return; /* overtaken by another event */
		}
		before = w->deadline = USEC_NEVER;
	}
	if (fn) {
		fn(w, &(struct turn){terms->name, terms->policy, ev, now, plan});
		tell_timer(w, before, plan);
	}
}

void worker_set_keep_trying(struct worker *w, bool keep_trying, usec_t now, struct plan *plan)
{
	usec_t before = w->deadline;

	w->keep_trying = keep_trying;
	if (w->state == WORKER_FATAL) {
		w->deadline = keep_trying && !w->no_start ? seconds_after(now, 1) : USEC_NEVER;
	}
	tell_timer(w, before, plan);
}
