#include "stream.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <sys/socket.h>

int stream_open(struct stream *s, const struct http_target *target, const char *path,
		struct diag *diag)
{
	auto_close int fd = http_connect(target, diag);
	int r;

	s->fd = -EBADF;
	http_reply_init(&s->reply);
	if (fd < 0) {
		return fd;
	}
	r = http_send(fd, target, "GET", path, NULL, 0);
	if (r < 0) {
		return diag_set_errno(diag, r, "%s", target->url);
	}
	s->fd = TAKE_FD(fd);
	return 0;
}

void stream_done(struct stream *s)
{
	cleanup_closep(&s->fd);
}

int stream_read(struct stream *s, http_body_fn *body, void *data)
{
	char buf[16384];
	ssize_t n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
	int r;

	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 1 : -errno;
	}
	if (n == 0) {
		return http_reply_end(&s->reply);
	}
	r = http_reply_feed(&s->reply, buf, (size_t)n, body, data);
	if (r < 0) {
		return r;
	}
	if (s->reply.phase > HTTP_HEADERS && s->reply.status != 200) {
		return -EPROTO;
	}
	return s->reply.phase != HTTP_DONE;
}
