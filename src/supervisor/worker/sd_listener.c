#include "worker/sd_listener.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "link/lookout.h"
#include "worker/observers.h"
#include "worker/process.h"

#include <slotd/cleanup.h>
#include <slotd/keep.h>
#include <slotd/sd_socket.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	DATAGRAMS_PER_TURN = 32,
	DATAGRAMS_QUEUED = 1024, /* more than usually can be: net.unix.max_dgram_qlen */
	EARLY_MAX = 64,
};

/* From a process that nobody knows, while slotd-spawn has not answered for all starts: a worker may
 * say that it is ready before slotd hears that there is one. */
struct early {
	pid_t pid, group;
	int fd;
	bool likely; /* to be a worker's */
	struct sd_message notice;
};

struct sd_listener {
	struct supervisor *sup;
	int fd;
	struct own_name name;
	struct loop_io io;
	struct loop_idle idle;
	struct early early[EARLY_MAX];
	unsigned n_early;
	struct log_once strangers, long_ones, failures;
};

/* ---- who has sent it */

static struct process *find_sender(const struct supervisor *sup, pid_t pid, pid_t group)
{
	vec_for_each (at, &sup->processes) {
		struct process *p = *at;

		if (p && p->pid && !p->clearing && (p->pid == pid || (group && p->pid == group))) {
			return p;
		}
	}
	return NULL;
}

static bool starts_go_on(const struct supervisor *sup)
{
	vec_for_each (p, &sup->processes) {
		if (*p && (*p)->call) {
			return true;
		}
	}
	return false;
}

/* Of root, or of the user of a worker that starts? Others are heard, too, as a worker may have
 * become another user by itself, but they take no room from these. */
static bool is_likely(const struct supervisor *sup, uid_t uid)
{
	vec_for_each (at, &sup->processes) {
		const struct process *p = *at;
		uid_t user;

		if (!p || !p->call) {
			continue;
		}
		user = p->config->program->user.uid;
		if (uid == 0 || uid == (user == (uid_t)-1 ? geteuid() : user)) {
			return true;
		}
	}
	return false;
}

static void say_stranger(struct sd_listener *ns, pid_t pid)
{
	unsigned more;

	if (log_once(&ns->strangers, usec_monotonic(), &more)) {
		log_line(LOG_WARNING,
			 "%s: ignoring what process %d has sent, which is not in the process group "
			 "of any worker (%u more before)",
			 ns->name.path ? ns->name.path : "NOTIFY_SOCKET", (int)pid, more);
	}
}

static void say_too_long(struct sd_listener *ns, const struct process *p)
{
	unsigned more;

	if (log_once(&ns->long_ones, usec_monotonic(), &more)) {
		log_line(LOG_WARNING,
			 "%s: ignoring a datagram of more than %d bytes to NOTIFY_SOCKET (%u more "
			 "before)",
			 p->namespec, DATAGRAM_TEXT_MAX, more);
	}
}

/* ---- words that came early */

/* Where the next one goes, behind those that came before; NULL: there is no room. */
static struct early *room_for(struct sd_listener *ns, bool likely)
{
	unsigned i = 0;

	if (ns->n_early < EARLY_MAX) {
		return &ns->early[ns->n_early++];
	}
	while (i < EARLY_MAX && ns->early[i].likely) {
		i++;
	}
	if (!likely || i == EARLY_MAX) {
		return NULL;
	}
	say_stranger(ns, ns->early[i].pid);
	cleanup_closep(&ns->early[i].fd);
	memmove(&ns->early[i], &ns->early[i + 1], (EARLY_MAX - i - 1) * sizeof(ns->early[0]));
	return &ns->early[EARLY_MAX - 1];
}

static void keep_early(struct sd_listener *ns, struct datagram *d, const struct sd_message *n)
{
	const bool likely = is_likely(ns->sup, d->uid);
	struct early *e = room_for(ns, likely);

	if (!e) {
		say_stranger(ns, d->pid);
		return;
	}
	*e = (struct early){.pid = d->pid,
			    .group = d->group,
			    .fd = TAKE_FD(d->fd),
			    .likely = likely,
			    .notice = *n};
}

static void look_at_early(struct sd_listener *ns)
{
	const bool wait = starts_go_on(ns->sup);
	const unsigned n = ns->n_early;

	ns->n_early = 0;
	for (unsigned i = 0; i < n; i++) {
		struct early e = ns->early[i];
		struct process *p = find_sender(ns->sup, e.pid, e.group);

		if (!p && wait) {
			ns->early[ns->n_early++] = e;
			continue;
		}
		if (p) {
			process_said(p, &e.notice);
		} else {
			say_stranger(ns, e.pid);
		}
		cleanup_closep(&e.fd);
	}
}

static void on_idle(struct loop_idle *idle)
{
	look_at_early(container_of(idle, struct sd_listener, idle));
}

void sd_listener_process_changed(struct process *p)
{
	struct sd_listener *ns = p->sup->sd_listener;

	if (ns && ns->n_early) {
		loop_idle_queue(p->sup->loop, &ns->idle);
	}
}

/* ---- receiving */

/* Whoever waits for a barrier hears that its descriptor is closed. */
static void hear(struct sd_listener *ns, struct datagram *d)
{
	struct process *p = find_sender(ns->sup, d->pid, d->group);
	struct sd_message n;

	sd_message_parse(d->text, d->cut ? 0 : d->len, &n);
	if (!p && starts_go_on(ns->sup)) {
		keep_early(ns, d, &n);
	} else if (!p) {
		say_stranger(ns, d->pid);
	} else if (d->cut) {
		say_too_long(ns, p);
	} else {
		process_said(p, &n);
	}
	cleanup_closep(&d->fd);
}

static void receive(struct sd_listener *ns, int most)
{
	struct datagram d;

	look_at_early(ns);
	for (int i = 0; ns->fd >= 0 && i < most; i++) {
		int r = sd_socket_receive(ns->fd, &d);

		if (r == 1) {
			hear(ns, &d);
			continue;
		}
		if (r < 0 && log_once(&ns->failures, usec_monotonic(), NULL)) {
			log_line(LOG_ERR, "%s: cannot receive: %s; trying again", ns->name.path,
				 strerror(-r));
		}
		break;
	}
}

static void on_datagram(struct loop_io *io, unsigned events)
{
	(void)events;
	receive(container_of(io, struct sd_listener, io), DATAGRAMS_PER_TURN);
}

void sd_listener_receive(struct supervisor *sup)
{
	if (sup->sd_listener) {
		receive(sup->sd_listener, DATAGRAMS_QUEUED);
	}
}

/* ---- the socket */

static void path_of(const struct supervisor *sup, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/" KEEP_NOTIFY_NAME, sup->config->supervisord.run_dir);
}

static void use(struct sd_listener *ns, int fd)
{
	ns->fd = fd;
	loop_io_set(ns->sup->loop, &ns->io, fd, LOOP_READ);
	keep_put_one(ns->sup, KEEP_NOTIFY, fd);
	lookout_look(ns->sup);
}

static void stop_using(struct sd_listener *ns)
{
	loop_io_leave(ns->sup->loop, &ns->io);
	cleanup_closep(&ns->fd);
}

static int open_socket(struct sd_listener *ns, struct diag *diag)
{
	CLEANUP(own_name_done) struct own_name name = {0};
	auto_close int fd = -EBADF;
	char path[PATH_MAX];
	int r;

	path_of(ns->sup, path, sizeof(path));
	r = sd_socket_open(path, diag, &fd, &name);
	if (r < 0) {
		return r;
	}
	stop_using(ns);
	own_name_done(&ns->name);
	ns->name = own_name_take(&name);
	use(ns, TAKE_FD(fd));
	return 0;
}

/* ---- for a worker that starts */

static const struct service_config *service_of(const struct process *p)
{
	int index = p->config->program->service;

	return index < 0 || !p->config->address ? NULL : p->origin->services.at[index];
}

static int set_environment(const struct process *p, struct env *env)
{
	char path[PATH_MAX];
	int r;

	path_of(p->sup, path, sizeof(path));
	r = env_setf(env, "NOTIFY_SOCKET=%s", path);
	if (r == 0 && p->health.watchdog) {
		r = env_setf(env, "WATCHDOG_USEC=%llu", (unsigned long long)p->health.watchdog);
	}
	return r;
}

int sd_listener_environment(struct process *p, struct env *env, struct diag *diag)
{
	const struct service_config *s = service_of(p);
	struct sd_listener *ns = p->sup->sd_listener;
	int r = 0;

	if (!s || s->health != HEALTH_NOTIFY) {
		return 0;
	}
	if (ns->fd < 0) {
		r = open_socket(ns, diag);
	}
	if (r < 0) {
		return r;
	}
	p->health.notifies = true;
	p->health.watchdog = s->health_watchdog;
	r = set_environment(p, env);
	return r < 0 ? diag_set_errno(diag, r, "no environment") : 0;
}

/* ---- after a slotd was killed */

static bool is_needed(const struct supervisor *sup)
{
	vec_for_each (p, &sup->processes) {
		if (*p && (*p)->pid && (*p)->health.notifies) {
			return true;
		}
	}
	return false;
}

void sd_listener_adopt(struct supervisor *sup)
{
	struct sd_listener *ns = sup->sd_listener;
	auto_close int fd = inherited_take_one(sup, KEEP_NOTIFY);
	struct diag diag = {0};
	char path[PATH_MAX];

	path_of(sup, path, sizeof(path));
	if (fd >= 0 && own_name_note(&ns->name, path) == 0) {
		use(ns, TAKE_FD(fd));
		return;
	}
	cleanup_closep(&fd); /* nobody can find it any more */
	if (is_needed(sup) && open_socket(ns, &diag) < 0) {
		log_line(LOG_ERR, "what workers say of their health is not heard: %s", diag.text);
	}
}

/* ---- a name that went away */

/* Whatever they said meanwhile, nobody could hear it. */
static void forgive(struct supervisor *sup)
{
	const struct sd_message here = {.watchdog = true};

	vec_for_each (p, &sup->processes) {
		if (*p && (*p)->pid && (*p)->health.notifies) {
			process_said(*p, &here);
		}
	}
}

void sd_listener_look_after(struct supervisor *sup)
{
	struct sd_listener *ns = sup->sd_listener;
	struct diag diag = {0};

	if (ns->name.path && !own_name_stands(&ns->name)) {
		if (open_socket(ns, &diag) == 0) {
			lookout_made(&ns->name);
			forgive(sup);
		} else {
			lookout_failed(sup, &ns->name, &diag);
		}
	}
	if (ns->name.path) {
		lookout_watch(sup, &ns->name);
	}
}

int sd_listener_init(struct supervisor *sup)
{
	struct sd_listener *ns = calloc(1, sizeof(*ns));

	if (!ns) {
		return -ENOMEM;
	}
	ns->sup = sup;
	ns->fd = -EBADF;
	loop_io_init(&ns->io, on_datagram);
	loop_idle_init(&ns->idle, on_idle);
	sup->sd_listener = ns;
	return 0;
}

void sd_listener_done(struct supervisor *sup)
{
	struct sd_listener *ns = sup->sd_listener;

	if (!ns) {
		return;
	}
	for (unsigned i = 0; i < ns->n_early; i++) {
		cleanup_closep(&ns->early[i].fd);
	}
	loop_idle_cancel(sup->loop, &ns->idle);
	if (ns->fd >= 0) {
		keep_drop(sup, KEEP_NOTIFY);
	}
	stop_using(ns);
	lookout_let_go(sup, &ns->name);
	free(ns);
	sup->sd_listener = NULL;
}
