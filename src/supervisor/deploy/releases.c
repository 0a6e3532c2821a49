#include "deploy/releases.h"
#include "deploy/hooks.h"
#include "deploy/prune.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "worker/process.h"

#include <slotd/cleanup.h>

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PRUNE_PATIENCE SECONDS(600)

/* ---- what is used, by whatever slotd runs: services may share releases ---- */

struct used {
	VEC(char *) paths;	 /* owned */
	VEC(const char *) names; /* borrowed */
	int error;
};

static void add(struct used *u, const char *path, size_t len)
{
	char *copy = path ? strndup(path, len) : NULL;

	if (path && (!copy || vec_push(&u->paths, copy) < 0)) {
		free(copy);
		u->error = -ENOMEM;
	}
}

/* As the kernel knows it; a process that ends meanwhile uses nothing. */
static void add_link_of(struct used *u, pid_t pid, const char *name)
{
	char path[64], text[PATH_MAX];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	n = readlink(path, text, sizeof(text));
	if (n >= 0) {
		add(u, text, (size_t)n);
	} else if (errno != ENOENT && errno != ESRCH) {
		u->error = u->error ? u->error : -errno;
	}
}

static void add_worker(struct used *u, const struct process *p)
{
	const char *command = p->config->command;
	const size_t len = command ? strcspn(command, " \t") : 0;

	if (p->config->directory) {
		add(u, p->config->directory, strlen(p->config->directory));
	}
	if (len && command[0] == '/') {
		/* Of env/bin/python only the link is in the release. */
		const char *slash = memrchr(command, '/', len);

		add(u, command, (size_t)(slash - command) + 1);
	}
	if (p->pid > 0) {
		add_link_of(u, p->pid, "cwd");
		add_link_of(u, p->pid, "exe");
	}
}

static void add_service(struct used *u, const struct service *s)
{
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		const char *directory = s->config->slots[slot].prepare_directory;

		if (directory) {
			add(u, directory, strlen(directory));
		}
		if (vec_push(&u->names, s->slots[slot].release) < 0) {
			u->error = -ENOMEM;
		}
	}
	if (s->config->live_link) {
		add(u, s->config->live_link, strlen(s->config->live_link));
	}
}

static void collect(const struct supervisor *sup, struct used *u)
{
	vec_for_each (s, &sup->services) {
		add_service(u, *s);
	}
	vec_for_each (p, &sup->processes) {
		if (*p) {
			add_worker(u, *p);
		}
	}
	if (vec_push(&u->paths, (char *)NULL) < 0 || vec_push(&u->names, (const char *)NULL) < 0) {
		u->error = -ENOMEM;
	}
}

static void used_done(struct used *u)
{
	vec_for_each (path, &u->paths) {
		free(*path);
	}
	vec_done(&u->paths);
	vec_done(&u->names);
}

/* ---- the child ---- */

static const char *kept_name(const struct service *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, KEEP_PRUNE_PREFIX "%s", s->name);
	return buf;
}

/* Should slotd die, the next one ends it: that one may bring back what this is about to remove. */
static void on_made(struct child *c)
{
	const struct service *s = container_of(c, struct service, prune.child);
	char name[sizeof(KEEP_PRUNE_PREFIX) + LEDGER_NAME_MAX];

	keep_put(s->sup, kept_name(s, name, sizeof(name)),
		 &(struct kept_fd){c->pidfd, KEEP_TAG_PIDFD}, 1);
}

static void on_output(struct child *c, const char *data, size_t len)
{
	struct service *s = container_of(c, struct service, prune.child);

	child_keep_output(s->prune.said, sizeof(s->prune.said), &s->prune.n_said, data, len);
}

static void on_pruned(struct child *c, const struct child_result *result)
{
	struct service *s = container_of(c, struct service, prune.child);
	const bool failed = result->status || result->report.stage != SPAWN_STAGE_NONE;
	char name[sizeof(KEEP_PRUNE_PREFIX) + LEDGER_NAME_MAX];

	keep_drop(s->sup, kept_name(s, name, sizeof(name)));
	if (*s->prune.said || failed) {
		service_say(
			s, failed ? LOG_WARNING : LOG_INFO, "keep_releases: %s%s", s->prune.said,
			result->timed_out ? " (it took longer than 10 min, and goes on after the "
					    "next deploy)"
			: *s->prune.said  ? ""
					  : "the process that removes releases has failed");
	}
}

static int begin(struct service *s, enum slot_id slot, const struct process *worker,
		 const struct used *u)
{
	char unknown[128];
	struct prune prune = {
		.directory = s->config->slots[slot].releases_directory,
		.keep = s->config->keep_releases,
		.names = u->names.at,
		.paths = (const char **)u->paths.at,
		.unknown = u->error ? unknown : NULL,
	};
	struct child_spec spec = CHILD_SPEC_INIT;
	struct spawn_user user;

	(void)snprintf(unknown, sizeof(unknown),
		       "nothing is removed: which releases the workers "
		       "use is not known: %s",
		       strerror(-u->error));
	s->prune.n_said = 0;
	s->prune.said[0] = '\0';
	spec.spawn.run = prune_releases;
	spec.spawn.data = &prune;
	spec.spawn.user = hooks_user(worker, &user) ? &user : NULL;
	spec.timeout = PRUNE_PATIENCE;
	spec.output = on_output;
	spec.done = on_pruned;
	spec.made = on_made;
	return child_run(&s->sup->children, &s->prune.child, &spec);
}

void releases_prune(struct service *s, enum slot_id slot)
{
	const struct process *worker = hooks_worker(s, slot);
	CLEANUP(used_done) struct used used = {0};
	int r;

	if (!s->config->keep_releases || !s->config->slots[slot].releases_directory || !worker) {
		return;
	}
	releases_stop(s);
	collect(s->sup, &used);
	r = begin(s, slot, worker, &used);
	if (r < 0) {
		service_say(s, LOG_WARNING, "keep_releases: no release is removed: %s",
			    strerror(-r));
	}
}

void releases_stop(struct service *s)
{
	char name[sizeof(KEEP_PRUNE_PREFIX) + LEDGER_NAME_MAX];

	if (child_running(&s->prune.child)) {
		child_abandon(&s->prune.child);
		keep_drop(s->sup, kept_name(s, name, sizeof(name)));
	}
}

void releases_end_former(struct service *s)
{
	char name[sizeof(KEEP_PRUNE_PREFIX) + LEDGER_NAME_MAX];

	(void)inherited_kill(inherited_item(s->sup, kept_name(s, name, sizeof(name))),
			     KEEP_TAG_PIDFD);
}
