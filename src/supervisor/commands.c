#include "commands.h"
#include "call.h"
#include "deploy/jobs.h"
#include "link/ownlog.h"
#include "log_commands.h"
#include "reload/reload.h"
#include "rights.h"
#include "service/services.h"
#include "service_commands.h"
#include "show/events.h"
#include "show/requests.h"
#include "shutdown.h"
#include "upgrade.h"
#include "worker/groups.h"
#include "worker/names.h"
#include "worker/process.h"
#include "worker/process_facts.h"
#include "worker/processes.h"
#include "worker/starts.h"
#include "worker/stdin.h"
#include "worker/waits.h"

#include <slotd/cleanup.h>
#include <slotd/command.h>
#include <slotd/level.h>
#include <slotd/os.h>
#include <slotd/strbuf.h>

#include <stdio.h>
#include <string.h>

typedef void command_fn(const struct call *c);

/* ---- start, stop, signal */

/* A worker that a running deploy needs is left alone. */
static bool held_by_deploy(const struct process *p, struct diag *diag)
{
	return p->service && service_may_change(p, diag) < 0;
}

/* A request that is parked, and whom its name means. NULL: it was answered. */
static struct request *request_about(const struct call *c, struct selection *s)
{
	struct request *q;

	if (selection_make(c->sup, c->name, s) < 0) {
		answer(c->sup, c->id, FAULT_BAD_NAME, c->name);
		return NULL;
	}
	q = request_new(c->sup, c->id, s->many);
	if (q) {
		request_park(q);
	}
	return q;
}

static void start_one(struct request *q, struct process *p, enum request_wait wait)
{
	const struct worker_state_info *info = worker_state_info(p->worker.state);
	struct request_item *item = request_add(q, p, wait);
	const struct process *rival = process_rival(p);
	char text[2 * LEDGER_NAME_MAX + 64];
	struct diag diag = {0};

	if (!item) {
		return;
	}
	if (held_by_deploy(p, &diag)) {
		request_decide(q, item, FAULT_FAILED, diag.text);
	} else if (p->worker.state == WORKER_UNKNOWN) {
		request_decide(q, item, FAULT_FAILED, p->namespec);
	} else if (p->worker.state == WORKER_STOPPING) {
		request_decide(q, item, FAULT_ABNORMAL_TERMINATION, p->namespec);
	} else if (!info->startable) {
		request_decide(q, item, FAULT_ALREADY_STARTED, p->namespec);
	} else if (rival) {
		(void)snprintf(text, sizeof(text), "%s is exclusive: stop %s first", p->namespec,
			       rival->namespec);
		request_decide(q, item, FAULT_FAILED, text);
	} else {
		/* Parked first: the step may already decide it. */
		process_start_soon(p);
	}
}

/* A name that means others, too, does not mean one that starts at its times. */
static bool is_among_others(const struct process *p)
{
	vec_for_each (other, &p->group->processes) {
		if (!(*other)->config->program->schedule) {
			return true;
		}
	}
	return false;
}

/* An idle slot's workers start by the slot's own name only, its queue workers not at all. */
static bool left_out(const struct process *p, bool all)
{
	if (p->config->program->schedule && (all || is_among_others(p))) {
		return true;
	}
	return service_passes_by(p) && (all || (!p->config->address && !process_goes_with_slot(p)));
}

static void command_start(const struct call *c)
{
	CLEANUP(selection_done) struct selection s = {0};
	enum request_wait wait = message_u64(c->m, TAG_WAIT) ? WAIT_STARTED : WAIT_SPAWNED;
	bool all = strcmp(c->name, "all") == 0;
	struct request *q;

	q = request_about(c, &s);
	if (!q) {
		return;
	}
	vec_for_each (p, &s.processes) {
		if (!s.many ||
		    (worker_state_info((*p)->worker.state)->startable && !left_out(*p, all))) {
			start_one(q, *p, wait);
		}
	}
	request_begin(q);
}

static void stop_one(struct request *q, struct process *p, bool wait)
{
	struct request_item *item = request_add(q, p, WAIT_STOPPED);
	struct diag diag = {0};

	if (!item) {
		return;
	}
	if (held_by_deploy(p, &diag)) {
		request_decide(q, item, FAULT_FAILED, diag.text);
		return;
	}
	if (p->waits && process_ended(p)) {
		process_wait_no_more(p);
		request_decide(q, item, FAULT_SUCCESS, "OK");
		return;
	}
	if (!process_may_be_stopped(p)) {
		request_decide(q, item, FAULT_NOT_RUNNING, p->namespec);
		return;
	}
	p->restart = false; /* who is asked to stop stays stopped */
	if (!wait) {
		request_decide(q, item, FAULT_SUCCESS, "OK");
	}
	process_stop(p);
}

static void command_stop(const struct call *c)
{
	CLEANUP(selection_done) struct selection s = {0};
	struct request *q;
	char who[128];

	q = request_about(c, &s);
	if (!q) {
		return;
	}
	(void)call_who(c, who, sizeof(who));
	vec_for_each (p, &s.processes) {
		process_start_due(*p);
		if (!s.many || (*p)->waits || process_may_be_stopped(*p)) {
			service_note_stop(*p, who);
			stop_one(q, *p, message_u64(c->m, TAG_WAIT) != 0);
		}
	}
	request_begin(q);
}

static void signal_one(struct request *q, struct process *p, int signo, const char *signal)
{
	struct request_item *item = request_add(q, p, WAIT_NOTHING);

	if (!item) {
		return;
	}
	if (signo < 0) {
		request_decide(q, item, FAULT_BAD_SIGNAL, signal);
	} else if (!worker_state_info(p->worker.state)->signallable) {
		request_decide(q, item, FAULT_NOT_RUNNING, p->namespec);
	} else {
		int r;

		log_line(LOG_DEBUG, "sending %s (pid %d) sig %s", p->config->name, (int)p->pid,
			 signal);
		r = process_signal(p, signo);
		request_decide(q, item, r < 0 && r != -ESRCH ? FAULT_FAILED : FAULT_SUCCESS,
			       r < 0 && r != -ESRCH ? p->namespec : "OK");
	}
}

static void command_signal(const struct call *c)
{
	CLEANUP(selection_done) struct selection s = {0};
	const char *signal = message_str(c->m, TAG_SIGNAL);
	struct request *q;

	q = request_about(c, &s);
	if (!q) {
		return;
	}
	vec_for_each (p, &s.processes) {
		process_start_due(*p);
		if (!s.many || worker_state_info((*p)->worker.state)->signallable) {
			signal_one(q, *p, signal_number(signal), signal);
		}
	}
	request_begin(q);
}

/* ---- groups and the configuration */

static void command_add_group(const struct call *c)
{
	const struct group_config *config = config_group(c->sup->config, c->name);
	struct diag diag = {0};
	struct group *g;

	if (group_find(c->sup, c->name)) {
		answer(c->sup, c->id, FAULT_ALREADY_ADDED, c->name);
	} else if (!config) {
		answer(c->sup, c->id, FAULT_BAD_NAME, c->name);
	} else if (group_add(c->sup, config, c->sup->config, &diag, &g) < 0) {
		answer(c->sup, c->id, FAULT_FAILED, diag.text);
	} else {
		group_autostart(g);
		answer(c->sup, c->id, FAULT_SUCCESS, NULL);
	}
}

static void command_remove_group(const struct call *c)
{
	struct group *g = group_find(c->sup, c->name);

	if (!g) {
		answer(c->sup, c->id, FAULT_BAD_NAME, c->name);
	} else if (!group_ended(g)) {
		answer(c->sup, c->id, FAULT_STILL_RUNNING, c->name);
	} else {
		group_remove(g);
		reload_sweep(c->sup);
		answer(c->sup, c->id, FAULT_SUCCESS, NULL);
	}
}

static void command_reread(const struct call *c)
{
	reload_begin(c->sup, RELOAD_REREAD, c->id, false);
}

static void command_reload(const struct call *c)
{
	reload_begin(c->sup, RELOAD_APPLY, c->id, message_u64(c->m, TAG_FORCE) != 0);
}

/* ---- the daemon */

static void command_shutdown(const struct call *c)
{
	supervisor_shutdown(c->sup, MOOD_SHUTDOWN); /* first: who has the answer sees that state */
	answer(c->sup, c->id, FAULT_SUCCESS, NULL);
}

/* A configuration that would not start again stops nothing. */
static void command_restart_daemon(const struct call *c)
{
	reload_begin(c->sup, RELOAD_RESTART, c->id, false);
}

static void command_upgrade(const struct call *c)
{
	upgrade_begin(c->sup, c->id, message_u64(c->m, TAG_FORCE) != 0);
}

static void command_log_level(const struct call *c)
{
	const char *level = message_str(c->m, TAG_ARG);
	const struct level_word *word = level_find(level);
	char text[128];

	if (word) {
		ownlog_set_level(c->sup, word->priority);
		log_line(LOG_NOTICE, "log level is now %s", word->name);
		answer(c->sup, c->id, FAULT_SUCCESS, NULL);
		return;
	}
	(void)snprintf(text, sizeof(text),
		       "there is no level \"%.40s\": use error, warn, info or debug", level);
	answer(c->sup, c->id, FAULT_BAD_ARGUMENTS, text);
}

/* ---- who may do what: the rows of the table of commands say */

static command_fn *const commands[COMMAND_MAX_] = {
	[COMMAND_START] = command_start,
	[COMMAND_STOP] = command_stop,
	[COMMAND_SIGNAL] = command_signal,
	[COMMAND_ADD] = command_add_group,
	[COMMAND_REMOVE] = command_remove_group,
	[COMMAND_REREAD] = command_reread,
	[COMMAND_RELOAD] = command_reload,
	[COMMAND_SHUTDOWN] = command_shutdown,
	[COMMAND_RESTART_DAEMON] = command_restart_daemon,
	[COMMAND_UPGRADE] = command_upgrade,
	[COMMAND_CLEAR] = command_clear_log,
	[COMMAND_TAIL] = command_open_log,
	[COMMAND_MAINTAIL] = command_open_log,
	[COMMAND_SWAP] = command_swap,
	[COMMAND_DEPLOY] = command_deploy,
	[COMMAND_DRY_RUN] = command_dry_run,
	[COMMAND_ROLLBACK] = command_rollback,
	[COMMAND_RESTART] = command_restart,
	[COMMAND_ABORT] = command_abort,
	[COMMAND_CANARY] = command_canary,
	[COMMAND_PROMOTE] = command_promote,
	[COMMAND_AB] = command_ab,
	[COMMAND_DRAIN] = command_drain_now,
	[COMMAND_PAUSE] = command_pause,
	[COMMAND_RESUME] = command_resume,
	[COMMAND_OFFLINE] = command_offline,
	[COMMAND_ONLINE] = command_online,
	[COMMAND_FREEZE] = command_freeze,
	[COMMAND_UNFREEZE] = command_unfreeze,
	[COMMAND_LOG_LEVEL] = command_log_level,
	[COMMAND_REOPEN] = command_reopen_logs,
	[COMMAND_HISTORY] = command_open_history,
	[COMMAND_ATTACH] = command_open_job_log,
	[COMMAND_WHOAMI] = command_whoami,
	[COMMAND_NOTIFY] = command_notify_test,
};

bool commands_have(enum command c)
{
	return c >= 0 && c < COMMAND_MAX_ && commands[c];
}

/* False: it was answered, as below. about: whose log the command is about, or NULL. */
static bool is_allowed(struct supervisor *sup, const struct message *m, enum command command,
		       const char *about)
{
	const struct call c = {.sup = sup, .m = m};
	struct diag diag = {0};
	char who[128];

	if (access_check(sup, m, command, call_who(&c, who, sizeof(who)), about, &diag) == 0) {
		return true;
	}
	answer(sup, m->id, FAULT_FORBIDDEN, diag.text);
	return false;
}

static bool may_ask(struct supervisor *sup, const struct message *m, enum command command)
{
	const bool reads_log = command == COMMAND_TAIL;

	if (!is_allowed(sup, m, command, reads_log ? message_str(m, TAG_NAME) : NULL)) {
		return false;
	}
	if (sup->mood != MOOD_RUNNING) {
		answer(sup, m->id, FAULT_SHUTDOWN_STATE, NULL);
		return false;
	}
	return true;
}

static void on_command(struct supervisor *sup, struct message *m)
{
	uint64_t n = message_u64(m, TAG_COMMAND);
	const struct call c = {.sup = sup,
			       .m = m,
			       .id = m->id,
			       .name = message_str(m, TAG_NAME),
			       .trusted = access_is_trusted(m)};

	if (n >= COMMAND_MAX_ || !commands[n]) {
		answer(sup, m->id, FAULT_FAILED, "unknown command");
	} else if (may_ask(sup, m, (enum command)n)) {
		commands[n](&c);
	}
}

static void on_stdin(struct supervisor *sup, const struct message *m)
{
	const char *name = message_str(m, TAG_NAME);
	struct process *p = process_find(sup, name);
	const void *data;
	size_t len;
	int r;

	data = message_bytes(m, TAG_BYTES, &len);
	if (!may_ask(sup, m, COMMAND_FG)) {
		return;
	}
	if (!p) {
		answer(sup, m->id, FAULT_BAD_NAME, name);
	} else if (!process_exists(p)) {
		answer(sup, m->id, FAULT_NOT_RUNNING, name);
	} else {
		r = stdin_write(p, data, len);
		answer(sup, m->id,
		       r == 0	     ? FAULT_SUCCESS
		       : r == -EPIPE ? FAULT_NO_FILE
				     : FAULT_FAILED,
		       name);
	}
}

static void on_remote_event(struct supervisor *sup, const struct message *m)
{
	CLEANUP(strbuf_done) struct strbuf sb = {0};
	size_t len;
	const char *data = message_bytes(m, TAG_BYTES, &len);

	if (!is_allowed(sup, m, COMMAND_EVENT, NULL)) { /* Supervisor takes events to its end */
		return;
	}
	(void)strbuf_addf(&sb, "type:%s\n", message_str(m, TAG_NAME));
	(void)strbuf_add(&sb, data, len);
	if (sb.error) {
		answer(sup, m->id, FAULT_FAILED, "out of memory");
		return;
	}
	events_emit(sup, EVENT_REMOTE_COMMUNICATION, sb.data, sb.len);
	answer(sup, m->id, FAULT_SUCCESS, NULL);
}

void commands_received(struct supervisor *sup, struct message *m)
{
	switch (m->type) {
	case MSG_COMMAND:
		on_command(sup, m);
		break;
	case MSG_COMMAND_GONE:
		requests_forget(sup, m->id);
		break;
	case MSG_STDIN:
		on_stdin(sup, m);
		break;
	case MSG_EVENT:
		on_remote_event(sup, m);
		break;
	default:
		log_line(LOG_DEBUG, "slotd-control sent %s", message_type_name(m->type));
		break;
	}
}
