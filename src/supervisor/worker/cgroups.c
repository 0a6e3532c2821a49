#include "worker/cgroups.h"
#include "worker/process_facts.h"

#include <slotd/cgroup.h>
#include <slotd/cleanup.h>
#include <slotd/os.h>
#include <slotd/strbuf.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#define OWN_GROUP "slotd" /* of slotd and its helpers; those of workers have a colon */
/* The kernel may take a moment to let go of the leader, and of what was killed with it. */
#define SETTLE	   MSECONDS(200)
#define LOOK_AGAIN MSECONDS(20)

enum {
	NAMED_MOST = 5, /* of the processes that are left */
	LOOKS_MAX = 100,
};

/* A group whose worker has ended, and which still has processes. */
struct left {
	int watch;
	bool told;
	char name[NAME_MAX + 1];
};

struct cgroups {
	struct supervisor *sup;
	int above; /* -EBADF: none was given to us */
	int inotify_fd;
	struct loop_io io;
	struct loop_timer timer;
	VEC(struct left *) left;
	bool told; /* why a worker has none */
};

/* One character as it stands in a name, where neither / nor % is as it is. Returns its length. */
static size_t escape(char c, char to[static 3])
{
	static const char digits[] = "0123456789abcdef";

	if (!strchr("/%:\n", c)) {
		to[0] = c;
		return 1;
	}
	to[0] = '%';
	to[1] = digits[(unsigned char)c >> 4];
	to[2] = digits[c & 15];
	return 3;
}

/* Unlike another's. */
static int put_escaped(char *to, size_t room, const char *text)
{
	size_t len = 0;

	for (; *text && len + 4 <= room; text++) {
		len += escape(*text, to + len);
	}
	to[len] = '\0';
	return *text ? -ENAMETOOLONG : (int)len;
}

/* What follows the escaped text in name; NULL: it is another one. */
static const char *skip_escaped(const char *name, const char *text)
{
	char one[3];

	for (; *text; text++) {
		const size_t len = escape(*text, one);

		if (strncmp(name, one, len) != 0) {
			return NULL;
		}
		name += len;
	}
	return name;
}

static int name_of(const struct process *p, char name[static NAME_MAX + 1])
{
	int len = put_escaped(name, NAME_MAX, p->group->name), r;

	if (len < 0) {
		return len;
	}
	name[len++] = ':';
	r = put_escaped(name + len, NAME_MAX + 1 - (size_t)len, p->config->name);
	return r < 0 ? r : 0;
}

static bool is_name_of(const struct process *p, const char *name)
{
	const char *rest = skip_escaped(name, p->group->name);

	rest = rest && *rest == ':' ? skip_escaped(rest + 1, p->config->name) : NULL;
	return rest && !*rest;
}

static bool is_in_use(const struct cgroups *c, const char *name)
{
	vec_for_each (at, &c->sup->processes) {
		const struct process *p = *at;

		if (p && process_exists(p) && is_name_of(p, name)) {
			return true;
		}
	}
	return false;
}

/* ---- what is left of workers that have ended */

static void drop(struct cgroups *c, size_t i)
{
	(void)inotify_rm_watch(c->inotify_fd, c->left.at[i]->watch); /* gone with its group */
	free(c->left.at[i]);
	vec_remove(&c->left, i);
}

static void tell(const struct cgroups *c, const struct left *l)
{
	CLEANUP(strbuf_done) struct strbuf who = {0};
	pid_t pids[NAMED_MOST];
	int n = cgroup_pids(c->above, l->name, pids, NAMED_MOST);
	char comm[32];

	for (int i = 0; i < n && i < NAMED_MOST; i++) {
		(void)strbuf_addf(&who, "%s%d (%s)", i ? ", " : "", (int)pids[i],
				  process_comm(pids[i], comm, sizeof(comm)));
	}
	if (n > 0) {
		log_line(LOG_INFO, "%s has ended, and %d process%s of it run%s on: %s%s", l->name,
			 n, n == 1 ? "" : "es", n == 1 ? "s" : "",
			 who.error == 0 && who.data ? who.data : "?",
			 n > NAMED_MOST ? ", ..." : "");
	}
}

/* True when it is gone. An empty one may be about to get a worker. */
static bool look(struct cgroups *c, size_t i)
{
	if (is_in_use(c, c->left.at[i]->name) ||
	    cgroup_remove(c->above, c->left.at[i]->name) == -EBUSY) {
		return false;
	}
	drop(c, i);
	return true;
}

static void on_settled(struct loop_timer *t)
{
	struct cgroups *c = container_of(t, struct cgroups, timer);

	for (size_t i = c->left.len; i-- > 0;) {
		struct left *l = c->left.at[i];

		if (!is_in_use(c, l->name) && !look(c, i) && !l->told) {
			l->told = true;
			tell(c, l);
		}
	}
}

static void changed(struct cgroups *c, int watch, bool gone)
{
	for (size_t i = 0; i < c->left.len; i++) {
		if (c->left.at[i]->watch == watch) {
			if (gone) {
				drop(c, i);
			} else {
				(void)look(c, i);
			}
			return;
		}
	}
}

static void on_change(struct loop_io *io, unsigned events)
{
	struct cgroups *c = container_of(io, struct cgroups, io);
	_Alignas(struct inotify_event) char buf[4096];
	const struct inotify_event *e;
	ssize_t n;

	(void)events;
	while ((n = read(c->inotify_fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*e) + e->len)) {
			e = (const struct inotify_event *)(const void *)(buf + at);
			changed(c, e->wd, e->mask & IN_IGNORED);
		}
	}
}

static int open_inotify(struct cgroups *c)
{
	if (c->inotify_fd < 0) {
		c->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (c->inotify_fd < 0) {
			return -errno;
		}
		loop_io_set(c->sup->loop, &c->io, c->inotify_fd, LOOP_READ);
	}
	return 0;
}

static struct left *find(const struct cgroups *c, const char *name)
{
	vec_for_each (l, &c->left) {
		if (strcmp((*l)->name, name) == 0) {
			return *l;
		}
	}
	return NULL;
}

/* Without a watch it stays until a worker of that name ends, or slotd starts anew. */
static struct left *add(struct cgroups *c, const char *name)
{
	struct left *l = find(c, name);

	if (l || open_inotify(c) < 0) {
		return l;
	}
	l = calloc(1, sizeof(*l));
	if (!l) {
		return NULL;
	}
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
	l->watch = cgroup_watch(c->inotify_fd, c->above, name);
	if (l->watch < 0 || vec_push(&c->left, l) < 0) {
		free(l);
		return NULL;
	}
	return l;
}

void cgroups_process_entered(struct process *p, const struct plan_action *a)
{
	struct cgroups *c = p->sup->cgroups;
	char name[NAME_MAX + 1];
	struct left *l;

	(void)a;
	if (c->above < 0 || worker_state_info(p->worker.state)->alive || p->pid ||
	    name_of(p, name) < 0 || cgroup_remove(c->above, name) != -EBUSY) {
		return;
	}
	l = add(c, name);
	if (l) {
		l->told = false;
		loop_timer_set(c->sup->loop, &c->timer, usec_add(usec_monotonic(), SETTLE));
	}
}

/* ---- starting and killing */

int cgroups_make(struct process *p)
{
	struct cgroups *c = p->sup->cgroups;
	char name[NAME_MAX + 1];
	int r;

	if (c->above < 0) {
		return -EBADF;
	}
	r = name_of(p, name);
	r = r < 0 ? r : cgroup_make(c->above, name);
	if (r < 0 && !c->told) {
		c->told = true;
		log_line(LOG_WARNING, "%s starts without a control group of its own: %s",
			 p->namespec, strerror(-r));
	}
	return r < 0 ? -EBADF : r;
}

void cgroups_kill(struct process *p)
{
	struct cgroups *c = p->sup->cgroups;
	char name[NAME_MAX + 1];
	int r = c->above < 0 ? 0 : name_of(p, name);

	if (c->above >= 0 && r == 0) {
		r = cgroup_kill(c->above, name);
	}
	if (r < 0) {
		log_line(LOG_WARNING, "%s: what it has started cannot be killed: %s", p->namespec,
			 strerror(-r));
	}
}

static bool ends_together(const struct process *p)
{
	return p->service && p->config->program->policy.killasgroup;
}

void cgroups_kill_rest(struct process *p)
{
	if (ends_together(p)) {
		cgroups_kill(p);
	}
}

bool cgroups_rest_ended(struct process *p)
{
	struct cgroups *c = p->sup->cgroups;
	char name[NAME_MAX + 1];

	if (c->above < 0 || !ends_together(p) || name_of(p, name) < 0 ||
	    cgroup_remove(c->above, name) != -EBUSY || p->n_looks >= LOOKS_MAX) {
		p->n_looks = 0;
		return true;
	}
	p->n_looks++;
	loop_timer_set(p->sup->loop, &p->clear_timer, usec_add(usec_monotonic(), LOOK_AGAIN));
	return false;
}

/* ---- all of them */

/* Those of workers that run are looked at when these end. */
static void sweep_one(struct cgroups *c, const char *name)
{
	struct left *l =
		is_in_use(c, name) || cgroup_remove(c->above, name) != -EBUSY ? NULL : add(c, name);

	if (l) {
		l->told = true;
	}
}

void cgroups_sweep(struct supervisor *sup)
{
	struct cgroups *c = sup->cgroups;
	int fd = c->above < 0 ? -EBADF : fcntl(c->above, F_DUPFD_CLOEXEC, 3);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!dir) {
		cleanup_closep(&fd);
		return;
	}
	rewinddir(dir); /* its place is the same for all duplicates */
	while ((e = readdir(dir))) {
		if (strchr(e->d_name, ':')) {
			sweep_one(c, e->d_name);
		}
	}
	(void)closedir(dir);
}

int cgroups_init(struct supervisor *sup)
{
	struct cgroups *c = calloc(1, sizeof(*c));

	if (!c) {
		return -ENOMEM;
	}
	c->sup = sup;
	c->inotify_fd = -EBADF;
	c->above = cgroup_enter(OWN_GROUP);
	loop_io_init(&c->io, on_change);
	loop_timer_init(&c->timer, on_settled);
	if (c->above < 0 && c->above != -ENOENT) {
		log_line(LOG_WARNING, "workers have no control groups of their own: %s",
			 strerror(-c->above));
	}
	sup->cgroups = c;
	return 0;
}

void cgroups_done(struct supervisor *sup)
{
	struct cgroups *c = sup->cgroups;

	if (!c) {
		return;
	}
	while (c->left.len) {
		drop(c, c->left.len - 1);
	}
	vec_done(&c->left);
	loop_timer_stop(sup->loop, &c->timer);
	loop_io_stop(sup->loop, &c->io);
	cleanup_closep(&c->inotify_fd);
	cleanup_closep(&c->above);
	free(c);
	sup->cgroups = NULL;
}
