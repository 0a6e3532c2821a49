#include "packet.h"

#include <slotd/channel.h>
#include <slotd/cleanup.h>

#include <fcntl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
	RECEIVES_PER_TURN = 64, /* so that one busy peer does not starve the others */
	PACK_BYTES = 16 * 1024, /* the peer can begin with these while more are collected */
};

struct channel_packet {
	struct channel_packet *next;
	size_t len, room;
	unsigned n_fds;
	int fds[MESSAGE_FDS_MAX];
	unsigned char data[];
};

static struct channel_packet *packet_free(struct channel_packet *p)
{
	for (unsigned i = 0; i < p->n_fds; i++) {
		cleanup_closep(&p->fds[i]);
	}
	free(p);
	return NULL;
}

static void drop_queue(struct channel *ch)
{
	while (ch->head) {
		struct channel_packet *p = ch->head;

		ch->head = p->next;
		packet_free(p);
	}
	ch->tail = NULL;
	ch->queued = 0;
}

static void closed(struct channel *ch, int error)
{
	loop_io_stop(ch->loop, &ch->io);
	loop_timer_stop(ch->loop, &ch->stall);
	drop_queue(ch);
	cleanup_closep(&ch->fd);
	if (ch->ops->closed) {
		ch->ops->closed(ch, error);
	}
}

static void watch(struct channel *ch)
{
	loop_io_set(ch->loop, &ch->io, ch->fd, LOOP_READ | (ch->full ? LOOP_WRITE : 0u));
}

/* What the peer has not read yet, as the kernel counts it. */
static int unread(const struct channel *ch)
{
	int n = 0;

	return ioctl(ch->fd, SIOCOUTQ, &n) < 0 ? 0 : n;
}

static void restart_stall_timer(struct channel *ch)
{
	if ((ch->full || ch->unread) && ch->stall_after != USEC_NEVER) {
		loop_timer_set(ch->loop, &ch->stall, usec_add(usec_monotonic(), ch->stall_after));
	} else {
		loop_timer_stop(ch->loop, &ch->stall);
	}
}

static bool is_full(int error)
{
	return error == -EAGAIN || error == -ENOBUFS || error == -ENOMEM || error == -ETOOMANYREFS;
}

/* As much of the queue as the peer takes. 0 or -errno, with which the channel is at its end. */
static int send_queue(struct channel *ch)
{
	ch->full = false;
	while (ch->head) {
		struct channel_packet *p = ch->head;
		int r = packet_send(ch->fd, p->data, p->len, p->fds, p->n_fds);

		if (is_full(r)) {
			ch->full = true;
			return 0;
		}
		if (r < 0) {
			return r;
		}
		ch->head = p->next;
		ch->tail = ch->head ? ch->tail : NULL;
		ch->queued -= p->len;
		packet_free(p);
	}
	return 0;
}

/* False when the channel was closed. */
static bool flush(struct channel *ch)
{
	size_t before = ch->queued;
	int r = send_queue(ch);
	bool sent = ch->queued < before;

	if (r < 0) {
		closed(ch, r);
		return false;
	}
	if (sent) {
		ch->unread = ch->prompt ? unread(ch) : 0;
		restart_stall_timer(ch);
	}
	watch(ch);
	if (sent && !ch->head && ch->ops->drained) {
		ch->ops->drained(ch);
	}
	return channel_open(ch);
}

static void refused(struct channel *ch)
{
	ch->bad++;
	if (ch->ops->refused && log_once(&ch->bad_told, usec_monotonic(), NULL)) {
		ch->ops->refused(ch);
	}
}

static void deliver(struct channel *ch, int error, struct message *m)
{
	if (error < 0) {
		refused(ch);
		return;
	}
	ch->ops->received(ch, m);
	message_done(m);
}

/* False when there is nothing more now. */
static bool receive(struct channel *ch)
{
	/* One buffer for all channels of this single-threaded process: a callback is done with it
	 * before the next packet is read, and nested receiving does not happen. */
	static struct message m;
	static struct packet_rest rest;

	for (int i = 0; i < RECEIVES_PER_TURN && channel_open(ch); i++) {
		int r = packet_receive(ch->fd, &m, &rest);

		if (r == -EAGAIN) {
			return false;
		}
		if (r <= 0 && r != -EBADMSG) {
			closed(ch, r);
			return false;
		}
		for (; r && channel_open(ch); r = packet_next(&rest, &m)) {
			deliver(ch, r, &m);
		}
	}
	return true;
}

static void on_io(struct loop_io *io, unsigned events)
{
	struct channel *ch = container_of(io, struct channel, io);

	if (events & LOOP_WRITE && !flush(ch)) {
		return;
	}
	if (events & LOOP_READ) {
		(void)receive(ch);
	}
}

static void on_stall(struct loop_timer *t)
{
	struct channel *ch = container_of(t, struct channel, stall);

	if (!ch->full && unread(ch) < ch->unread) {
		ch->unread = unread(ch);
		restart_stall_timer(ch);
	} else if (ch->ops->stalled) {
		ch->ops->stalled(ch);
	}
}

void channel_stall_again(struct channel *ch)
{
	restart_stall_timer(ch);
}

void channel_push(struct channel *ch)
{
	if (!channel_open(ch) || !ch->head || ch->full) {
		return;
	}
	/* A dead peer shows as EOF on the watcher, behind what it had still sent. */
	if (send_queue(ch) < 0) {
		drop_queue(ch);
	}
	watch(ch);
}

/* Something was sent at once in this turn of the loop. */
static void expect_reading(struct channel *ch)
{
	bool has_read = !ch->unread || ch->unread_before < ch->unread;

	ch->unread = unread(ch);
	if (has_read) {
		restart_stall_timer(ch);
	}
}

static void on_turn_end(struct loop_idle *idle)
{
	struct channel *ch = container_of(idle, struct channel, turn_end);

	ch->sent = false;
	channel_push(ch);
	if (channel_open(ch) && ch->prompt) {
		expect_reading(ch);
	}
}

/* Once a turn, however many are sent. */
static void note_turn(struct channel *ch)
{
	if ((ch->prompt || ch->packs) && !ch->turn_end.queued) {
		ch->unread_before = ch->prompt ? unread(ch) : 0;
		loop_idle_queue(ch->loop, &ch->turn_end);
	}
}

void channel_init(struct channel *ch, struct loop *loop, int fd, const struct channel_ops *ops,
		  void *owner)
{
	*ch = (struct channel){
		.loop = loop,
		.ops = ops,
		.owner = owner,
		.fd = fd,
		.stall_after = USEC_NEVER,
	};
	loop_io_init(&ch->io, on_io);
	loop_timer_init(&ch->stall, on_stall);
	loop_idle_init(&ch->turn_end, on_turn_end);
	packet_reserve_fds();
	watch(ch);
}

void channel_first(struct channel *ch)
{
	loop_io_stop(ch->loop, &ch->io);
	loop_io_first(&ch->io);
	watch(ch);
}

void channel_done(struct channel *ch)
{
	if (!ch->loop) {
		return;
	}
	channel_push(ch);
	loop_io_stop(ch->loop, &ch->io);
	loop_timer_stop(ch->loop, &ch->stall);
	loop_idle_cancel(ch->loop, &ch->turn_end);
	drop_queue(ch);
	cleanup_closep(&ch->fd);
	ch->loop = NULL;
}

void channel_receive_rest(struct channel *ch)
{
	while (channel_open(ch) && receive(ch)) {
	}
}

bool channel_open(const struct channel *ch)
{
	return ch->loop && ch->fd >= 0;
}

/* Behind the last message that waits, in the same packet. */
static bool join_last(struct channel *ch, const struct message *m)
{
	struct channel_packet *p = ch->tail;

	if (!ch->packs || !p || m->n_fds || m->len > p->room - p->len) {
		return false;
	}
	memcpy(p->data + p->len, m->buf, m->len);
	p->len += m->len;
	ch->queued += m->len;
	return true;
}

static int enqueue(struct channel *ch, const struct message *m)
{
	size_t room = ch->packs && !m->n_fds && m->len < PACK_BYTES ? PACK_BYTES : m->len;
	struct channel_packet *p;

	if (ch->queued + m->len > CHANNEL_QUEUE_BYTES) {
		return -ENOBUFS;
	}
	if (join_last(ch, m)) {
		return 0;
	}
	p = malloc(sizeof(*p) + room);
	if (!p) {
		return -ENOMEM;
	}
	p->next = NULL;
	p->len = m->len;
	p->room = room;
	p->n_fds = 0;
	memcpy(p->data, m->buf, m->len);
	for (unsigned i = 0; i < m->n_fds; i++) {
		int fd = fcntl(m->fds[i], F_DUPFD_CLOEXEC, 3);

		if (fd < 0) {
			int r = -errno;

			packet_free(p);
			return r;
		}
		p->fds[p->n_fds++] = fd;
	}
	if (ch->tail) {
		ch->tail->next = p;
	} else {
		ch->head = p;
	}
	ch->tail = p;
	ch->queued += p->len;
	return 0;
}

/* The peer took all until now. 0, or why m has to wait or is lost. */
static int send_or_collect(struct channel *ch, const struct message *m)
{
	bool joins = (ch->sent || (ch->patient && ch->packs)) && !m->n_fds;
	int r;

	if (joins && join_last(ch, m)) {
		return 0;
	}
	r = send_queue(ch);
	if (r < 0 || ch->full) {
		return r < 0 ? r : -EAGAIN;
	}
	if (joins && m->len < PACK_BYTES && enqueue(ch, m) == 0) {
		return 0;
	}
	ch->sent = ch->packs;
	return packet_send(ch->fd, m->buf, m->len, m->fds, m->n_fds);
}

static int wait_for_room(struct channel *ch, const struct message *m, bool was_full)
{
	int r = enqueue(ch, m);

	ch->full = ch->head;
	watch(ch);
	if (r == 0 && !was_full) {
		restart_stall_timer(ch);
	}
	return r;
}

int channel_send(struct channel *ch, struct message *m)
{
	bool was_full = ch->full;
	int r = message_seal(m);

	if (r < 0) {
		return r;
	}
	if (!channel_open(ch)) {
		return -ENOTCONN;
	}
	if (!was_full) {
		note_turn(ch);
		r = send_or_collect(ch, m);
		if (!is_full(r)) {
			/* A dead peer shows as EOF on the watcher; not from inside a send. */
			return r == -EPIPE || r == -ECONNRESET ? -ENOTCONN : r;
		}
	}
	return wait_for_room(ch, m, was_full);
}

bool channel_idle(const struct channel *ch)
{
	return !ch->full;
}
