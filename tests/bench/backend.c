/*
 * backend PORT: the HTTP server behind a relay in the benchmarks. One epoll loop, no more work
 * than answering needs: GET /N gets N bytes, keep-alive unless the request says close.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CHUNK = 256 * 1024,
	REQUEST_MAX = 2048,
	EVENTS = 256,
	FDS_MAX = 65536,
};

struct conn {
	unsigned long long left; /* bytes of the body still to be sent */
	unsigned got;
	bool open, close_after, writing;
	char request[REQUEST_MAX];
};

static char body[CHUNK];
static struct conn *conns[FDS_MAX];
static int epoll_fd;

static void drop(int fd)
{
	free(conns[fd]);
	conns[fd] = NULL;
	(void)close(fd);
}

static void watch(int fd, struct conn *c, bool writing)
{
	struct epoll_event ev = {.events = writing ? EPOLLOUT : EPOLLIN, .data.fd = fd};

	if (c->writing != writing) {
		c->writing = writing;
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &ev);
	}
}

/* False when the connection is gone. */
static bool send_body(int fd, struct conn *c)
{
	while (c->left) {
		size_t n = c->left < CHUNK ? c->left : CHUNK;
		ssize_t sent = send(fd, body, n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EAGAIN) {
			watch(fd, c, true);
			return true;
		}
		if (sent <= 0) {
			drop(fd);
			return false;
		}
		c->left -= (unsigned long long)sent;
	}
	if (c->close_after) {
		drop(fd);
		return false;
	}
	watch(fd, c, false);
	return true;
}

static bool answer(int fd, struct conn *c)
{
	char head[256];
	unsigned long long size = strtoull(c->request + 5, NULL, 10);
	int n;

	c->close_after = strcasestr(c->request, "connection: close") != NULL;
	n = snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n%s\r\n", size,
		     c->close_after ? "Connection: close\r\n" : "");
	c->left = size;
	if (size && size <= CHUNK) {
		struct iovec iov[2] = {{head, (size_t)n}, {body, size}};
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
		ssize_t sent = sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < n) {
			drop(fd);
			return false;
		}
		c->left -= (unsigned long long)(sent - n);
	} else if (send(fd, head, (size_t)n, MSG_NOSIGNAL) != n) {
		drop(fd);
		return false;
	}
	return send_body(fd, c);
}

static void serve(int fd, struct conn *c)
{
	ssize_t n = recv(fd, c->request + c->got, REQUEST_MAX - 1 - c->got, MSG_DONTWAIT);
	char *end;

	if (n < 0 && errno == EAGAIN) {
		return;
	}
	if (n <= 0) {
		drop(fd);
		return;
	}
	c->got += (unsigned)n;
	c->request[c->got] = '\0';
	while ((end = strstr(c->request, "\r\n\r\n"))) {
		size_t used = (size_t)(end + 4 - c->request);

		if (!answer(fd, c)) {
			return;
		}
		c->got -= (unsigned)used;
		memmove(c->request, c->request + used, c->got + 1);
	}
}

static void take(int listener)
{
	for (int i = 0; i < 64; i++) {
		int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

		if (fd < 0) {
			return;
		}
		if (fd >= FDS_MAX || !(conns[fd] = calloc(1, sizeof(struct conn)))) {
			(void)close(fd);
			return;
		}
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev);
	}
}

static int listen_on(int port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 4096) < 0) {
		perror("backend");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	struct epoll_event ev = {.events = EPOLLIN}, events[EVENTS];
	int listener;

	if (argc != 2) {
		fprintf(stderr, "usage: backend PORT\n");
		return 2;
	}
	(void)getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	memset(body, 'x', sizeof(body));
	listener = listen_on(atoi(argv[1]));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ev.data.fd = listener;
	(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		int n = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;

			if (fd == listener) {
				take(listener);
			} else if (conns[fd] && conns[fd]->writing) {
				(void)send_body(fd, conns[fd]);
			} else if (conns[fd]) {
				serve(fd, conns[fd]);
			}
		}
	}
}
