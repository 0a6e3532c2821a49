#include "deploy/hooks.h"
#include "deploy/job_files.h"
#include "deploy/job_steps.h"
#include "deploy/preview.h"
#include "deploy/records.h"
#include "deploy/result.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "service/environment.h"
#include "service/observers.h"
#include "service/service.h"
#include "worker/process.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <slotd/os.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum {
	CANNOT_RUN = 126, /* as shells say it */
};

#define LOG_PATIENCE	SECONDS(5) /* then it is said without the command that failed */
#define TRACE_PATIENCE	SECONDS(2)
#define RESULT_PATIENCE SECONDS(5)

static void begin(struct service *s);

/* ---- the end */

/* Lines that say something; one command may take several. */
static unsigned count_commands(const char *script)
{
	unsigned n = 0;

	while (script && *script) {
		size_t len = strcspn(script, "\n");

		n += script_line_says(script, len);
		script += len + (script[len] == '\n');
	}
	return n;
}

/* Of the slot that the job is about, also when it has been flipped back. */
static const struct service_slot_config *slot_of(const struct service *s)
{
	return &s->config->slots[s->job->to];
}

static const char *script_of(const struct service *s, enum hook hook)
{
	const char *script = slot_of(s)->hooks[hook];

	return script ? script : ":";
}

static void finish(struct service *s)
{
	const struct hook_run *p = &s->run;
	const char *command = strchr(p->said, ' ');
	unsigned n = count_commands(slot_of(s)->hooks[p->hook]);
	char text[PLAN_TEXT_MAX], path[PATH_MAX];

	(void)job_log_path(s->job, path, sizeof(path));
	if (p->code && command) {
		(void)snprintf(text, sizeof(text), "exit status %d in line %.*s, \"%s\"; log %s",
			       p->code, (int)(command - p->said), p->said, command + 1, path);
	} else if (p->code) {
		(void)snprintf(text, sizeof(text), "exit status %d, log %s", p->code, path);
	} else {
		(void)snprintf(text, sizeof(text), "%u command%s, log %s", n, n == 1 ? "" : "s",
			       path);
	}
	service_step(s, DEPLOY_EV_COMMANDS, p->code, text);
}

static void keep_said(struct child *c, const char *data, size_t len)
{
	struct hook_run *p = container_of(c, struct hook_run, child);

	child_keep_output(p->said, sizeof(p->said), &p->n_said, data, len);
}

static void forget_said(struct hook_run *p)
{
	p->said[0] = '\0';
	p->n_said = 0;
}

/* ---- which command failed: the shell has said each line (script_trace) */

static void on_traced(struct child *c, const struct child_result *result)
{
	(void)result;
	finish(container_of(c, struct service, run.child));
}

static void trace(struct service *s)
{
	char path[PATH_MAX];
	struct job_trace trace = {
		.script = script_of(s, s->run.hook),
		.path = job_log_path(s->job, path, sizeof(path)),
	};
	struct child_spec spec = CHILD_SPEC_INIT;

	loop_timer_stop(s->sup->loop, &s->run.patience);
	s->run.waiting = false;
	forget_said(&s->run);
	spec.spawn.run = job_trace_print;
	spec.spawn.data = &trace;
	spec.timeout = TRACE_PATIENCE;
	spec.output = keep_said;
	spec.done = on_traced;
	if (child_run(&s->sup->children, &s->run.child, &spec) < 0) {
		finish(s); /* there is less to read */
	}
}

static void on_patience(struct loop_timer *t)
{
	struct service *s = container_of(t, struct service, run.patience);

	if (s->run.queued) {
		begin(s);
	} else {
		trace(s);
	}
}

/* Has the log all that comes before what these commands print? */
static bool may_begin(const struct service *s)
{
	return !s->job->log.commands && !child_running(&s->job->tail);
}

void hooks_written(struct service *s)
{
	if (s->run.waiting && !s->job->log.commands) {
		trace(s);
	} else if (s->run.queued && may_begin(s)) {
		begin(s);
	}
}

/* ---- the shell */

const struct process *hooks_worker(const struct service *s, enum slot_id slot)
{
	const struct process *p, *found = NULL;
	size_t pos = 0;

	while ((p = service_next(s, slot, &pos))) {
		if (!found || (p->config->address && !found->config->address)) {
			found = p;
		}
	}
	return found;
}

static const char *directory_of(const struct service *s, const struct process *worker)
{
	const char *own = s->config->slots[worker->slot].prepare_directory;

	return own ? own : worker->config->directory;
}

bool hooks_user(const struct process *worker, struct spawn_user *ret)
{
	const struct owner *owner = &worker->config->program->user;

	*ret = (struct spawn_user){owner->uid, owner->gid, owner->groups, owner->n_groups,
				   owner->user};
	return owner->uid != (uid_t)-1;
}

/* ---- what the commands say of the deploy ---- */

static void take_name(struct service *s)
{
	struct job *j = s->job;

	(void)result_line(s->run.said, j->release, sizeof(j->release));
	if (!*j->release) {
		service_step(s, DEPLOY_EV_COMMANDS, CANNOT_RUN,
			     "the first line that release_command printed is empty: it has to be "
			     "the name of the release");
		return;
	}
	memcpy(s->slots[j->to].release, j->release, sizeof(j->release));
	records_write_state(s->sup);
	job_changed(j);
	service_step(s, DEPLOY_EV_COMMANDS, 0, j->release);
}

static void wait_for_log(struct service *s)
{
	s->run.waiting = true;
	loop_timer_set(s->sup->loop, &s->run.patience, usec_add(usec_monotonic(), LOG_PATIENCE));
	hooks_written(s);
}

/* The shell has ended, and what it left is read. */
static void ended(struct service *s)
{
	if (s->run.code) {
		wait_for_log(s);
	} else if (s->run.hook == HOOK_RELEASE) {
		take_name(s);
	} else {
		finish(s);
	}
}

static void take_result(struct service *s)
{
	struct service_slot *slot = &s->slots[s->job->to];
	char unknown[128];

	if (result_is_one_way(s->run.said, slot->one_way, sizeof(slot->one_way), unknown,
			      sizeof(unknown))) {
		job_line(s->job, "    %-8s no way back: %s", "prepare", slot->one_way);
	}
	if (*unknown) {
		job_line(s->job,
			 "    %-8s SLOTD_RESULT: \"%s\" means nothing; write: rollback=no "
			 "REASON",
			 "prepare", unknown);
	}
}

/* A word against a way back may be in it: nothing goes on without. */
static void cannot_read(struct service *s, const char *why)
{
	char text[PLAN_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "the file of SLOTD_RESULT cannot be read: %.300s", why);
	service_step(s, DEPLOY_EV_COMMANDS, CANNOT_RUN, text);
}

static void on_result(struct child *c, const struct child_result *result)
{
	struct service *s = container_of(c, struct service, run.child);
	const bool failed = result->status || result->report.stage != SPAWN_STAGE_NONE;

	if (!s->job) {
		return;
	}
	result_remove(s->sup, s->name, s->job->number);
	if (failed && !s->run.code) {
		cannot_read(s, result->timed_out ? "that took too long"
			       : *s->run.said	 ? s->run.said
						 : "its reader was killed");
		return;
	}
	if (!s->run.code) {
		take_result(s);
	}
	ended(s);
}

static void read_result(struct service *s)
{
	const struct process *worker = hooks_worker(s, s->job->to);
	struct child_spec spec = CHILD_SPEC_INIT;
	struct spawn_user user;
	char dir[PATH_MAX];
	int r;

	if (!worker) {
		ended(s); /* it was nobody's */
		return;
	}
	forget_said(&s->run);
	spec.spawn.run = result_print;
	spec.spawn.data = (void *)result_directory(s->sup, s->name, s->job->number, dir);
	spec.spawn.user = hooks_user(worker, &user) ? &user : NULL;
	spec.timeout = RESULT_PATIENCE;
	spec.output = keep_said;
	spec.done = on_result;
	r = child_run(&s->sup->children, &s->run.child, &spec);
	if (r < 0 && s->run.code) {
		ended(s);
	} else if (r < 0) {
		cannot_read(s, strerror(-r));
	}
}

/* ---- the shell's start and end ---- */

/* Its command was not executed. */
static void tell_refusal(struct service *s, const struct spawn_report *report)
{
	const struct process *worker = hooks_worker(s, s->job->to);
	const char *why = strerrordesc_np(-report->error);
	char text[1024];

	if (worker && report->stage == SPAWN_STAGE_USER) {
		(void)snprintf(text, sizeof(text), "%s: cannot become user %s: %s",
			       hook_name(s->run.hook), worker->config->program->user.user, why);
	} else if (worker && report->stage == SPAWN_STAGE_DIRECTORY) {
		(void)snprintf(text, sizeof(text), "%s: cannot enter %s: %s",
			       hook_name(s->run.hook), directory_of(s, worker), why);
	} else {
		(void)snprintf(text, sizeof(text), "%s: cannot run /bin/sh: %s",
			       hook_name(s->run.hook), why);
	}
	job_output(s->job, text, strlen(text));
	job_output(s->job, "", 0);
}

/* Should slotd die, the next one ends it: nobody could tell how it went. */
static void keep_command(struct service *s, int pidfd)
{
	char name[sizeof(KEEP_COMMAND_PREFIX) + LEDGER_NAME_MAX];

	(void)snprintf(name, sizeof(name), KEEP_COMMAND_PREFIX "%s", s->name);
	keep_put(s->sup, name, &(struct kept_fd){pidfd, KEEP_TAG_PIDFD}, 1);
}

static void on_made(struct child *c)
{
	keep_command(container_of(c, struct service, run.child), c->pidfd);
}

static void on_done(struct child *c, const struct child_result *result)
{
	struct service *s = container_of(c, struct service, run.child);
	struct hook_run *p = &s->run;

	p->code = WIFEXITED(result->status) ? WEXITSTATUS(result->status)
					    : 128 + WTERMSIG(result->status);
	keep_command(s, -EBADF);
	if (!s->job) {
		return;
	}
	job_log_commands_end(&s->job->log);
	if (result->report.stage != SPAWN_STAGE_NONE) {
		p->code = CANNOT_RUN;
		tell_refusal(s, &result->report);
	}
	(p->hook == HOOK_PREPARE ? read_result : ended)(s);
}

/* A script in a file is printed line by line as it is read (sh -v): so a log of commands that say
 * nothing tells what ran, and which of them failed. */
int hooks_script_file(const char *script)
{
	auto_close int fd = memfd_create("commands", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : io_write_all(fd, script, strlen(script));

	if (r == 0) {
		r = io_write_all(fd, "\n", 1);
	}
	return r < 0 ? r : TAKE_FD(fd);
}

/* The commands belong to the slot, not to one of its workers. */
int hooks_environment(const struct service *s, enum slot_id slot, const struct process *worker,
		      struct env *env)
{
	const struct service_config *c = s->config;
	int r = slot_environment(s, slot, worker, env);

	if (r == 0 && c->n_preview) {
		r = env_setf(env, "SLOTD_PREVIEW=%s", c->listen.at[c->listen.len - c->n_preview]);
	}
	env_unset(env, "SLOTD_ADDRESS");
	env_unset(env, "SLOTD_PORT");
	env_unset(env, "SUPERVISOR_PROCESS_NAME");
	return r;
}

static int slot_env(const struct service *s, enum hook hook, const struct process *worker,
		    struct env *env)
{
	const struct job *j = s->job;
	int r = hooks_environment(s, j->to, worker, env);

	if (r == 0 && hook == HOOK_VERIFY) {
		r = preview_name(s, worker, env);
	}
	if (r == 0) {
		r = env_setf(env, "SLOTD_JOB=%u", j->number);
	}
	if (r == 0) {
		r = env_setf(env, "SLOTD_KIND=%s", swap_kind_name(j->kind));
	}
	if (r == 0 && hook == HOOK_ON_FAILURE) {
		r = env_setf(env, "SLOTD_STEP=%s", swap_step_name(j->failed_in));
	}
	if (r == 0 && hook == HOOK_ON_FAILURE) {
		r = env_setf(env, "SLOTD_ERROR=%s", j->why);
	}
	return r;
}

static int add_result(struct service *s, enum hook hook, const struct process *worker,
		      struct env *env)
{
	const struct owner *owner = &worker->config->program->user;
	char path[PATH_MAX];
	int r;

	if (hook != HOOK_PREPARE) {
		return 0;
	}
	r = result_make(s->sup, s->name, s->job->number, owner->uid, owner->gid, path);
	return r < 0 ? r : env_setf(env, "SLOTD_RESULT=%s", path);
}

int hooks_shell(struct service *s, const struct process *worker, const char *flags, int script,
		const struct env *env, struct child *c, struct child_spec *spec)
{
	char *argv[] = {(char *)"/bin/sh", (char *)flags, (char *)"/dev/fd/3", NULL};
	struct spawn_user user;
	struct rlimit limits[RLIM_NLIMITS];

	os_child_limits(limits);
	spec->spawn.argv = argv;
	spec->spawn.envp = env->at;
	spec->spawn.channel_fd = script;
	spec->spawn.directory = directory_of(s, worker);
	spec->spawn.user = hooks_user(worker, &user) ? &user : NULL;
	spec->spawn.reset_signals = true;
	spec->spawn.limits = limits;
	spec->spawn.n_limits = RLIM_NLIMITS;
	return child_run(&s->sup->children, c, spec);
}

/* spec: what is to be done with its output, and at its end. */
static int run_shell(struct service *s, enum hook hook, const struct process *worker, int script,
		     struct child *c, struct child_spec *spec)
{
	CLEANUP(env_done) struct env env = {0};
	int r = slot_env(s, hook, worker, &env);

	if (r == 0) {
		r = add_result(s, hook, worker, &env);
	}
	return r < 0 ? r : hooks_shell(s, worker, "-ev", script, &env, c, spec);
}

static int start(struct service *s, const struct process *worker)
{
	const struct owner *owner = &worker->config->program->user;
	auto_close int script = hooks_script_file(script_of(s, s->run.hook)), output = -EBADF;
	struct child_spec spec = CHILD_SPEC_INIT;
	int r = script < 0 ? script
			   : job_log_commands(&s->job->log, owner->uid, owner->gid, &output);

	spec.spawn.stdio[2] = output;
	if (s->run.hook == HOOK_RELEASE) {
		spec.output = keep_said;
	} else {
		spec.spawn.stdio[1] = output;
	}
	spec.done = on_done;
	spec.made = on_made;
	if (r == 0) {
		r = run_shell(s, s->run.hook, worker, script, &s->run.child, &spec);
	}
	if (r < 0) {
		job_log_commands_end(&s->job->log);
	}
	return r;
}

static void begin(struct service *s)
{
	const struct process *worker = hooks_worker(s, s->job->to);
	char text[256];
	int r;

	loop_timer_stop(s->sup->loop, &s->run.patience);
	s->run.queued = false;
	if (s->run.hook == HOOK_ON_FAILURE && s->job->tail_said) {
		job_line(s->job, "    on_failure begins"); /* what follows is no worker's */
	}
	r = worker ? start(s, worker) : -ENOENT;
	if (r < 0) {
		(void)snprintf(text, sizeof(text), "%s cannot be started: %s",
			       hook_name(s->run.hook), strerror(-r));
		service_step(s, DEPLOY_EV_COMMANDS, CANNOT_RUN, text);
	}
}

/* ---- beside the phase */

static void on_made_apart(struct child *c)
{
	keep_command(c->owner, c->pidfd);
}

int hooks_run_apart(struct service *s, enum hook hook, struct child *c, struct child_spec *spec)
{
	const struct process *worker = hooks_worker(s, s->job->to);
	auto_close int script = hooks_script_file(script_of(s, hook));

	if (!worker) {
		return -ENOENT;
	}
	spec->made = on_made_apart;
	spec->owner = s;
	return script < 0 ? script : run_shell(s, hook, worker, script, c, spec);
}

void hooks_ran_apart(struct service *s)
{
	keep_command(s, -EBADF);
}

void hooks_start(struct service *s, enum hook hook)
{
	s->run.hook = hook;
	forget_said(&s->run);
	if (may_begin(s)) {
		begin(s);
		return;
	}
	s->run.queued = true;
	loop_timer_set(s->sup->loop, &s->run.patience, usec_add(usec_monotonic(), LOG_PATIENCE));
}

void hooks_time_out(struct service *s)
{
	char text[PLAN_TEXT_MAX], span[USEC_TEXT_MAX];
	const char *name = hook_name(s->run.hook);

	(void)snprintf(text, sizeof(text), "%s took longer than %s_timeout, %s", name, name,
		       usec_format(s->policy.hook_timeout[s->run.hook], span, sizeof(span)));
	service_step(s, DEPLOY_EV_TIMER, -ETIMEDOUT, text);
}

void hooks_stop(struct service *s)
{
	keep_command(s, -EBADF);
	child_abandon(&s->run.child);
	loop_timer_stop(s->sup->loop, &s->run.patience);
	s->run.waiting = s->run.queued = false;
	if (s->job) {
		job_log_commands_end(&s->job->log);
		result_remove(s->sup, s->name, s->job->number);
	}
}

int hooks_init(struct service *s)
{
	loop_timer_init(&s->run.patience, on_patience);
	return 0;
}

void hooks_end_former(struct service *s)
{
	char name[sizeof(KEEP_COMMAND_PREFIX) + LEDGER_NAME_MAX];
	pid_t pid;

	(void)snprintf(name, sizeof(name), KEEP_COMMAND_PREFIX "%s", s->name);
	pid = inherited_kill(inherited_item(s->sup, name), KEEP_TAG_PIDFD);
	if (pid) {
		service_say(s, LOG_WARNING,
			    "ending commands of a deploy (pid %d) of a slotd that was killed",
			    (int)pid);
	}
}
