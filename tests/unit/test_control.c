/* What slotd-control knows of its slotd. */
#include <control/control.h>
#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/command.h>
#include <slotd/fault.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "suite.h"

static void ignore(struct channel *ch, struct message *m)
{
	(void)ch, (void)m;
}

/* The pidfd of a process that ends is readable, as an eventfd that is written to. */
START_TEST(what_a_dead_slotd_had_still_sent_does_not_bring_it_back_to_life)
{
	static const struct channel_ops ops = {.received = ignore};
	static struct control control;
	int ours, theirs, pidfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct channel slotd;
	struct message m;

	ck_assert_int_ge(pidfd, 0);
	ck_assert_int_eq(channel_pair(&ours, &theirs), 0);
	ck_assert_int_eq(control_init(&control, theirs, pidfd), 0);
	channel_init(&slotd, control.loop, ours, &ops, NULL);
	control.mirror.daemon.state = 1;
	ck_assert_int_eq(daemon_state(&control), 1);
	ck_assert_int_eq(eventfd_write(pidfd, 1), 0);
	loop_turn(control.loop, true);
	ck_assert_int_eq(daemon_state(&control), 2);
	message_init(&m, MSG_STATE_DAEMON, 0);
	message_put_u64(&m, TAG_STATE, 1);
	message_put_u64(&m, TAG_PID, 777);
	message_put_text(&m, TAG_IDENTIFIER, "supervisor");
	message_put_text(&m, TAG_VERSION, "1");
	ck_assert_int_eq(channel_send(&slotd, &m), 0);
	while (control.mirror.daemon.pid != 777) {
		loop_turn(control.loop, true);
	}
	ck_assert_int_eq(daemon_state(&control), 2);
	channel_done(&slotd);
	control_done(&control);
}
END_TEST

START_TEST(before_slotd_has_said_who_may_read_only_root_may)
{
	static struct control control;
	struct peer peer = {.server = 0, .has_credentials = true};
	int ours, theirs;

	ck_assert_int_eq(channel_pair(&ours, &theirs), 0);
	ck_assert_int_eq(control_init(&control, theirs, -EBADF), 0);
	ck_assert(access_reads(&control.access, &peer, NULL));
	peer.credentials.uid = 1234;
	ck_assert(!access_reads(&control.access, &peer, NULL));
	control_done(&control);
	(void)close(ours);
}
END_TEST

static int listening(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr sa = {.sa_family = AF_UNIX}; /* the kernel chooses a name */

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, &sa, sizeof(sa.sa_family)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

/* Whoever guesses at its password would have all guesses again. */
START_TEST(a_server_that_is_told_once_more_is_the_same)
{
	static struct control control;
	struct http *h = &control.http;
	int ours, theirs, fd = listening();
	const struct server *first;

	ck_assert_int_eq(channel_pair(&ours, &theirs), 0);
	ck_assert_int_eq(control_init(&control, theirs, -EBADF), 0);
	ck_assert_int_eq(http_listen(h, 5, dup(fd), "ana", "secret"), 0);
	first = h->servers.at[0];
	ck_assert_int_eq(http_listen(h, 5, dup(fd), "ana", "secret"), 0);
	ck_assert_uint_eq(h->servers.len, 1);
	ck_assert_ptr_eq(h->servers.at[0], first);
	ck_assert_int_eq(http_listen(h, 6, listening(), NULL, NULL), 0);
	ck_assert_int_eq(http_listen(h, 5, dup(fd), "ana", "another"), 0);
	ck_assert_uint_eq(h->servers.len, 2);
	ck_assert_int_eq(http_listen(h, 5, listening(), "ana", "another"), 0);
	ck_assert_uint_eq(h->servers.len, 2);
	control_done(&control);
	(void)close(ours);
	(void)close(fd);
}
END_TEST

static int answer_code;

static void note_answer(struct pending *p, struct answer *a)
{
	(void)p;
	answer_code = a->code;
}

START_TEST(what_a_dead_slotd_was_asked_for_may_have_been_begun)
{
	static struct control control;
	int ours, theirs, pidfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct pending pending = {0};
	struct message m;

	ck_assert_int_ge(pidfd, 0);
	ck_assert_int_eq(channel_pair(&ours, &theirs), 0);
	ck_assert_int_eq(control_init(&control, theirs, pidfd), 0);
	message_init(&m, MSG_COMMAND, command_id(&control.commands));
	message_put_u64(&m, TAG_COMMAND, COMMAND_SWAP);
	message_put_text(&m, TAG_NAME, "s");
	ck_assert_int_eq(command_send(&control.commands, &pending, &m, note_answer), 0);
	ck_assert_int_eq(eventfd_write(pidfd, 1), 0);
	while (!answer_code) {
		loop_turn(control.loop, true);
	}
	ck_assert_int_eq(answer_code, FAULT_LOST);
	message_init(&m, MSG_COMMAND, command_id(&control.commands));
	message_put_u64(&m, TAG_COMMAND, COMMAND_SWAP);
	ck_assert_int_eq(command_send(&control.commands, &pending, &m, note_answer), -ENOTCONN);
	control_done(&control);
	(void)close(ours);
}
END_TEST

SUITE("control", what_a_dead_slotd_had_still_sent_does_not_bring_it_back_to_life,
      what_a_dead_slotd_was_asked_for_may_have_been_begun,
      before_slotd_has_said_who_may_read_only_root_may,
      a_server_that_is_told_once_more_is_the_same);
