#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <slotd/channel.h>
#include <slotd/cleanup.h>
#include <sys/resource.h>
#include <unistd.h>

#include "suite.h"

enum {
	FEW = 64,
};

static void take(struct channel *ch, struct message *m)
{
	*(int *)ch->owner = message_take_fd(m, 0);
	loop_stop(ch->loop);
}

/* All that the limit allows are open. Returns how many more that are. */
static unsigned use_up(int fds[FEW])
{
	struct rlimit few;
	unsigned n = 0;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &few), 0);
	few.rlim_cur = FEW; /* valgrind takes a soft limit only */
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
	while (n < FEW && (fds[n] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0) {
		n++;
	}
	ck_assert_int_eq(errno, EMFILE);
	return n;
}

START_TEST(what_travels_with_a_message_arrives_when_no_descriptor_is_free)
{
	static const struct channel_ops ops = {.received = take};
	int ours, theirs, more[FEW], got = -EBADF;
	struct channel ch = {0};
	struct loop *loop;
	struct message m;
	unsigned n;

	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(channel_pair(&ours, &theirs), 0);
	channel_init(&ch, loop, ours, &ops, &got);
	n = use_up(more);
	message_init(&m, MSG_KEEP_PUT, 0);
	message_put_text(&m, TAG_NAME, "ledger");
	message_put_fd(&m, STDIN_FILENO);
	ck_assert_int_eq(channel_send_wait(theirs, &m), 0);
	loop_run(loop);
	ck_assert_int_ge(got, 0);
	(void)close(got);
	while (n) {
		(void)close(more[--n]);
	}
	(void)close(theirs);
	channel_done(&ch);
	loop_free(loop);
}
END_TEST

struct story {
	unsigned received, refused;
};

static void count(struct channel *ch, struct message *m)
{
	(void)m;
	((struct story *)ch->owner)->received++;
	loop_stop(ch->loop);
}

static void told(struct channel *ch)
{
	((struct story *)ch->owner)->refused++;
}

START_TEST(refused_messages_are_counted_and_told_once)
{
	static const struct channel_ops ops = {.received = count, .refused = told};
	struct channel ch = {0};
	struct story story = {0};
	struct loop *loop;
	struct message m;
	int ours, theirs;

	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(channel_pair(&ours, &theirs), 0);
	channel_init(&ch, loop, ours, &ops, &story);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(write(theirs, "no message", 10), 10);
	}
	message_init(&m, MSG_READY, 0);
	ck_assert_int_eq(channel_send_wait(theirs, &m), 0);
	loop_run(loop);
	ck_assert_uint_eq(ch.bad, 3);
	ck_assert_uint_eq(story.refused, 1);
	ck_assert_uint_eq(story.received, 1);
	(void)close(theirs);
	channel_done(&ch);
	loop_free(loop);
}
END_TEST

int main(void)
{
	return suite_run("channel", what_travels_with_a_message_arrives_when_no_descriptor_is_free,
			 refused_messages_are_counted_and_told_once);
}
