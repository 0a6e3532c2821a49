#include <slotd/channel.h>
#include <slotd/cleanup.h>

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
	RECEIVES_PER_TURN = 64, /* so that one busy peer does not starve the others */
	SOCKET_BUFFER = 1 << 20,
	RESERVED_FDS = 4, /* what comes with one message; MESSAGE_FDS_MAX never does */
};

struct channel_packet {
	struct channel_packet *next;
	size_t len;
	unsigned n_fds;
	int fds[MESSAGE_FDS_MAX];
	unsigned char data[];
};

int channel_pair(int *ret_ours, int *ret_theirs)
{
	const int size = SOCKET_BUFFER;
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0) {
		return -errno;
	}
	for (int i = 0; i < 2; i++) {
		/* A bigger buffer is a convenience; the queue works without. */
		(void)setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	}
	*ret_ours = sv[0];
	*ret_theirs = sv[1];
	return 0;
}

/* 0 or -errno. */
static int send_packet(int fd, const void *data, size_t len, const int *fds, unsigned n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
	struct iovec iov = {.iov_base = (void *)data, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (n_fds) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		memset(control, 0, msg.msg_controllen);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
	}
	while (sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

static void take_fds(struct msghdr *msg, struct message *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			m->n_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			memcpy(m->fds, CMSG_DATA(c), m->n_fds * sizeof(int));
		}
	}
}

/*
 * What travels with a message is lost for want of a free descriptor, and cannot be asked for
 * again: so some are held for that, by this process of one thread.
 */
static int reserve[RESERVED_FDS];
static unsigned n_reserved;

static void reserve_fds(void)
{
	while (n_reserved < RESERVED_FDS) {
		int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

		if (fd < 0) {
			return; /* at the next message */
		}
		reserve[n_reserved++] = fd;
	}
}

static void free_reserve(void)
{
	while (n_reserved) {
		(void)close(reserve[--n_reserved]);
	}
}

/* Do descriptors come with the next message? Without room for them, a look says that they would. */
static bool next_has_fds(int fd)
{
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	return recvmsg(fd, &msg, MSG_PEEK | MSG_DONTWAIT) >= 0 && msg.msg_flags & MSG_CTRUNC;
}

static ssize_t receive_raw(int fd, struct msghdr *msg)
{
	bool has_fds = next_has_fds(fd);
	ssize_t n;

	if (has_fds) {
		free_reserve();
	}
	/* A peer that ended without reading all resets once; what it had sent comes after that. */
	do {
		n = recvmsg(fd, msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	n = n < 0 ? -errno : n;
	if (has_fds) {
		reserve_fds();
	}
	return n;
}

/* 1: a message; 0: EOF; -EBADMSG: one that was refused; another -errno. */
static int receive_packet(int fd, struct message *m)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
	struct iovec iov = {.iov_base = m->buf, .iov_len = sizeof(m->buf)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;
	int r;

	m->n_fds = 0;
	n = receive_raw(fd, &msg);
	if (n < 0) {
		return (int)n;
	}
	take_fds(&msg, m);
	if (n == 0 && m->n_fds == 0) {
		return 0;
	}
	r = msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EBADMSG
						     : message_decode(m, (size_t)n, NULL);
	if (r < 0) {
		message_done(m);
		return r;
	}
	return 1;
}

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
	loop_io_set(ch->loop, &ch->io, ch->fd, LOOP_READ | (ch->head ? LOOP_WRITE : 0u));
}

/* What the peer has not read yet, as the kernel counts it. */
static int unread(const struct channel *ch)
{
	int n = 0;

	return ioctl(ch->fd, SIOCOUTQ, &n) < 0 ? 0 : n;
}

static void restart_stall_timer(struct channel *ch)
{
	if ((ch->head || ch->unread) && ch->stall_after != USEC_NEVER) {
		loop_timer_set(ch->loop, &ch->stall, usec_add(usec_monotonic(), ch->stall_after));
	} else {
		loop_timer_stop(ch->loop, &ch->stall);
	}
}

/* False when the channel was closed. */
static bool flush(struct channel *ch)
{
	bool sent = false;

	while (ch->head) {
		struct channel_packet *p = ch->head;
		int r = send_packet(ch->fd, p->data, p->len, p->fds, p->n_fds);

		if (r == -EAGAIN || r == -ENOBUFS || r == -ENOMEM || r == -ETOOMANYREFS) {
			break;
		}
		if (r < 0) {
			closed(ch, r);
			return false;
		}
		sent = true;
		ch->head = p->next;
		ch->tail = ch->head ? ch->tail : NULL;
		ch->queued -= p->len;
		packet_free(p);
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

static void receive(struct channel *ch)
{
	/* One buffer for all channels of this single-threaded process: a callback is done with it
	 * before the next packet is read, and nested receiving does not happen. */
	static struct message m;

	for (int i = 0; i < RECEIVES_PER_TURN && channel_open(ch); i++) {
		int r = receive_packet(ch->fd, &m);

		if (r == -EAGAIN) {
			return;
		}
		if (r == -EBADMSG) {
			refused(ch);
			continue;
		}
		if (r <= 0) {
			closed(ch, r);
			return;
		}
		ch->ops->received(ch, &m);
		message_done(&m);
	}
}

static void on_io(struct loop_io *io, unsigned events)
{
	struct channel *ch = container_of(io, struct channel, io);

	if (events & LOOP_WRITE && !flush(ch)) {
		return;
	}
	if (events & LOOP_READ) {
		receive(ch);
	}
}

static void on_stall(struct loop_timer *t)
{
	struct channel *ch = container_of(t, struct channel, stall);

	if (!ch->head && unread(ch) < ch->unread) {
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
	reserve_fds();
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
	loop_io_stop(ch->loop, &ch->io);
	loop_timer_stop(ch->loop, &ch->stall);
	drop_queue(ch);
	cleanup_closep(&ch->fd);
	ch->loop = NULL;
}

bool channel_open(const struct channel *ch)
{
	return ch->loop && ch->fd >= 0;
}

static int enqueue(struct channel *ch, const struct message *m)
{
	struct channel_packet *p;

	if (ch->queued + m->len > CHANNEL_QUEUE_BYTES) {
		return -ENOBUFS;
	}
	p = malloc(sizeof(*p) + m->len);
	if (!p) {
		return -ENOMEM;
	}
	p->next = NULL;
	p->len = m->len;
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

/* Was sent at once; before: what was unread then. */
static void expect_reading(struct channel *ch, int before)
{
	bool has_read = !ch->unread || before < ch->unread;

	ch->unread = unread(ch);
	if (has_read) {
		restart_stall_timer(ch);
	}
}

int channel_send(struct channel *ch, struct message *m)
{
	int before = 0;
	int r = message_seal(m);

	if (r < 0) {
		return r;
	}
	if (!channel_open(ch)) {
		return -ENOTCONN;
	}
	if (!ch->head) {
		before = ch->prompt ? unread(ch) : 0;
		r = send_packet(ch->fd, m->buf, m->len, m->fds, m->n_fds);
		if (r == 0 && ch->prompt) {
			expect_reading(ch, before);
		}
		if (r != -EAGAIN && r != -ENOBUFS && r != -ENOMEM && r != -ETOOMANYREFS) {
			/* A dead peer shows as EOF on the watcher; not from inside a send. */
			return r == -EPIPE || r == -ECONNRESET ? -ENOTCONN : r;
		}
	}
	r = enqueue(ch, m);
	if (r < 0) {
		return r;
	}
	watch(ch);
	if (ch->head == ch->tail) {
		restart_stall_timer(ch);
	}
	return 0;
}

bool channel_idle(const struct channel *ch)
{
	return !ch->head;
}

static int wait_for(int fd, short events, usec_t timeout)
{
	struct pollfd p = {.fd = fd, .events = events};
	int r;

	do {
		r = poll(&p, 1, timeout == USEC_NEVER ? -1 : (int)(timeout / 1000));
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r == 0 ? -ETIMEDOUT : 0;
}

int channel_receive_wait(int fd, struct message *m, usec_t timeout)
{
	for (;;) {
		int r = receive_packet(fd, m);

		if (r == 1) {
			return 0;
		}
		if (r == 0) {
			return -ECONNRESET;
		}
		if (r != -EAGAIN) {
			return r;
		}
		r = wait_for(fd, POLLIN, timeout);
		if (r < 0) {
			return r;
		}
	}
}

int channel_send_wait(int fd, struct message *m)
{
	int r = message_seal(m);

	while (r == 0) {
		r = send_packet(fd, m->buf, m->len, m->fds, m->n_fds);
		if (r != -EAGAIN) {
			return r;
		}
		r = wait_for(fd, POLLOUT, USEC_NEVER);
	}
	return r;
}
