#include "link/lookout.h"

#include <slotd/cleanup.h>
#include <slotd/ownname.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

/*
 * Names of sockets and the pid file can go away: a cleaner of /tmp, rm -r of a run directory. Each
 * owner's look_after makes again what is missing and has the rest watched; all of it runs once at
 * the end of a turn, after an inode that is watched has changed or an owner has another name.
 *
 * An event is acted on a moment later: who removes a directory with what is in it is let finish.
 *
 * The inodes are watched, not what else is in their directories: neighbours in /tmp or /run wake
 * nobody. A directory is watched for its own end, and for its entries only where an inode may not
 * be read. What cannot be made again yet is tried every 5 s, and only where the system refuses to
 * watch do we look every 30 s.
 */

#define SETTLE	   MSECONDS(250)
#define TRY_AGAIN  SECONDS(5)
#define LOOK_AGAIN SECONDS(30)

struct lookout {
	struct supervisor *sup;
	int fd; /* inotify */
	struct loop_io io;
	struct loop_timer timer;
	struct loop_idle idle;
	VEC(int) watches; /* as inotify numbers them */
	VEC(int) before;  /* those of the last look, while there is another */
	bool missing;	  /* something is not what it should be */
	bool blind;	  /* something is not watched */
	bool told_blind;
};

/* ---- watching */

static bool has(const int *all, size_t n, int watch)
{
	for (size_t i = 0; i < n; i++) {
		if (all[i] == watch) {
			return true;
		}
	}
	return false;
}

static int add(struct lookout *l, const char *path, uint32_t mask)
{
	int watch = inotify_add_watch(l->fd, path, mask | IN_MASK_ADD);

	if (watch < 0) {
		return -errno;
	}
	if (has(l->watches.at, l->watches.len, watch)) {
		return 0;
	}
	return vec_push(&l->watches, watch);
}

static void blind(struct lookout *l, const char *path, int error)
{
	l->blind = true;
	if (!l->told_blind) {
		l->told_blind = true;
		log_line(LOG_WARNING, "cannot watch %s: %s; looking every 30 s instead", path,
			 strerrordesc_np(-error));
	}
}

/* A name and its directory, which may be moved away with it. */
static void watch_name(struct lookout *l, const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	uint32_t of_dir = IN_MOVE_SELF | IN_DELETE_SELF;
	int r = add(l, path, IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF | IN_DONT_FOLLOW);

	if (r == -EACCES) {
		of_dir |= IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
		r = 0;
	}
	(void)snprintf(dir, sizeof(dir), "%.*s.", slash ? (int)(slash - path) + 1 : 0, path);
	if (r == 0) {
		r = add(l, dir, of_dir | IN_ONLYDIR);
	}
	if (r < 0 && r != -ENOENT) { /* missing: own_name_stands says so */
		blind(l, path, r);
	}
}

void lookout_watch(struct supervisor *sup, const struct own_name *n)
{
	struct lookout *l = sup->lookout;

	if (l->fd < 0) {
		l->blind = true;
		return;
	}
	watch_name(l, n->real);
	if (strcmp(n->path, n->real) != 0) {
		watch_name(l, n->path);
	}
	/* Gone before it was watched. */
	l->missing = l->missing || !own_name_stands(n);
}

void lookout_let_go(struct supervisor *sup, struct own_name *n)
{
	if (sup->leaving) {
		own_name_done(n);
	} else {
		own_name_remove(n);
	}
}

void lookout_failed(struct supervisor *sup, struct own_name *n, const struct diag *diag)
{
	struct lookout *l = sup->lookout;

	l->missing = true;
	if (!n->lost) {
		n->lost = true;
		log_line(LOG_ERR,
			 "%s was removed or replaced, and cannot be made again: %s; trying again "
			 "every 5 s",
			 n->path, diag->text);
	}
}

void lookout_made(struct own_name *n)
{
	n->lost = false;
	log_line(LOG_WARNING, "%s was removed, and has been made again", n->path);
}

/* ---- looking */

static void look(struct lookout *l)
{
	usec_t now = usec_monotonic();

	loop_timer_stop(l->sup->loop, &l->timer);
	l->missing = l->blind = false;
	l->before.len = 0;
	vec_for_each (watch, &l->watches) {
		(void)vec_push(&l->before, *watch); /* or one stays that nobody needs */
	}
	l->watches.len = 0;
	for (look_after_fn *const *owner = l->sup->look_after; *owner; owner++) {
		(*owner)(l->sup);
	}
	vec_for_each (old, &l->before) {
		if (!has(l->watches.at, l->watches.len, *old)) {
			(void)inotify_rm_watch(l->fd, *old); /* or it went with its inode */
		}
	}
	loop_timer_set(l->sup->loop, &l->timer,
		       l->missing ? usec_add(now, TRY_AGAIN)
		       : l->blind ? usec_add(now, LOOK_AGAIN)
				  : USEC_NEVER);
}

/* At the end slotd removes its names itself. */
static void on_idle(struct loop_idle *idle)
{
	struct lookout *l = container_of(idle, struct lookout, idle);

	if (!l->sup->quitting) {
		look(l);
	}
}

static void on_timer(struct loop_timer *t)
{
	lookout_look(container_of(t, struct lookout, timer)->sup);
}

/* Which name an event is about does not matter: all are looked at. */
static void on_event(struct loop_io *io, unsigned events)
{
	struct lookout *l = container_of(io, struct lookout, io);
	char buf[4096];
	ssize_t n = read(l->fd, buf, sizeof(buf));
	usec_t at = usec_add(usec_monotonic(), SETTLE);

	(void)events;
	if (n > 0 && at < l->timer.at) {
		loop_timer_set(l->sup->loop, &l->timer, at);
	}
}

void lookout_look(struct supervisor *sup)
{
	struct lookout *l = sup->lookout;

	if (l) {
		loop_idle_queue(sup->loop, &l->idle);
	}
}

int lookout_init(struct supervisor *sup)
{
	struct lookout *l = calloc(1, sizeof(*l));

	if (!l) {
		return -ENOMEM;
	}
	l->sup = sup;
	sup->lookout = l;
	loop_io_init(&l->io, on_event);
	loop_timer_init(&l->timer, on_timer);
	loop_idle_init(&l->idle, on_idle);
	l->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (l->fd < 0) {
		blind(l, "the names of sockets and the pid file", -errno);
	} else {
		loop_io_set(sup->loop, &l->io, l->fd, LOOP_READ);
	}
	lookout_look(sup);
	return 0;
}

void lookout_done(struct supervisor *sup)
{
	struct lookout *l = sup->lookout;

	if (!l) {
		return;
	}
	loop_io_stop(sup->loop, &l->io);
	loop_timer_stop(sup->loop, &l->timer);
	loop_idle_cancel(sup->loop, &l->idle);
	cleanup_closep(&l->fd);
	vec_done(&l->watches);
	vec_done(&l->before);
	free(l);
	sup->lookout = NULL;
}
