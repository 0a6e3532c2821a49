#include <slotd/cleanup.h>
#include <slotd/log.h>
#include <slotd/loop.h>

#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct ev_io) <= sizeof(((struct loop_io *)0)->ev), "loop_io too small");
_Static_assert(sizeof(struct ev_timer) <= sizeof(((struct loop_timer *)0)->ev), "loop_timer");

#define LOOP_REST_MAX MSECONDS(1)

enum {
	RESERVE = 256 * 1024,
};

#define ASK_AGAIN 0.1 /* s, for what the kernel has refused to watch */

static void *reserve; /* for libev, when there is no other memory */
static bool ending;   /* in the middle of a call of libev, which must not be called again */

struct loop {
	struct ev_loop *ev;
	int epoll_fd;		   /* libev's; negative: not known */
	struct ev_prepare prepare; /* runs the queued idles before the loop sleeps */
	struct ev_idle awake;	   /* active: the loop does not wait for events */
	struct loop_idle *head, **tail;
	struct loop_idle *again; /* for the end of the next turn */
	bool added;		 /* a descriptor, which the kernel has not seen yet */
	struct loop_io *refused; /* the kernel does not watch them now */
	struct ev_timer ask_again;
	usec_t rest; /* before the next look at events; 0: none */
	struct loop_signal *signals;
	struct loop_io signal_io;
	int signal_fd; /* for those in signal_set, signalfd(2); negative: none yet */
	sigset_t signal_set;
};

/* First, as what they do is part of the turn that the others end. */
static void queue_again(struct loop *loop)
{
	struct loop_idle **end = &loop->again;

	if (!loop->again) {
		return;
	}
	while (*end) {
		end = &(*end)->next;
	}
	*end = loop->head;
	loop->tail = loop->head ? loop->tail : end;
	loop->head = loop->again;
	loop->again = NULL;
}

/* ---- what libev cannot go on without */

__attribute__((noreturn)) static void give_up(const char *what, int error)
{
	if (!ending) {
		ending = true;
		log_line(LOG_CRIT, "this process cannot go on: %s: %s", what, strerror(error));
	}
	_exit(EXIT_FAILURE);
}

/* libev aborts when this fails. So there is a reserve, which is restored when there is memory. */
static void *allocate(void *ptr, long size)
{
	void *block;

	if (size <= 0) {
		free(ptr);
		return NULL;
	}
	reserve = reserve ? reserve : malloc(RESERVE);
	block = realloc(ptr, (size_t)size);
	if (!block) {
		free(reserve);
		reserve = NULL;
		block = realloc(ptr, (size_t)size);
	}
	if (!block) {
		give_up("no memory for its descriptors and timers", ENOMEM);
	}
	return block;
}

static void on_system_error(const char *what)
{
	give_up(what, errno);
}

/* ---- what the kernel does not watch: libev stops it, tells it once and forgets it */

static struct ev_io *ev_of(const struct loop_io *io)
{
	return (struct ev_io *)(void *)io->ev;
}

static void unlink_refused(struct loop_io *io)
{
	if (io->prev) {
		*io->prev = io->next;
		if (io->next) {
			io->next->prev = io->prev;
		}
		io->prev = NULL;
	}
}

static void refuse(struct loop *loop, struct loop_io *io)
{
	unlink_refused(io);
	io->next = loop->refused;
	io->prev = &loop->refused;
	if (io->next) {
		io->next->prev = &io->next;
	}
	loop->refused = io;
	if (!ev_is_active(&loop->ask_again)) {
		ev_timer_start(loop->ev, &loop->ask_again);
		log_line(LOG_ERR, "the kernel refuses to watch another descriptor (memory, or "
				  "fs.epoll.max_user_watches); trying again");
	}
}

static void on_ask_again(struct ev_loop *ev, struct ev_timer *t, int revents)
{
	struct loop *loop = container_of(t, struct loop, ask_again);
	struct loop_io *io;

	(void)revents;
	if (!loop->refused) {
		ev_timer_stop(ev, t);
		log_line(LOG_NOTICE, "the kernel watches all descriptors again");
	}
	while ((io = loop->refused)) {
		struct ev_io *w = ev_of(io);

		unlink_refused(io);
		ev_io_set(w, w->fd, w->events & (EV_READ | EV_WRITE));
		ev_io_start(ev, w);
		loop->added = true;
	}
}

/* As libev would have told it. */
static int look_at(const struct ev_io *w)
{
	struct pollfd p = {.fd = w->fd,
			   .events = (short)((w->events & EV_READ ? POLLIN : 0) |
					     (w->events & EV_WRITE ? POLLOUT : 0))};

	if (poll(&p, 1, 0) <= 0) {
		return 0;
	}
	return p.revents & (POLLERR | POLLHUP | POLLNVAL)
		       ? w->events & (EV_READ | EV_WRITE)
		       : (p.revents & POLLIN ? EV_READ : 0) | (p.revents & POLLOUT ? EV_WRITE : 0);
}

/* ---- the end of a turn */

static void run_idles(struct loop *loop)
{
	while (loop->head) {
		struct loop_idle *idle = loop->head;

		loop->head = idle->next;
		if (!loop->head) {
			loop->tail = &loop->head;
		}
		idle->queued = false;
		idle->fn(idle);
	}
}

static void on_awake(struct ev_loop *ev, struct ev_idle *idle, int revents)
{
	(void)ev, (void)idle, (void)revents;
}

static void on_prepare(struct ev_loop *ev, struct ev_prepare *p, int revents)
{
	struct loop *loop = container_of(p, struct loop, prepare);

	(void)revents;
	queue_again(loop);
	run_idles(loop);
	/* libev hears of a refusal after this, and would sleep before it tells it. */
	if (loop->again || loop->added) {
		ev_idle_start(ev, &loop->awake);
	} else {
		ev_idle_stop(ev, &loop->awake);
	}
	loop->added = false;
	if (loop->rest) {
		const struct timespec rest = {.tv_nsec = (long)loop->rest * 1000};

		loop->rest = 0;
		(void)nanosleep(&rest, NULL); /* a signal shortens it: no harm */
	}
}

static void on_signals(struct loop_io *io, unsigned events);

/* libev does not tell it, but opens it first, so it gets the lowest free number. */
static int lowest_free(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC), number = fd;

	cleanup_closep(&fd);
	return number;
}

static bool is_epoll(int fd)
{
	auto_close int other = epoll_create1(EPOLL_CLOEXEC);

	return epoll_ctl(fd, EPOLL_CTL_DEL, other, NULL) < 0 && errno == ENOENT;
}

int loop_new(struct loop **ret)
{
	auto_free struct loop *loop = calloc(1, sizeof(*loop));
	int fd = lowest_free();

	if (!loop) {
		return -ENOMEM;
	}
	ev_set_allocator(allocate);
	ev_set_syserr_cb(on_system_error);
	loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	loop->epoll_fd = is_epoll(fd) ? fd : -EBADF;
	if (!loop->ev) {
		return -EMFILE;
	}
	loop->tail = &loop->head;
	loop->signal_fd = -EBADF;
	sigemptyset(&loop->signal_set);
	loop_io_init(&loop->signal_io, on_signals);
	ev_set_userdata(loop->ev, loop);
	ev_timer_init(&loop->ask_again, on_ask_again, ASK_AGAIN, ASK_AGAIN);
	ev_idle_init(&loop->awake, on_awake);
	ev_prepare_init(&loop->prepare, on_prepare);
	ev_prepare_start(loop->ev, &loop->prepare);
	ev_unref(loop->ev);
	*ret = TAKE_PTR(loop);
	return 0;
}

struct loop *loop_free(struct loop *loop)
{
	if (loop) {
		ev_loop_destroy(loop->ev);
		free(loop);
	}
	return NULL;
}

void loop_run(struct loop *loop)
{
	ev_ref(loop->ev); /* also while nothing is watched: a helper whose slotd died, holding */
	ev_run(loop->ev, 0);
	ev_unref(loop->ev);
}

void loop_turn(struct loop *loop, bool wait)
{
	ev_run(loop->ev, wait ? EVRUN_ONCE : EVRUN_NOWAIT);
}

void loop_stop(struct loop *loop)
{
	ev_break(loop->ev, EVBREAK_ALL);
}

void loop_rest(struct loop *loop, usec_t rest)
{
	loop->rest = rest < LOOP_REST_MAX ? rest : LOOP_REST_MAX;
}

/* ---- descriptors */

static void on_io(struct ev_loop *ev, struct ev_io *w, int revents)
{
	struct loop_io *io = (struct loop_io *)(void *)w;

	if (revents & EV_ERROR) {
		refuse(ev_userdata(ev), io);
		revents = io->prev ? look_at(w)
				   : 0; /* it is stopped if its channel breaks by that line */
	}
	if (revents) {
		io->fn(io, (revents & EV_READ ? LOOP_READ : 0u) |
				   (revents & EV_WRITE ? LOOP_WRITE : 0u));
	}
}

void loop_io_init(struct loop_io *io, loop_io_fn *fn)
{
	ev_init(ev_of(io), on_io);
	io->fn = fn;
	io->prev = NULL;
}

void loop_io_first(struct loop_io *io)
{
	ev_set_priority(ev_of(io), EV_MAXPRI);
}

static bool is_watched(const struct loop_io *io)
{
	return ev_is_active(ev_of(io)) || io->prev;
}

void loop_io_set(struct loop *loop, struct loop_io *io, int fd, unsigned events)
{
	struct ev_io *w = ev_of(io);
	int wanted = (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0);

	if (ending) {
		return; /* the last line is sent */
	}
	if (is_watched(io) && w->fd == fd && (w->events & (EV_READ | EV_WRITE)) == wanted) {
		return;
	}
	loop->added = loop->added || (wanted && !is_watched(io));
	loop_io_stop(loop, io);
	if (wanted) {
		ev_io_set(w, fd, wanted);
		ev_io_start(loop->ev, w);
	}
}

/* Also one that libev has stopped, as its last event may still be pending. */
void loop_io_stop(struct loop *loop, struct loop_io *io)
{
	if (!ending && (is_watched(io) || ev_is_pending(ev_of(io)))) {
		unlink_refused(io);
		ev_io_stop(loop->ev, ev_of(io));
	}
}

void loop_io_leave(struct loop *loop, struct loop_io *io)
{
	if (is_watched(io)) {
		int fd = ev_of(io)->fd;

		loop_io_stop(loop, io);
		(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL); /* libev does without */
	}
}

/* ---- timers */

static void on_timer(struct ev_loop *ev, struct ev_timer *w, int revents)
{
	struct loop_timer *t = (struct loop_timer *)(void *)w;

	(void)ev, (void)revents;
	t->at = USEC_NEVER;
	t->fn(t);
}

static struct ev_timer *timer_of(struct loop_timer *t)
{
	return (struct ev_timer *)(void *)t->ev;
}

void loop_timer_init(struct loop_timer *t, loop_timer_fn *fn)
{
	ev_init(timer_of(t), on_timer);
	t->fn = fn;
	t->at = USEC_NEVER;
}

void loop_timer_set(struct loop *loop, struct loop_timer *t, usec_t at)
{
	struct ev_timer *w = timer_of(t);
	usec_t now;

	if (ending || (ev_is_active(w) && t->at == at)) {
		return;
	}
	loop_timer_stop(loop, t);
	if (at == USEC_NEVER) {
		return;
	}
	/* libev counts from when this turn began, or from its last look at the clock. Ours comes
	 * first, so that the timer is never early, however long the two are apart. */
	now = usec_monotonic();
	ev_now_update(loop->ev);
	ev_timer_set(w, (double)usec_sub(at, now) / 1e6, 0.);
	ev_timer_start(loop->ev, w);
	t->at = at;
}

void loop_timer_stop(struct loop *loop, struct loop_timer *t)
{
	if (ev_is_active(timer_of(t)) || ev_is_pending(timer_of(t))) {
		ev_timer_stop(loop->ev, timer_of(t));
	}
	t->at = USEC_NEVER;
}

/* ---- signals */

/*
 * They come by a descriptor: one that the kernel refuses to watch is tried again as any other, and
 * what a thousand stopped workers raise is read once.
 */

static struct loop_signal **find_signal(struct loop *loop, int signo)
{
	struct loop_signal **at = &loop->signals;

	while (*at && (*at)->signo != signo) {
		at = &(*at)->next;
	}
	return at;
}

static void on_signals(struct loop_io *io, unsigned events)
{
	struct loop *loop = container_of(io, struct loop, signal_io);
	struct signalfd_siginfo info;

	(void)events;
	while (loop->signal_fd >= 0 && read(loop->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		struct loop_signal *s = *find_signal(loop, (int)info.ssi_signo);

		if (s) {
			s->fn(s, s->signo);
		}
	}
}

static int hear(struct loop *loop)
{
	int fd = signalfd(loop->signal_fd < 0 ? -1 : loop->signal_fd, &loop->signal_set,
			  SFD_CLOEXEC | SFD_NONBLOCK);

	if (fd < 0) {
		return -errno;
	}
	loop->signal_fd = fd;
	loop_io_set(loop, &loop->signal_io, fd, LOOP_READ);
	return 0;
}

int loop_signal_start(struct loop *loop, struct loop_signal *s, int signo, loop_signal_fn *fn)
{
	sigset_t one;
	int r;

	sigaddset(&loop->signal_set, signo);
	r = hear(loop);
	if (r < 0) {
		sigdelset(&loop->signal_set, signo);
		return r;
	}
	sigemptyset(&one);
	sigaddset(&one, signo);
	(void)sigprocmask(SIG_BLOCK, &one, NULL); /* cannot fail; children unblock all */
	(void)signal(signo, SIG_DFL);		  /* one that is ignored is not delivered at all */
	s->fn = fn;
	s->signo = signo;
	s->next = loop->signals;
	loop->signals = s;
	return 0;
}

static void end_signals(struct loop *loop)
{
	if (loop->signal_fd >= 0) {
		loop_io_stop(loop, &loop->signal_io);
		cleanup_closep(&loop->signal_fd);
	}
}

void loop_signal_stop(struct loop *loop, struct loop_signal *s)
{
	struct loop_signal **at = find_signal(loop, s->signo);

	if (*at != s) {
		return;
	}
	*at = s->next;
	sigdelset(&loop->signal_set, s->signo);
	if (!loop->signals) {
		end_signals(loop);
	} else {
		(void)hear(loop); /* less than before is not refused */
	}
}

/* ---- end of turn */

void loop_idle_init(struct loop_idle *idle, loop_idle_fn *fn)
{
	*idle = (struct loop_idle){.fn = fn};
}

void loop_idle_queue(struct loop *loop, struct loop_idle *idle)
{
	if (idle->queued) {
		return;
	}
	idle->queued = true;
	idle->next = NULL;
	*loop->tail = idle;
	loop->tail = &idle->next;
}

void loop_idle_again(struct loop *loop, struct loop_idle *idle)
{
	if (idle->queued) {
		return;
	}
	idle->queued = true;
	idle->next = loop->again;
	loop->again = idle;
}

static struct loop_idle **find(struct loop_idle **at, const struct loop_idle *idle)
{
	while (*at && *at != idle) {
		at = &(*at)->next;
	}
	return at;
}

void loop_idle_cancel(struct loop *loop, struct loop_idle *idle)
{
	struct loop_idle **at;

	if (!idle->queued) {
		return;
	}
	idle->queued = false;
	at = find(&loop->again, idle);
	if (*at) {
		*at = idle->next;
		return;
	}
	at = find(&loop->head, idle);
	*at = idle->next;
	if (!*at) {
		loop->tail = at;
	}
}
