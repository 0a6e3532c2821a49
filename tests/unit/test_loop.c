#include <slotd/loop.h>

#include <slotd/cleanup.h>

#include "suite.h"

#include <string.h>

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

int main(void)
{
	return suite_run("loop", what_is_queued_again_runs_in_each_turn_and_first,
			 what_was_queued_again_can_be_taken_back);
}
