#include <slotd/loop.h>

#include <slotd/cleanup.h>

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refusals; /* so many descriptors are not watched; libev calls this one */

int epoll_ctl(int set, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_ADD && refusals > 0) {
		refusals--;
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, set, op, fd, event);
}

struct story {
	struct loop *loop;
	struct loop_idle again, usual, never;
	unsigned left;
	char text[64];
};

static void on_again(struct loop_idle *idle)
{
	struct story *s = container_of(idle, struct story, again);

	(void)strcat(s->text, "again ");
	if (--s->left) {
		loop_idle_again(s->loop, &s->again);
		loop_idle_queue(s->loop, &s->usual);
	} else {
		loop_stop(s->loop);
	}
}

static void on_usual(struct loop_idle *idle)
{
	(void)strcat(container_of(idle, struct story, usual)->text, "usual ");
}

static void on_never(struct loop_idle *idle)
{
	(void)strcat(container_of(idle, struct story, never)->text, "never ");
}

START_TEST(what_is_queued_again_runs_in_each_turn_and_first)
{
	struct story s = {.left = 3};

	ck_assert_int_eq(loop_new(&s.loop), 0);
	loop_idle_init(&s.again, on_again);
	loop_idle_init(&s.usual, on_usual);
	loop_idle_init(&s.never, on_never);
	loop_idle_queue(s.loop, &s.usual);
	loop_idle_again(s.loop, &s.never);
	loop_idle_again(s.loop, &s.again);
	loop_idle_again(s.loop, &s.again);
	loop_idle_cancel(s.loop, &s.never);
	loop_run(s.loop); /* does not wait, although nothing is watched */
	ck_assert_str_eq(s.text, "again usual again usual again ");
	loop_free(s.loop);
}
END_TEST

START_TEST(what_was_queued_again_can_be_taken_back)
{
	struct story s = {.left = 1};

	ck_assert_int_eq(loop_new(&s.loop), 0);
	loop_idle_init(&s.again, on_again);
	loop_idle_init(&s.usual, on_usual);
	loop_idle_again(s.loop, &s.again);
	loop_idle_cancel(s.loop, &s.again);
	loop_idle_queue(s.loop, &s.usual);
	loop_turn(s.loop, false);
	ck_assert_str_eq(s.text, "usual ");
	loop_free(s.loop);
}
END_TEST

/* ---- what the kernel does not watch at first */

struct ear {
	struct loop *loop;
	struct loop_io io;
	int fds[2];
	unsigned calls, bytes;
};

static void on_bytes(struct loop_io *io, unsigned events)
{
	struct ear *e = container_of(io, struct ear, io);
	char data[16];
	ssize_t n = read(e->fds[0], data, sizeof(data));

	ck_assert_uint_eq(events, LOOP_READ);
	ck_assert_int_gt(n, 0); /* it is not told of what is not there */
	e->calls++;
	e->bytes += (unsigned)n;
	loop_stop(e->loop);
}

static void ear_open(struct ear *e, int refused)
{
	*e = (struct ear){0};
	refusals = 0;
	ck_assert_int_eq(loop_new(&e->loop), 0);
	ck_assert_int_eq(pipe2(e->fds, O_CLOEXEC | O_NONBLOCK), 0);
	loop_io_init(&e->io, on_bytes);
	refusals = refused;
	loop_io_set(e->loop, &e->io, e->fds[0], LOOP_READ);
}

static void say(const struct ear *e)
{
	ck_assert_int_eq(write(e->fds[1], "x", 1), 1);
}

static void ear_close(struct ear *e)
{
	loop_io_stop(e->loop, &e->io);
	loop_free(e->loop);
	close(e->fds[0]);
	close(e->fds[1]);
}

START_TEST(a_descriptor_that_the_kernel_does_not_watch_is_looked_at_until_it_does)
{
	struct ear e;

	ear_open(&e, 3);
	for (unsigned i = 1; i <= 5; i++) {
		loop_turn(e.loop, false);
		say(&e);
		loop_run(e.loop);
		ck_assert_uint_eq(e.bytes, i);
	}
	ck_assert_int_eq(refusals, 0);
	ear_close(&e);
}
END_TEST

START_TEST(what_is_there_is_told_although_the_kernel_does_not_watch_it)
{
	struct ear e;

	ear_open(&e, 1000);
	say(&e);
	loop_run(e.loop);
	ck_assert_uint_eq(e.bytes, 1);
	ck_assert_int_eq(refusals, 999); /* at once, not at the second try */
	ear_close(&e);
}
END_TEST

START_TEST(a_refused_descriptor_can_be_stopped_and_set_again)
{
	struct ear e;

	ear_open(&e, 1);
	loop_turn(e.loop, false);
	ck_assert_int_eq(refusals, 0);
	loop_io_stop(e.loop, &e.io);
	say(&e);
	for (int i = 0; i < 3; i++) {
		usleep(60000);
		loop_turn(e.loop, false);
	}
	ck_assert_uint_eq(e.calls, 0);
	refusals = 1;
	loop_io_set(e.loop, &e.io, e.fds[0], LOOP_READ);
	loop_turn(e.loop, false);
	loop_io_set(e.loop, &e.io, e.fds[0], LOOP_WRITE);
	loop_io_set(e.loop, &e.io, e.fds[0], LOOP_READ);
	say(&e);
	loop_run(e.loop);
	ck_assert_uint_eq(e.bytes, 2);
	loop_io_leave(e.loop, &e.io);
	ear_close(&e);
}
END_TEST

/* One of two watchers stops the other, whose failure is still to be told. */
static void on_first(struct loop_io *io, unsigned events)
{
	struct ear *e = container_of(io, struct ear, io);

	(void)events;
	e->calls++;
	loop_io_stop(e->loop, &(e + 1)->io);
	memset(&(e + 1)->io, 0xff, sizeof(e->io)); /* as if it was freed */
	loop_stop(e->loop);
}

START_TEST(a_refused_descriptor_is_not_told_after_it_was_stopped)
{
	struct ear both[2];

	ear_open(&both[0], 0);
	loop_io_stop(both[0].loop, &both[0].io);
	ck_assert_int_eq(pipe2(both[1].fds, O_CLOEXEC | O_NONBLOCK), 0);
	loop_io_init(&both[0].io, on_first);
	loop_io_first(&both[0].io);
	loop_io_init(&both[1].io, on_bytes);
	refusals = 2;
	say(&both[0]);
	say(&both[1]);
	loop_io_set(both[0].loop, &both[0].io, both[0].fds[0], LOOP_READ);
	loop_io_set(both[0].loop, &both[1].io, both[1].fds[0], LOOP_READ);
	loop_run(both[0].loop);
	ck_assert_uint_eq(both[0].calls, 1);
	ear_close(&both[0]);
	close(both[1].fds[0]);
	close(both[1].fds[1]);
}
END_TEST

SUITE("loop", what_is_queued_again_runs_in_each_turn_and_first,
      what_was_queued_again_can_be_taken_back,
      a_descriptor_that_the_kernel_does_not_watch_is_looked_at_until_it_does,
      what_is_there_is_told_although_the_kernel_does_not_watch_it,
      a_refused_descriptor_can_be_stopped_and_set_again,
      a_refused_descriptor_is_not_told_after_it_was_stopped);
