#include <slotd/sd_socket.h>

#include <slotd/cleanup.h>
#include <slotd/listen.h>
#include <slotd/spawn.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* <linux/socket.h> and <asm/socket.h> of Linux 6.5 */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

enum {
	FDS_MAX = 253, /* SCM_MAX_FD, unix(7) */
};

static int ask_for_senders(int fd)
{
	const int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one)) < 0) {
		return -errno;
	}
	/* An older kernel tells the number alone. */
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSPIDFD, &one, sizeof(one));
	return 0;
}

int sd_socket_open(const char *path, struct diag *diag, int *ret_fd, struct own_name *ret_name)
{
	const struct listen_options options = {
		.mode = 0666, .uid = (uid_t)-1, .gid = (gid_t)-1, .datagrams = true};
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : ask_for_senders(fd);

	if (r < 0) {
		return diag_set_errno(diag, r, "no socket for NOTIFY_SOCKET");
	}
	r = listen_unix(fd, path, &options, diag, ret_name);
	if (r == 0) {
		*ret_fd = TAKE_FD(fd);
	}
	return r;
}

/* ---- what came along */

struct company {
	struct ucred sender;
	int pidfd;
	int fd;
	unsigned n_fds;
};

static void take_fds(struct company *c, const struct cmsghdr *h)
{
	size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < n; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(h) + i * sizeof(fd), sizeof(fd));
		cleanup_closep(&c->fd);
		c->fd = fd;
		c->n_fds++;
	}
}

static void take_company(struct company *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level != SOL_SOCKET) {
			continue;
		}
		if (h->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&c->sender, CMSG_DATA(h), sizeof(c->sender));
		} else if (h->cmsg_type == SCM_RIGHTS) {
			take_fds(c, h);
		} else if (h->cmsg_type == SCM_PIDFD) {
			memcpy(&c->pidfd, CMSG_DATA(h), sizeof(c->pidfd));
		}
	}
	if (c->n_fds > 1) {
		cleanup_closep(&c->fd);
	}
}

/* Its number may be another's by now: then its pidfd means nobody any more. */
static pid_t group_of(const struct company *c)
{
	pid_t group = c->sender.pid > 0 ? getpgid(c->sender.pid) : -1;

	if (group > 0 && c->pidfd >= 0 && process_handle_pid(c->pidfd) != c->sender.pid) {
		return 0;
	}
	return group > 0 ? group : 0;
}

int sd_socket_receive(int fd, struct datagram *ret)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int)) +
			   CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {ret->text, sizeof(ret->text)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control.space)};
	struct company c = {.pidfd = -EBADF, .fd = -EBADF};
	ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	take_company(&c, &m);
	ret->pid = c.sender.pid;
	ret->uid = c.sender.uid;
	ret->group = group_of(&c);
	ret->fd = c.fd;
	ret->len = (size_t)n;
	ret->cut = m.msg_flags & MSG_TRUNC;
	cleanup_closep(&c.pidfd);
	return 1;
}
