#include "fake.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum {
	WATCHERS_MAX = 1024,
	SIGNALS_MAX = 65,
	KILLS_MAX = 256, /* in one process */
};

usec_t fake_now = SECONDS(1000);
int64_t fake_wall_step;

struct loop {
	struct loop_io *ios[WATCHERS_MAX];
	struct loop_timer *timers[WATCHERS_MAX];
	struct loop_signal *signals[SIGNALS_MAX];
	bool pending[SIGNALS_MAX];
	unsigned n_ios, n_timers;
	struct loop_idle *head, **tail;
	bool stopped, there;
};

static struct loop the_loop;
/* What they knew stays reachable: a process that is killed leaks nothing. */
static struct loop killed[KILLS_MAX];
static unsigned n_killed;

struct io_state {
	int fd;
	unsigned events;
	bool active;
};

static struct io_state *state_of(struct loop_io *io)
{
	return (struct io_state *)(void *)io->ev;
}

static bool *armed(struct loop_timer *t)
{
	return (bool *)(void *)t->ev;
}

/* ---- the clocks */

usec_t __wrap_usec_monotonic(void);
usec_t __wrap_usec_wall(void);

usec_t __wrap_usec_monotonic(void)
{
	return fake_now;
}

usec_t __wrap_usec_wall(void)
{
	return FAKE_WALL + fake_now + (usec_t)fake_wall_step;
}

/* ---- slotd/loop.h */

int loop_new(struct loop **ret)
{
	must(!the_loop.there, "a second loop");
	the_loop = (struct loop){.there = true, .tail = &the_loop.head};
	*ret = &the_loop;
	return 0;
}

struct loop *loop_free(struct loop *loop)
{
	if (loop) {
		must(fake_loop_active() == 0, "%u watchers are active when the loop ends",
		     fake_loop_active());
		loop->there = false;
	}
	return NULL;
}

void fake_loop_kill(void)
{
	must(n_killed < KILLS_MAX, "too many were killed");
	killed[n_killed++] = the_loop;
	the_loop = (struct loop){0};
}

void loop_run(struct loop *loop)
{
	(void)loop;
	must(false, "the world runs the loop");
}

void loop_turn(struct loop *loop, bool wait)
{
	(void)loop, (void)wait;
	(void)fake_loop_turn();
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

void loop_io_init(struct loop_io *io, loop_io_fn *fn)
{
	*io = (struct loop_io){.fn = fn};
}

void loop_io_first(struct loop_io *io)
{
	(void)io;
}

void loop_io_set(struct loop *loop, struct loop_io *io, int fd, unsigned events)
{
	struct io_state *s = state_of(io);

	if (!events) {
		loop_io_stop(loop, io);
		return;
	}
	must(fd >= 0, "no descriptor");
	if (!s->active) {
		must(loop->n_ios < WATCHERS_MAX, "too many");
		loop->ios[loop->n_ios++] = io;
	}
	*s = (struct io_state){fd, events, true};
}

void loop_io_stop(struct loop *loop, struct loop_io *io)
{
	struct io_state *s = state_of(io);

	for (unsigned i = 0; s->active && i < loop->n_ios; i++) {
		if (loop->ios[i] == io) {
			loop->ios[i] = loop->ios[--loop->n_ios];
			s->active = false;
		}
	}
}

void loop_io_leave(struct loop *loop, struct loop_io *io)
{
	loop_io_stop(loop, io);
}

void loop_timer_init(struct loop_timer *t, loop_timer_fn *fn)
{
	*t = (struct loop_timer){.fn = fn, .at = USEC_NEVER};
}

void loop_timer_set(struct loop *loop, struct loop_timer *t, usec_t at)
{
	loop_timer_stop(loop, t);
	if (at == USEC_NEVER) {
		return;
	}
	must(loop->n_timers < WATCHERS_MAX, "too many");
	loop->timers[loop->n_timers++] = t;
	*armed(t) = true;
	t->at = at;
}

/* The order of the others stays: of two that are due the first set comes first. */
void loop_timer_stop(struct loop *loop, struct loop_timer *t)
{
	for (unsigned i = 0; *armed(t) && i < loop->n_timers; i++) {
		if (loop->timers[i] == t) {
			memmove(&loop->timers[i], &loop->timers[i + 1],
				(--loop->n_timers - i) * sizeof(loop->timers[0]));
			*armed(t) = false;
		}
	}
	t->at = USEC_NEVER;
}

int loop_signal_start(struct loop *loop, struct loop_signal *s, int signo, loop_signal_fn *fn)
{
	if (fault(FAULT_OPEN, "signalfd")) {
		return -EMFILE;
	}
	s->fn = fn;
	loop->signals[signo] = s;
	return 0;
}

void loop_signal_stop(struct loop *loop, struct loop_signal *s)
{
	for (int i = 0; i < SIGNALS_MAX; i++) {
		if (loop->signals[i] == s) {
			loop->signals[i] = NULL;
		}
	}
}

void loop_idle_init(struct loop_idle *idle, loop_idle_fn *fn)
{
	*idle = (struct loop_idle){.fn = fn};
}

void loop_idle_queue(struct loop *loop, struct loop_idle *idle)
{
	if (!idle->queued) {
		idle->queued = true;
		idle->next = NULL;
		*loop->tail = idle;
		loop->tail = &idle->next;
	}
}

void loop_idle_cancel(struct loop *loop, struct loop_idle *idle)
{
	struct loop_idle **at = &loop->head;

	if (!idle->queued) {
		return;
	}
	while (*at != idle) {
		at = &(*at)->next;
	}
	*at = idle->next;
	if (!*at) {
		loop->tail = at;
	}
	idle->queued = false;
}

/* ---- turns */

static bool run_idles(struct loop *loop)
{
	bool any = false;

	while (loop->there && loop->head) {
		struct loop_idle *idle = loop->head;

		loop->head = idle->next;
		if (!loop->head) {
			loop->tail = &loop->head;
		}
		idle->queued = false;
		idle->fn(idle);
		any = true;
	}
	return any;
}

static bool is_watched(const struct loop *loop, const struct loop_io *io)
{
	for (unsigned i = 0; i < loop->n_ios; i++) {
		if (loop->ios[i] == io) {
			return true;
		}
	}
	return false;
}

static bool run_ios(struct loop *loop)
{
	static struct pollfd fds[WATCHERS_MAX];
	static struct loop_io *ios[WATCHERS_MAX];
	unsigned n = loop->n_ios;
	bool any = false;

	for (unsigned i = 0; i < n; i++) {
		const struct io_state *s = state_of(loop->ios[i]);

		ios[i] = loop->ios[i];
		fds[i] = (struct pollfd){.fd = s->fd,
					 .events = (short)((s->events & LOOP_READ ? POLLIN : 0) |
							   (s->events & LOOP_WRITE ? POLLOUT : 0))};
	}
	if (poll(fds, n, 0) <= 0) {
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned events =
			(fds[i].revents & (POLLIN | POLLHUP | POLLERR) ? LOOP_READ : 0u) |
			(fds[i].revents & (POLLOUT | POLLHUP | POLLERR) ? LOOP_WRITE : 0u);

		must(!(fds[i].revents & POLLNVAL), "a closed descriptor is watched");
		/* Another's callback may have stopped it, or set it anew. */
		if (events && is_watched(loop, ios[i]) && state_of(ios[i])->fd == fds[i].fd &&
		    events & state_of(ios[i])->events) {
			ios[i]->fn(ios[i], events & state_of(ios[i])->events);
			any = true;
		}
	}
	return any;
}

static bool run_signals(struct loop *loop)
{
	bool any = false;

	for (int i = 0; i < SIGNALS_MAX; i++) {
		if (loop->pending[i] && loop->signals[i]) {
			loop->pending[i] = false;
			loop->signals[i]->fn(loop->signals[i], i);
			any = true;
		}
	}
	return any;
}

bool fake_loop_turn(void)
{
	bool any = run_idles(&the_loop);

	any = run_ios(&the_loop) || any;
	any = run_signals(&the_loop) || any;
	return run_idles(&the_loop) || any;
}

static struct loop_timer *first_timer(void)
{
	struct loop_timer *first = NULL;

	for (unsigned i = 0; i < the_loop.n_timers; i++) {
		if (!first || the_loop.timers[i]->at < first->at) {
			first = the_loop.timers[i];
		}
	}
	return first;
}

usec_t fake_loop_next_timer(void)
{
	return first_timer() ? first_timer()->at : USEC_NEVER;
}

bool fake_loop_fire(void)
{
	struct loop_timer *due[WATCHERS_MAX];
	unsigned n = 0;

	/* Those that are due now; what they arm for now is the next turn's. */
	for (unsigned i = 0; i < the_loop.n_timers; i++) {
		if (the_loop.timers[i]->at <= fake_now) {
			due[n++] = the_loop.timers[i];
		}
	}
	for (unsigned i = 0; i < n; i++) {
		bool still = false;

		for (unsigned k = 0; k < the_loop.n_timers; k++) {
			still = still || (the_loop.timers[k] == due[i] && due[i]->at <= fake_now);
		}
		if (still) {
			loop_timer_stop(&the_loop, due[i]);
			due[i]->fn(due[i]);
		}
	}
	return n > 0;
}

void fake_loop_signal(int signo)
{
	the_loop.pending[signo] = true;
}

bool fake_loop_stopped(void)
{
	return the_loop.stopped;
}

unsigned fake_loop_active(void)
{
	unsigned n = the_loop.n_ios + the_loop.n_timers;

	for (const struct loop_idle *i = the_loop.head; i; i = i->next) {
		n++;
	}
	for (int i = 0; i < SIGNALS_MAX; i++) {
		n += the_loop.signals[i] != NULL;
	}
	return n;
}
