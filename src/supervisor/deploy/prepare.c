#include "deploy/prepare.h"
#include "deploy/job_files.h"
#include "deploy/job_steps.h"
#include "deploy/jobs.h"
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

#define LOG_PATIENCE   SECONDS(5) /* then it is said without the command that failed */
#define TRACE_PATIENCE SECONDS(2)

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

static void finish(struct service *s)
{
	const struct prepare *p = &s->prepare;
	const char *command = strchr(p->said, ' ');
	unsigned n = count_commands(s->config->slots[s->swap.target].prepare);
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
	service_step(s, DEPLOY_EV_PREPARED, p->code, text);
}

/* ---- which command failed: the shell has said each line (script_trace) */

static void on_trace(struct child *c, const char *data, size_t len)
{
	struct prepare *p = container_of(c, struct prepare, child);

	child_keep_output(p->said, sizeof(p->said), &p->n_said, data, len);
}

static void on_traced(struct child *c, const struct child_result *result)
{
	(void)result;
	finish(container_of(c, struct service, prepare.child));
}

static void trace(struct service *s)
{
	char path[PATH_MAX];
	struct job_trace trace = {
		.script = s->config->slots[s->swap.target].prepare,
		.path = job_log_path(s->job, path, sizeof(path)),
	};
	struct child_spec spec = CHILD_SPEC_INIT;

	loop_timer_stop(s->sup->loop, &s->prepare.patience);
	s->prepare.waiting = false;
	spec.spawn.run = job_trace_print;
	spec.spawn.data = &trace;
	spec.timeout = TRACE_PATIENCE;
	spec.output = on_trace;
	spec.done = on_traced;
	if (child_run(&s->sup->children, &s->prepare.child, &spec) < 0) {
		finish(s); /* there is less to read */
	}
}

static void on_patience(struct loop_timer *t)
{
	trace(container_of(t, struct service, prepare.patience));
}

void prepare_written(struct service *s)
{
	if (s->prepare.waiting && !s->job->log.commands) {
		trace(s);
	}
}

/* ---- the shell */

static const struct process *first_worker(const struct service *s, enum slot_id slot)
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
	const char *own = s->config->slots[s->swap.target].prepare_directory;

	return own ? own : worker->config->directory;
}

/* Its command was not executed. */
static void tell_refusal(struct service *s, const struct spawn_report *report)
{
	const struct process *worker = first_worker(s, s->swap.target);
	const char *why = strerrordesc_np(-report->error);
	char text[1024];

	if (worker && report->stage == SPAWN_STAGE_USER) {
		(void)snprintf(text, sizeof(text), "prepare: cannot become user %s: %s",
			       worker->config->program->user.user, why);
	} else if (worker && report->stage == SPAWN_STAGE_DIRECTORY) {
		(void)snprintf(text, sizeof(text), "prepare: cannot enter %s: %s",
			       directory_of(s, worker), why);
	} else {
		(void)snprintf(text, sizeof(text), "prepare: cannot run /bin/sh: %s", why);
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
	keep_command(container_of(c, struct service, prepare.child), c->pidfd);
}

static void on_done(struct child *c, const struct child_result *result)
{
	struct service *s = container_of(c, struct service, prepare.child);
	struct prepare *p = &s->prepare;

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
	if (!p->code) {
		finish(s);
		return;
	}
	p->waiting = true;
	loop_timer_set(s->sup->loop, &p->patience, usec_add(usec_monotonic(), LOG_PATIENCE));
	prepare_written(s);
}

/* A script in a file is printed line by line as it is read (sh -v): so a log of commands that say
 * nothing tells what ran, and which of them failed. */
static int script_file(const char *script)
{
	auto_close int fd = memfd_create("prepare", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : io_write_all(fd, script, strlen(script));

	if (r == 0) {
		r = io_write_all(fd, "\n", 1);
	}
	return r < 0 ? r : TAKE_FD(fd);
}

static int slot_env(const struct service *s, const struct process *worker, struct env *env)
{
	int r = slot_environment(s, s->swap.target, worker, env);

	/* The commands belong to the slot, not to one of its workers. */
	env_unset(env, "SLOTD_ADDRESS");
	env_unset(env, "SLOTD_PORT");
	env_unset(env, "SUPERVISOR_PROCESS_NAME");
	return r;
}

static int run_shell(struct service *s, const struct process *worker, int script, int output)
{
	char *argv[] = {(char *)"/bin/sh", (char *)"-ev", (char *)"/dev/fd/3", NULL};
	const struct owner *owner = &worker->config->program->user;
	struct spawn_user user = {owner->uid, owner->gid, owner->groups, owner->n_groups,
				  owner->user};
	CLEANUP(env_done) struct env env = {0};
	struct child_spec spec = CHILD_SPEC_INIT;
	struct rlimit limits[RLIM_NLIMITS];
	int r = slot_env(s, worker, &env);

	if (r < 0) {
		return r;
	}
	os_child_limits(limits);
	spec.spawn.argv = argv;
	spec.spawn.envp = env.at;
	spec.spawn.stdio[1] = spec.spawn.stdio[2] = output;
	spec.spawn.channel_fd = script;
	spec.spawn.directory = directory_of(s, worker);
	spec.spawn.user = owner->uid == (uid_t)-1 ? NULL : &user;
	spec.spawn.reset_signals = true;
	spec.spawn.limits = limits;
	spec.spawn.n_limits = RLIM_NLIMITS;
	spec.done = on_done;
	spec.made = on_made;
	return child_run(&s->sup->children, &s->prepare.child, &spec);
}

static int start(struct service *s, const struct process *worker)
{
	const char *commands = s->config->slots[s->swap.target].prepare;
	const struct owner *owner = &worker->config->program->user;
	auto_close int script = script_file(commands ? commands : ":"), output = -EBADF;
	int r = script < 0 ? script
			   : job_log_commands(&s->job->log, owner->uid, owner->gid, &output);

	if (r == 0) {
		r = run_shell(s, worker, script, output);
	}
	if (r < 0) {
		job_log_commands_end(&s->job->log);
	}
	return r;
}

void prepare_start(struct service *s)
{
	const struct process *worker = first_worker(s, s->swap.target);
	char text[256];
	int r;

	s->prepare.said[0] = '\0';
	s->prepare.n_said = 0;
	r = worker ? start(s, worker) : -ENOENT;
	if (r < 0) {
		(void)snprintf(text, sizeof(text), "prepare cannot be started: %s", strerror(-r));
		service_step(s, DEPLOY_EV_PREPARED, CANNOT_RUN, text);
	}
}

void prepare_stop(struct service *s)
{
	keep_command(s, -EBADF);
	child_abandon(&s->prepare.child);
	loop_timer_stop(s->sup->loop, &s->prepare.patience);
	s->prepare.waiting = false;
	if (s->job) {
		job_log_commands_end(&s->job->log);
	}
}

int prepare_init(struct service *s)
{
	loop_timer_init(&s->prepare.patience, on_patience);
	return 0;
}

void prepare_end_former(struct service *s)
{
	char name[sizeof(KEEP_COMMAND_PREFIX) + LEDGER_NAME_MAX];
	auto_close int pidfd = -EBADF;
	pid_t pid;

	(void)snprintf(name, sizeof(name), KEEP_COMMAND_PREFIX "%s", s->name);
	pidfd = inherited_take(inherited_item(s->sup, name), KEEP_TAG_PIDFD);
	pid = pidfd < 0 ? 0 : process_handle_pid(pidfd);
	if (pid) {
		service_say(s, LOG_WARNING,
			    "ending the prepare commands (pid %d) of a slotd that was killed",
			    (int)pid);
		(void)process_group_signal(pid, pidfd, SIGKILL);
	}
}
