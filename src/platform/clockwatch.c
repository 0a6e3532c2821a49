#include <slotd/cleanup.h>
#include <slotd/clockwatch.h>

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static int64_t microseconds(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts); /* fails for unknown clocks only */
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Time since boot goes on while the machine is suspended, as the wall clock does. */
static int64_t offset_now(void)
{
	return microseconds(CLOCK_REALTIME) - microseconds(CLOCK_BOOTTIME);
}

static int arm(int fd)
{
	/* In the year 2200 it fires once in vain. */
	const struct itimerspec far = {.it_value = {.tv_sec = 7258118400}};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL) < 0
		       ? -errno
		       : 0;
}

static void on_timer(struct loop_io *io, unsigned events)
{
	struct clock_watch *w = container_of(io, struct clock_watch, io);
	uint64_t fired;

	(void)events;
	if (read(w->fd, &fired, sizeof(fired)) < 0 && errno == EAGAIN) {
		return;
	}
	if (arm(w->fd) < 0) {
		clock_watch_done(w); /* better than a descriptor that is always ready */
	}
	clock_watch_look(w, offset_now());
	if (w->touched) {
		w->touched(w);
	}
}

void clock_watch_init(struct clock_watch *w, struct loop *loop, clock_stepped_fn *fn)
{
	*w = (struct clock_watch){.loop = loop, .fn = fn, .offset = offset_now()};
	loop_io_init(&w->io, on_timer);
	w->fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->fd < 0) {
		return;
	}
	if (arm(w->fd) < 0) {
		cleanup_closep(&w->fd);
		return;
	}
	loop_io_set(loop, &w->io, w->fd, LOOP_READ);
}

void clock_watch_done(struct clock_watch *w)
{
	if (w->loop) {
		loop_io_stop(w->loop, &w->io);
		cleanup_closep(&w->fd);
	}
}

void clock_watch_look(struct clock_watch *w, int64_t offset)
{
	const int64_t by = offset - w->offset;

	w->offset = offset;
	if (by >= (int64_t)CLOCK_STEP_LEAST || by <= -(int64_t)CLOCK_STEP_LEAST) {
		w->fn(w, by);
	}
}

usec_t clock_move(usec_t wall, int64_t by)
{
	if (!wall) {
		return 0;
	}
	if (by < 0 && wall <= (usec_t)-by) {
		return 1;
	}
	return wall + (usec_t)by;
}
