#include "show/notice_run.h"
#include "deploy/result.h"
#include "service/services.h"
#include "worker/names.h"
#include "worker/process.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <slotd/os.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct notice_terms notice_terms_for(const struct supervisor *sup, const char *name)
{
	const struct supervisord_config *all = &sup->config->supervisord;
	const struct service_config *s = *name ? config_service(sup->config, name) : NULL;
	const bool own = s && s->notify;

	return (struct notice_terms){
		.command = own ? s->notify : all->notify,
		.on = s && s->notify_on ? s->notify_on : all->notify_on,
		.timeout = own ? s->notify_timeout : all->notify_timeout,
		.user = s && s->notify_user.user ? &s->notify_user
			: all->notify_user.user	 ? &all->notify_user
						 : NULL,
	};
}

static const struct process *any_worker(const struct service *s)
{
	struct process *p, *found = NULL;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		if (!found || (p->config->address && !found->config->address)) {
			found = p;
		}
	}
	return found;
}

/* As whom it runs. NULL: nobody knows any more. */
static const struct owner *user_of(struct supervisor *sup, const char *name,
				   const struct notice_terms *t, const char *worker)
{
	const struct process *p = *worker ? process_find(sup, worker) : NULL;
	const struct service *s = *name ? service_find(sup, name) : NULL;

	if (t->user) {
		return t->user;
	}
	p = p ? p : s ? any_worker(s) : NULL;
	return p ? &p->config->program->user : NULL;
}

static void on_output(struct child *c, const char *data, size_t len)
{
	struct notice_run *d = container_of(c, struct notice_run, child);

	child_keep_output(d->said, sizeof(d->said), &d->n_said, data, len);
}

bool notice_run_outcome(const struct notice_run *d, const struct child_result *result, char *buf,
			size_t size)
{
	char how[512], status[64], line[NOTICE_OUTPUT_MAX];
	const bool well = !result->timed_out && result->report.stage == SPAWN_STAGE_NONE &&
			  WIFEXITED(result->status) && WEXITSTATUS(result->status) == 0;

	if (result->timed_out) {
		(void)snprintf(how, sizeof(how), "took longer than notify_timeout");
	} else if (result->report.stage != SPAWN_STAGE_NONE) {
		(void)spawn_report_text(&result->report, "/bin/sh", how, sizeof(how));
	} else {
		(void)snprintf(how, sizeof(how), "%s",
			       worker_status_text(result->status, status, sizeof(status)));
	}
	(void)result_line(d->said, line, sizeof(line));
	(void)snprintf(buf, size, "%s%s%s", how, *line ? "; it printed: " : "", line);
	return well;
}

/* Nothing of slotd's own environment but what a command needs, and no secrets of workers. */
static int make_environment(const char *name, const struct notice *n, const struct owner *user,
			    struct env *env)
{
	const char *path = getenv("PATH");
	const struct {
		const char *name, *value;
	} settings[] = {
		{"PATH", path ? path : "/usr/local/bin:/usr/bin:/bin"},
		{"HOME", user->uid == (uid_t)-1 ? getenv("HOME") : user->home},
		{"USER", user->uid == (uid_t)-1 ? getenv("USER") : user->user},
		{"LOGNAME", user->uid == (uid_t)-1 ? getenv("LOGNAME") : user->user},
		{"SHELL", user->uid == (uid_t)-1 ? NULL : user->shell},
		{"SLOTD_EVENT", notice_name(n->event)},
		{"SLOTD_SERVICE", name},
		{"SLOTD_TEXT", n->text},
	};
	int r = env_for_helper(env);

	for (size_t i = 0; i < ARRAY_SIZE(settings) && r == 0; i++) {
		r = settings[i].value ? env_setf(env, "%s=%s", settings[i].name, settings[i].value)
				      : 0;
	}
	return r;
}

static int body_file(const char *json)
{
	auto_close int fd = memfd_create("notice", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : io_write_all(fd, json, strlen(json));

	r = r < 0 ? r : io_write_all(fd, "\n", 1);
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0) {
		r = -errno;
	}
	return r < 0 ? r : TAKE_FD(fd);
}

int notice_run_start(struct supervisor *sup, const char *name, struct notice_run *d,
		     const struct notice *n, child_done_fn *done, child_made_fn *made)
{
	const struct notice_terms t = notice_terms_for(sup, name);
	const struct owner *owner = user_of(sup, name, &t, n->worker);
	CLEANUP(env_done) struct env env = {0};
	struct child_spec spec = CHILD_SPEC_INIT;
	struct rlimit limits[RLIM_NLIMITS];
	char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)t.command, NULL};
	auto_close int body = owner ? body_file(n->json) : -ESRCH;
	struct spawn_user user;
	int r = body < 0 ? body : make_environment(name, n, owner, &env);

	if (r < 0) {
		return r;
	}
	user = (struct spawn_user){owner->uid, owner->gid, owner->groups, owner->n_groups,
				   owner->user};
	os_child_limits(limits);
	d->n_said = 0;
	d->said[0] = '\0';
	spec.spawn.argv = argv;
	spec.spawn.envp = env.at;
	spec.spawn.stdio[0] = TAKE_FD(body);
	spec.spawn.directory = "/";
	spec.spawn.user = owner->uid == (uid_t)-1 ? NULL : &user;
	spec.spawn.reset_signals = true;
	spec.spawn.limits = limits;
	spec.spawn.n_limits = RLIM_NLIMITS;
	spec.timeout = t.timeout;
	spec.done = done;
	spec.output = on_output;
	spec.made = made;
	return child_run(&sup->children, &d->child, &spec);
}
