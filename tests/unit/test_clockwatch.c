#include "suite.h"

#include <slotd/clockwatch.h>

#include <sys/timerfd.h>

static int64_t told;
static unsigned n_told;

static void stepped(struct clock_watch *w, int64_t by)
{
	(void)w;
	told = by;
	n_told++;
}

START_TEST(steps_are_told_and_what_ntp_slews_is_not)
{
	struct loop *loop;
	struct clock_watch w;
	int64_t offset;

	told = 0;
	n_told = 0;
	ck_assert_int_eq(loop_new(&loop), 0);
	clock_watch_init(&w, loop, stepped);
	offset = w.offset;
	clock_watch_look(&w, offset + (int64_t)MSECONDS(499));
	ck_assert_uint_eq(n_told, 0);
	offset = w.offset;
	clock_watch_look(&w, offset + (int64_t)SECONDS(3600));
	ck_assert_uint_eq(n_told, 1);
	ck_assert_int_eq(told, (int64_t)SECONDS(3600));
	offset = w.offset;
	clock_watch_look(&w, offset - (int64_t)SECONDS(50));
	ck_assert_int_eq(told, -(int64_t)SECONDS(50));
	loop_turn(loop, false);
	ck_assert_uint_eq(n_told, 2); /* an idle turn looks at nothing */
	clock_watch_done(&w);
	loop_free(loop);
}
END_TEST

START_TEST(times_move_along_and_never_stays_never)
{
	ck_assert_uint_eq(clock_move(SECONDS(100), (int64_t)SECONDS(5)), SECONDS(105));
	ck_assert_uint_eq(clock_move(SECONDS(100), -(int64_t)SECONDS(5)), SECONDS(95));
	ck_assert_uint_eq(clock_move(SECONDS(3), -(int64_t)SECONDS(5)), 1);
	ck_assert_uint_eq(clock_move(0, (int64_t)SECONDS(5)), 0);
}
END_TEST

static unsigned n_touched;

static void touched(struct clock_watch *w)
{
	(void)w;
	n_touched++;
}

/* A cancelled timer reads as ECANCELED; here, one that has expired stands for it. */
START_TEST(each_touch_is_told_also_where_nothing_has_moved)
{
	const struct itimerspec past = {.it_value = {.tv_sec = 1}};
	struct loop *loop;
	struct clock_watch w;

	n_told = 0;
	n_touched = 0;
	ck_assert_int_eq(loop_new(&loop), 0);
	clock_watch_init(&w, loop, stepped);
	w.touched = touched;
	ck_assert_int_eq(timerfd_settime(w.fd, TFD_TIMER_ABSTIME, &past, NULL), 0);
	loop_turn(loop, true);
	ck_assert_uint_eq(n_touched, 1);
	ck_assert_uint_eq(n_told, 0);
	loop_turn(loop, false);
	ck_assert_uint_eq(n_touched, 1);
	clock_watch_done(&w);
	loop_free(loop);
}
END_TEST

SUITE("clockwatch", steps_are_told_and_what_ntp_slews_is_not,
      times_move_along_and_never_stays_never, each_touch_is_told_also_where_nothing_has_moved);
