#include "link/activity.h"
#include "link/helpers.h"

#include <slotd/cleanup.h>

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/wait.h>

/*
 * Does a helper hang? It is only asked while something happens, so that an idle machine is not
 * woken: every descriptor that slotd-keep holds (public sockets, control's, the output of workers)
 * is in an epoll set of its own, edge-triggered, which is ready when something has come to one of
 * them. Each helper is then sent a message now and then, until nothing has come for a while; one
 * that leaves it unread is ended by its channel's stall timer (helpers.c). A client that waits at a
 * relay that hangs, and a worker's line that nobody reads, are found by that. That one was stopped
 * by a signal comes as SIGCHLD, also when nothing happens but on connections it already has.
 *
 * A descriptor in an epoll set costs whoever writes to it a call at each write. So one to which
 * something came since the last look is out of the set until the next, when it counts as well if
 * it can be read then.
 */

#define ASK_EVERY SECONDS(1)

enum {
	EVENTS_AT_ONCE = 64,
	EVENTS_MOST = 4096, /* a look; the rest counts for the next */
	APART_MAX = 256,    /* more than these stay in the set */
};

/* By its inode it is known again: another descriptor may have its number by then. */
struct apart {
	int fd;
	dev_t dev;
	ino_t ino;
};

struct activity {
	struct log_once unwatched; /* no room for one more descriptor in the set */
	struct supervisor *sup;
	int fd; /* an epoll set; -EBADF */
	struct loop_io io;
	struct loop_timer timer;
	unsigned n_apart; /* out of the set until the next look */
	struct apart apart[APART_MAX];
};

static void ask_helpers(struct supervisor *sup)
{
	struct message m;

	vec_for_each (h, &sup->helpers) {
		if (channel_open(&(*h)->channel)) {
			message_init(&m, MSG_PING, 0);
			(void)helper_send(*h, &m);
		}
	}
}

/* False: not now. */
static bool add(struct activity *a, int fd)
{
	struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
	int r = epoll_ctl(a->fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;

	/* Not everything can be watched (memfds), or has to be once more. */
	if (r == 0 || r == -EPERM || r == -EEXIST) {
		return true;
	}
	if (log_once(&a->unwatched, usec_monotonic(), NULL)) {
		log_line(LOG_WARNING, "slotd may find out late that a helper hangs: %s",
			 strerror(-r));
	}
	return false;
}

static void note_apart(struct activity *a, int fd)
{
	struct stat st;

	if (a->n_apart < APART_MAX && fstat(fd, &st) == 0) {
		a->apart[a->n_apart++] = (struct apart){fd, st.st_dev, st.st_ino};
	}
}

static void take_apart(struct activity *a, int fd)
{
	if (a->n_apart < APART_MAX && epoll_ctl(a->fd, EPOLL_CTL_DEL, fd, NULL) == 0) {
		note_apart(a, fd);
	}
}

/* What the kernel refuses is tried again at the next look. */
static void put_back(struct activity *a)
{
	unsigned n = a->n_apart;
	struct stat st;

	a->n_apart = 0;
	for (unsigned i = 0; i < n; i++) {
		const struct apart one = a->apart[i];

		if (fstat(one.fd, &st) == 0 && st.st_dev == one.dev && st.st_ino == one.ino &&
		    !add(a, one.fd)) {
			a->apart[a->n_apart++] = one;
		}
	}
}

static void ignore(struct activity *a, int fd)
{
	(void)a, (void)fd;
}

/* Takes what has come since the last look; fn is told of each. */
static bool take_events(struct activity *a, void (*fn)(struct activity *, int fd))
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n, all = 0;

	do {
		n = epoll_wait(a->fd, events, EVENTS_AT_ONCE, 0);
		for (int i = 0; i < n; i++) {
			fn(a, events[i].data.fd);
		}
		all += n > 0 ? n : 0;
	} while (n == EVENTS_AT_ONCE && all < EVENTS_MOST);
	return all > 0;
}

static void ask(struct activity *a)
{
	struct supervisor *sup = a->sup;

	ask_helpers(sup);
	loop_timer_set(sup->loop, &a->timer, usec_add(usec_monotonic(), ASK_EVERY));
}

static void on_tick(struct loop_timer *t)
{
	struct activity *a = container_of(t, struct activity, timer);
	struct supervisor *sup = a->sup;

	put_back(a);
	if (take_events(a, take_apart) || sup->work_goes_on(sup)) {
		ask(a);
	} else {
		loop_io_set(sup->loop, &a->io, a->fd, LOOP_READ);
	}
}

static void begin(struct activity *a)
{
	if (a->fd < 0) {
		return;
	}
	loop_io_set(a->sup->loop, &a->io, a->fd, 0);
	(void)take_events(a, ignore);
	ask(a);
}

static void on_activity(struct loop_io *io, unsigned events)
{
	(void)events;
	begin(container_of(io, struct activity, io));
}

void activity_child(struct supervisor *sup)
{
	vec_for_each (h, &sup->helpers) {
		siginfo_t si = {0};

		if (child_running(&(*h)->child) &&
		    waitid(P_PID, (id_t)(*h)->child.pid, &si, WSTOPPED | WNOHANG) == 0 &&
		    si.si_pid) {
			begin(sup->activity);
			return;
		}
	}
}

int activity_init(struct supervisor *sup)
{
	struct activity *a = calloc(1, sizeof(*a));

	if (!a) {
		return -ENOMEM;
	}
	a->sup = sup;
	sup->activity = a;
	a->fd = epoll_create1(EPOLL_CLOEXEC);
	loop_io_init(&a->io, on_activity);
	loop_timer_init(&a->timer, on_tick);
	if (a->fd < 0) {
		log_line(LOG_WARNING, "slotd cannot tell early when a helper hangs: %s",
			 strerror(errno));
	} else {
		loop_io_set(sup->loop, &a->io, a->fd, LOOP_READ);
	}
	return 0;
}

void activity_watch(struct supervisor *sup, int fd)
{
	/* It goes by itself with its last descriptor. */
	if (sup->activity->fd >= 0 && !add(sup->activity, fd)) {
		note_apart(sup->activity, fd);
	}
}

void activity_done(struct supervisor *sup)
{
	struct activity *a = sup->activity;

	if (!a) {
		return;
	}
	loop_io_stop(sup->loop, &a->io);
	loop_timer_stop(sup->loop, &a->timer);
	cleanup_closep(&a->fd);
	free(a);
	sup->activity = NULL;
}
