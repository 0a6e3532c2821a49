#include "special.h"

#include <slotd/cleanup.h>

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct special {
	int fd;
	struct loop *loop; /* NULL: nobody waits */
	struct loop_io io;
	special_room_fn *fn;
	void *data;
	char *buf; /* what the target has not taken; NULL: nothing */
	size_t at, rest;
};

static bool writable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	/* An error shows in the write. */
	return poll(&p, 1, 0) == 1;
}

/* The descriptor may be blocking and shared with others (slotd's terminal), so it is asked first
 * and its flags are left alone. */
static ssize_t write_some(int fd, const char *data, size_t n)
{
	ssize_t r;

	if (!writable(fd)) {
		return -EAGAIN;
	}
	n = n < SPECIAL_CHUNK ? n : SPECIAL_CHUNK;
	do {
		r = send(fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (r < 0 && errno == ENOTSOCK) {
			r = write(fd, data, n);
		}
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

struct special *special_new(int fd)
{
	struct special *sp = calloc(1, sizeof(*sp));

	if (sp) {
		sp->fd = fd;
	}
	return sp;
}

static void stop_waiting(struct special *sp)
{
	if (sp->loop) {
		loop_io_stop(sp->loop, &sp->io);
		sp->loop = NULL;
	}
}

struct special *special_free(struct special *sp)
{
	if (sp) {
		stop_waiting(sp);
		free(sp->buf);
		free(sp);
	}
	return NULL;
}

static void drop_rest(struct special *sp)
{
	free(sp->buf);
	sp->buf = NULL;
	sp->at = sp->rest = 0;
}

static int keep_rest(struct special *sp, const char *data, size_t n)
{
	sp->buf = malloc(n);
	if (!sp->buf) {
		return -ENOMEM;
	}
	memcpy(sp->buf, data, n);
	sp->rest = n;
	return 0;
}

static int write_rest(struct special *sp)
{
	while (sp->rest) {
		ssize_t n = write_some(sp->fd, sp->buf + sp->at, sp->rest);

		if (n == -EAGAIN) {
			return (int)n;
		}
		if (n < 0) {
			drop_rest(sp);
			return (int)n;
		}
		sp->at += (size_t)n;
		sp->rest -= (size_t)n;
	}
	drop_rest(sp);
	return 0;
}

bool special_ready(struct special *sp)
{
	return write_rest(sp) != -EAGAIN && writable(sp->fd);
}

static void on_room(struct loop_io *io, unsigned events)
{
	struct special *sp = container_of(io, struct special, io);

	(void)events;
	if (write_rest(sp) != -EAGAIN) {
		stop_waiting(sp);
		sp->fn(sp->data);
	}
}

void special_wait(struct special *sp, struct loop *loop, special_room_fn *fn, void *data)
{
	if (sp->loop) {
		return;
	}
	sp->loop = loop;
	sp->fn = fn;
	sp->data = data;
	loop_io_init(&sp->io, on_room);
	loop_io_set(loop, &sp->io, sp->fd, LOOP_WRITE);
}

int special_write(struct special *sp, const char *data, size_t n)
{
	int r = write_rest(sp);

	while (r == 0 && n) {
		ssize_t taken = write_some(sp->fd, data, n);

		if (taken == -EAGAIN) {
			return keep_rest(sp, data, n);
		}
		if (taken < 0) {
			return (int)taken;
		}
		data += taken;
		n -= (size_t)taken;
	}
	return r;
}

bool special_pending(const struct special *sp)
{
	return sp->rest > 0;
}

int special_add(struct special *sp, const char *data, size_t n)
{
	char *more;

	if (sp->rest + n > SPECIAL_MAX) {
		return -EAGAIN;
	}
	memmove(sp->buf, sp->buf + sp->at, sp->rest);
	sp->at = 0;
	more = realloc(sp->buf, sp->rest + n);
	if (!more) {
		return -ENOMEM;
	}
	memcpy(more + sp->rest, data, n);
	sp->buf = more;
	sp->rest += n;
	return 0;
}

int special_try(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t taken = write_some(fd, data, n);

		if (taken < 0) {
			return (int)taken;
		}
		data += taken;
		n -= (size_t)taken;
	}
	return 0;
}
