#include "packet.h"

#include <slotd/channel.h>
#include <slotd/cleanup.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum {
	SOCKET_BUFFER = 1 << 20,
	RESERVED_FDS = 4, /* what comes with one message; MESSAGE_FDS_MAX never does */
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

int packet_send(int fd, const void *data, size_t len, const int *fds, unsigned n_fds)
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

void packet_reserve_fds(void)
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

/* Are the last numbers below the limit free? Then so many descriptors can come. Far cheaper than to
 * give up the reserve and to take it again, which is for a table that is nearly full. */
static bool has_room(void)
{
	struct pollfd last[RESERVED_FDS];
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < 2 * RESERVED_FDS ||
	    limit.rlim_cur > INT_MAX) {
		return false;
	}
	for (unsigned i = 0; i < RESERVED_FDS; i++) {
		last[i] = (struct pollfd){.fd = (int)limit.rlim_cur - 1 - (int)i};
	}
	if (poll(last, RESERVED_FDS, 0) != RESERVED_FDS) {
		return false;
	}
	for (unsigned i = 0; i < RESERVED_FDS; i++) {
		if (!(last[i].revents & POLLNVAL)) {
			return false;
		}
	}
	return true;
}

static ssize_t receive_raw(int fd, struct msghdr *msg)
{
	bool has_fds = !has_room() && next_has_fds(fd);
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
		packet_reserve_fds();
	}
	return n;
}

/* The first message of the n bytes in m->buf; what follows it goes to rest. */
static int take_first(struct message *m, size_t n, struct packet_rest *rest)
{
	size_t first = rest ? message_span(m->buf, n) : n;

	if (first && first < n) {
		rest->len = n - first;
		memcpy(rest->data, m->buf + first, rest->len);
		n = first;
	}
	return message_decode(m, n, NULL);
}

int packet_next(struct packet_rest *rest, struct message *m)
{
	size_t left = rest->len - rest->at;
	size_t n = left ? message_span(rest->data + rest->at, left) : 0;
	int r = n && n <= left ? 0 : -EBADMSG;

	if (!left) {
		return 0;
	}
	m->n_fds = 0;
	if (r == 0) {
		memcpy(m->buf, rest->data + rest->at, n);
		rest->at += n;
		r = message_decode(m, n, NULL);
	}
	if (r < 0) {
		rest->at = rest->len;
		return r;
	}
	return 1;
}

int packet_receive(int fd, struct message *m, struct packet_rest *rest)
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
	if (rest) {
		rest->at = rest->len = 0;
	}
	n = receive_raw(fd, &msg);
	if (n < 0) {
		return (int)n;
	}
	take_fds(&msg, m);
	if (n == 0 && m->n_fds == 0) {
		return 0;
	}
	r = msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EBADMSG : take_first(m, (size_t)n, rest);
	if (r < 0) {
		if (rest) {
			rest->at = rest->len;
		}
		message_done(m);
		return r;
	}
	return 1;
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
		int r = packet_receive(fd, m, NULL);

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
		r = packet_send(fd, m->buf, m->len, m->fds, m->n_fds);
		if (r != -EAGAIN) {
			return r;
		}
		r = wait_for(fd, POLLOUT, USEC_NEVER);
	}
	return r;
}
