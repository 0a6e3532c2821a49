#include "deploy/announce.h"
#include "deploy/hooks.h"
#include "link/inheritance.h"
#include "link/kept.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static void keep_command(struct service *s, int pidfd)
{
	char name[sizeof(KEEP_ANNOUNCE_PREFIX) + LEDGER_NAME_MAX];

	(void)snprintf(name, sizeof(name), KEEP_ANNOUNCE_PREFIX "%s", s->name);
	keep_put(s->sup, name, &(struct kept_fd){pidfd, KEEP_TAG_PIDFD}, 1);
}

static void on_made(struct child *c)
{
	keep_command(container_of(c, struct service, announcement.child), c->pidfd);
}

static void on_output(struct child *c, const char *data, size_t len)
{
	struct announcement *a = container_of(c, struct announcement, child);

	child_keep_output(a->said, sizeof(a->said), &a->n_said, data, len);
}

/* The beginning of what they said, on one line. */
static const char *said(struct announcement *a)
{
	for (size_t i = 0; i < a->n_said; i++) {
		if ((unsigned char)a->said[i] < ' ') {
			a->said[i] = ' ';
		}
	}
	return a->said;
}

static void report(struct service *s, const struct child_result *result)
{
	struct announcement *a = &s->announcement;
	char span[USEC_TEXT_MAX];

	if (result->timed_out) {
		service_say(s, LOG_WARNING,
			    "announce of %s took longer than announce_timeout, %s: %s", a->what,
			    usec_format(s->config->announce_timeout, span, sizeof(span)), said(a));
	} else if (result->report.stage != SPAWN_STAGE_NONE) {
		service_say(s, LOG_WARNING, "announce of %s cannot be run: %s", a->what,
			    strerror(-result->report.error));
	} else if (WIFSIGNALED(result->status)) {
		service_say(s, LOG_WARNING, "announce of %s was ended by signal %d: %s", a->what,
			    WTERMSIG(result->status), said(a));
	} else if (WEXITSTATUS(result->status)) {
		service_say(s, LOG_WARNING, "announce of %s failed with exit status %d: %s",
			    a->what, WEXITSTATUS(result->status), said(a));
	} else {
		service_say(s, LOG_INFO, "%s was announced", a->what);
	}
}

static void on_done(struct child *c, const struct child_result *result)
{
	struct service *s = container_of(c, struct service, announcement.child);

	keep_command(s, -EBADF);
	report(s, result);
	s->announcement.then(s);
}

static int fill_env(const struct service *s, const struct process *worker, const char *who,
		    const char *why, struct env *env)
{
	int r = hooks_environment(s, worker->slot, worker, env);

	r = r < 0 ? r : env_setf(env, "SLOTD_ANNOUNCE=%s", s->announcement.what);
	r = r < 0 ? r : env_setf(env, "SLOTD_WHO=%s", who);
	r = r < 0 ? r : env_setf(env, "SLOTD_WHY=%s", why);
	return r;
}

static int run(struct service *s, const struct process *worker, const char *who, const char *why)
{
	auto_close int script = hooks_script_file(s->config->announce);
	CLEANUP(env_done) struct env env = {0};
	struct child_spec spec = CHILD_SPEC_INIT;
	int r = script < 0 ? script : fill_env(s, worker, who, why, &env);

	if (r < 0) {
		return r;
	}
	spec.timeout = s->config->announce_timeout;
	spec.output = on_output;
	spec.done = on_done;
	spec.made = on_made;
	return hooks_shell(s, worker, "-e", script, &env, &s->announcement.child, &spec);
}

bool announce_start(struct service *s, const char *what, const char *who, const char *why,
		    announced_fn *then)
{
	struct announcement *a = &s->announcement;
	const struct process *worker;
	int r;

	if (!s->config->announce) {
		return false;
	}
	a->what = what;
	a->then = then;
	a->n_said = 0;
	a->said[0] = '\0';
	worker = hooks_worker(s, service_live(s));
	r = worker ? run(s, worker, who, why) : -ENOENT;
	if (r < 0) {
		service_say(s, LOG_WARNING, "announce of %s cannot be run: %s", what,
			    worker ? strerror(-r) : "the live slot has no program");
	}
	return r == 0;
}

void announce_stop(struct service *s)
{
	if (child_running(&s->announcement.child)) {
		keep_command(s, -EBADF);
		child_abandon(&s->announcement.child);
	}
}

void announce_end_former(struct service *s)
{
	char name[sizeof(KEEP_ANNOUNCE_PREFIX) + LEDGER_NAME_MAX];
	pid_t pid;

	(void)snprintf(name, sizeof(name), KEEP_ANNOUNCE_PREFIX "%s", s->name);
	pid = inherited_kill(inherited_item(s->sup, name), KEEP_TAG_PIDFD);
	if (pid) {
		service_say(s, LOG_WARNING,
			    "ending announce commands (pid %d) of a slotd that was killed",
			    (int)pid);
	}
}
