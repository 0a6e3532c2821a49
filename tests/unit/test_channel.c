#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <slotd/channel.h>
#include <slotd/cleanup.h>
#include <string.h>
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
static unsigned use_up(int fds[FEW], struct rlimit *ret_before)
{
	struct rlimit few;
	unsigned n = 0;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, ret_before), 0);
	few = *ret_before;
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
	struct rlimit before;
	struct loop *loop;
	struct message m;
	unsigned n;

	ck_assert_int_eq(loop_new(&loop), 0);
	ck_assert_int_eq(channel_pair(&ours, &theirs), 0);
	channel_init(&ch, loop, ours, &ops, &got);
	n = use_up(more, &before);
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
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
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

/* ---- several messages in a packet */

enum {
	MANY = 500,
};

struct pair {
	struct loop *loop;
	struct channel from, to;
	uint32_t next; /* id of the message that comes next */
	unsigned with_fd;
};

static void in_order(struct channel *ch, struct message *m)
{
	struct pair *p = ch->owner;

	ck_assert_uint_eq(m->id, p->next++);
	p->with_fd += m->n_fds;
}

static void pair_init(struct pair *p)
{
	static const struct channel_ops ops = {.received = in_order};
	int from, to;

	*p = (struct pair){0};
	ck_assert_int_eq(loop_new(&p->loop), 0);
	ck_assert_int_eq(channel_pair(&from, &to), 0);
	channel_init(&p->from, p->loop, from, &ops, p);
	channel_init(&p->to, p->loop, to, &ops, p);
	p->from.packs = true;
}

static void pair_done(struct pair *p)
{
	channel_done(&p->from);
	channel_done(&p->to);
	loop_free(p->loop);
}

static void send_line(struct pair *p, uint32_t id)
{
	struct message m;

	message_init(&m, MSG_REPORT, id);
	message_put_u64(&m, TAG_LEVEL, 6);
	message_put_text(&m, TAG_TEXT, "a line of some length, as a report may have it");
	ck_assert_int_eq(channel_send(&p->from, &m), 0);
}

static void send_descriptor(struct pair *p, uint32_t id)
{
	struct message m;

	message_init(&m, MSG_KEEP_PUT, id);
	message_put_text(&m, TAG_NAME, "ledger");
	message_put_fd(&m, STDIN_FILENO);
	ck_assert_int_eq(channel_send(&p->from, &m), 0);
}

static unsigned packets_in(int fd)
{
	static char buf[MESSAGE_MAX];
	unsigned n = 0;

	while (read(fd, buf, sizeof(buf)) > 0) {
		n++;
	}
	return n;
}

static void take_all(struct pair *p, uint32_t n)
{
	for (unsigned turn = 0; turn < MANY && p->next < n; turn++) {
		loop_turn(p->loop, false);
	}
	ck_assert_uint_eq(p->next, n);
}

START_TEST(what_is_sent_in_one_turn_comes_in_order)
{
	struct pair p;

	pair_init(&p);
	for (uint32_t id = 0; id < MANY; id++) {
		if (id % 100 == 50) {
			send_descriptor(&p, id);
		} else {
			send_line(&p, id);
		}
	}
	take_all(&p, MANY);
	ck_assert_uint_eq(p.with_fd, MANY / 100);
	ck_assert(channel_idle(&p.from));
	pair_done(&p);
}
END_TEST

START_TEST(the_first_message_of_a_turn_goes_at_once_the_others_in_few_packets)
{
	struct pair p;
	int fd;

	pair_init(&p);
	fd = p.to.fd;
	send_line(&p, 0);
	ck_assert_uint_eq(packets_in(fd), 1);
	for (uint32_t id = 1; id < MANY; id++) {
		send_line(&p, id);
	}
	channel_push(&p.from);
	ck_assert_uint_le(packets_in(fd), 5);
	pair_done(&p);
}
END_TEST

START_TEST(a_patient_peer_gets_all_of_a_turn_at_its_end)
{
	struct pair p;
	int fd;

	pair_init(&p);
	p.from.patient = true;
	fd = p.to.fd;
	for (uint32_t id = 0; id < 3; id++) {
		send_line(&p, id);
	}
	ck_assert_uint_eq(packets_in(fd), 0);
	ck_assert(channel_idle(&p.from));
	take_all(&p, 3);
	send_line(&p, 3);
	send_descriptor(&p, 4);
	ck_assert_uint_eq(packets_in(fd), 2);
	pair_done(&p);
}
END_TEST

START_TEST(what_was_collected_is_sent_before_the_channel_closes)
{
	struct pair p;

	pair_init(&p);
	for (uint32_t id = 0; id < 3; id++) {
		send_line(&p, id);
	}
	channel_done(&p.from);
	take_all(&p, 3);
	pair_done(&p);
}
END_TEST

START_TEST(a_peer_that_takes_nothing_gets_all_of_it_later)
{
	struct pair p;

	pair_init(&p);
	for (uint32_t id = 0; id < 20000; id++) {
		send_line(&p, id);
	}
	ck_assert(!channel_idle(&p.from));
	take_all(&p, 20000);
	ck_assert(channel_idle(&p.from));
	pair_done(&p);
}
END_TEST

START_TEST(what_follows_a_damaged_message_in_a_packet_is_refused_with_it)
{
	static unsigned char packet[256];
	struct message m;
	struct pair p;
	size_t n;

	pair_init(&p);
	message_init(&m, MSG_QUIT, 0);
	ck_assert_int_eq(message_seal(&m), 0);
	n = m.len;
	memcpy(packet, m.buf, n);
	memset(packet + n, 0xff, n); /* longer, by its header, than what is left */
	memcpy(packet + 2 * n, m.buf, n);
	ck_assert_int_eq(write(p.from.fd, packet, 3 * n), (ssize_t)(3 * n));
	loop_turn(p.loop, false);
	ck_assert_uint_eq(p.next, 1);
	ck_assert_uint_eq(p.to.bad, 1);
	pair_done(&p);
}
END_TEST

SUITE("channel", what_travels_with_a_message_arrives_when_no_descriptor_is_free,
      refused_messages_are_counted_and_told_once, what_is_sent_in_one_turn_comes_in_order,
      the_first_message_of_a_turn_goes_at_once_the_others_in_few_packets,
      a_patient_peer_gets_all_of_a_turn_at_its_end,
      what_was_collected_is_sent_before_the_channel_closes,
      a_peer_that_takes_nothing_gets_all_of_it_later,
      what_follows_a_damaged_message_in_a_packet_is_refused_with_it);
