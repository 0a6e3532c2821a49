#include "tcp.h"
#include "prober.h"

#include <slotd/cleanup.h>

#include <sys/socket.h>

static void finish(struct check *c, enum outcome_kind kind, int error)
{
	const struct outcome o = {.kind = kind, .error = error};

	check_finish(c, &o);
}

static void connected(struct check *c, int error)
{
	error = error ? error : -check_introduce(c);
	finish(c, error ? OUTCOME_NOT_CONNECTED : OUTCOME_CONNECTED, error);
}

static void on_connected(struct loop_io *io, unsigned events)
{
	struct check *c = container_of(io, struct check, io);
	socklen_t len = sizeof(int);
	int error = 0;

	(void)events;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0) {
		error = errno;
	}
	connected(c, error);
}

static void on_timeout(struct loop_timer *t)
{
	finish(container_of(t, struct check, timer), OUTCOME_CONNECT_LATE, 0);
}

void tcp_init(struct check *c)
{
	c->fd = -EBADF;
	loop_io_init(&c->io, on_connected);
	loop_timer_init(&c->timer, on_timeout);
}

void tcp_begin(struct check *c)
{
	const struct address *a = &c->request.address;

	c->fd = socket(address_family(a), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0) {
		finish(c, OUTCOME_NOT_CONNECTED, errno);
		return;
	}
	probe_socket_made(c->fd);
	if (connect(c->fd, (const struct sockaddr *)&a->sa, a->len) == 0) {
		connected(c, 0);
		return;
	}
	if (errno != EINPROGRESS) {
		finish(c, OUTCOME_NOT_CONNECTED, errno);
		return;
	}
	loop_io_set(c->prober->loop, &c->io, c->fd, LOOP_WRITE);
	loop_timer_set(c->prober->loop, &c->timer, usec_add(c->began, c->request.timeout));
}

void tcp_end(struct check *c)
{
	loop_io_stop(c->prober->loop, &c->io);
	loop_timer_stop(c->prober->loop, &c->timer);
	cleanup_closep(&c->fd);
}
