#include "listener.h"

#include "capacity.h"
#include "client_limits.h"
#include "conn.h"
#include "keepalive.h"
#include "message_send.h"
#include "relay.h"
#include "service_facts.h"

#include <slotd/cleanup.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

enum {
	/* A wake-up; the other relays and the open connections have their turn. */
	ACCEPT_BATCH = 4,
	ACCEPT_BATCH_YIELDED = 32, /* when the others have not taken theirs */
};

static void accept_batch(struct listener *l);

static void on_listener(struct loop_io *io, unsigned events)
{
	struct listener *l = container_of(io, struct listener, io);
	struct relay *relay = l->service->relay;

	(void)events;
	if (!relay->yielded && !l->closing && relay_others_have_fewer(relay)) {
		relay_yield(relay);
	} else {
		accept_batch(l);
	}
}

/* Accepted sockets inherit them: some calls less for each. They fail on unix sockets. */
static void set_options(int fd)
{
	const int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	socket_find_the_dead(fd);
}

int listener_new(struct relay_service *s, uint32_t index, int fd)
{
	auto_close int owned = fd;
	auto_free struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l) {
		return -ENOMEM;
	}
	r = vec_push(&s->listeners, l);
	if (r < 0) {
		return r;
	}
	set_options(fd);
	l->service = s;
	l->index = index;
	l->fd = TAKE_FD(owned);
	loop_io_init(&l->io, on_listener);
	(void)TAKE_PTR(l);
	return 0;
}

struct listener *listener_free(struct listener *l)
{
	struct relay_service *s = l ? l->service : NULL;

	if (!l) {
		return NULL;
	}
	loop_io_stop(s->relay->loop, &l->io);
	cleanup_closep(&l->fd);
	vec_for_each (at, &s->listeners) {
		if (*at == l) {
			vec_remove(&s->listeners, (size_t)(at - s->listeners.at));
			break;
		}
	}
	free(l);
	return NULL;
}

void service_close_listeners(struct relay_service *s)
{
	while (s->listeners.len) {
		listener_free(s->listeners.at[0]);
	}
	vec_done(&s->listeners);
}

void listener_close(struct listener *l, uint32_t id)
{
	l->closing = true;
	l->done_id = id;
	accept_batch(l);
}

void listener_update(struct listener *l)
{
	struct relay *relay = l->service->relay;
	const bool watch =
		l->closing ? !relay->exhausted && !relay->full : service_accepting(l->service);

	loop_io_set(relay->loop, &l->io, l->fd, watch ? LOOP_READ : 0);
}

/* ---- accepting */

static void took_all(struct listener *l)
{
	if (l->closing) {
		message_send_done(l->service->relay, l->done_id, 0);
		listener_free(l);
	}
}

static bool peer_gave_up(int error)
{
	return error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM;
}

static void place_client(struct relay_service *s, int fd, const struct sockaddr *from)
{
	count_add64(&service_counts(s)->accepted, 1);
	if (service_gave_up(s) && !service_answers(s)) {
		(void)close(fd);
		return;
	}
	conn_start(s, fd, from);
}

/* There is no room for one more. True: there is now; or nobody waits for it. */
static bool make_way(struct listener *l)
{
	struct relay *relay = l->service->relay;
	struct pollfd waiting = {.fd = l->fd, .events = POLLIN};
	usec_t again = usec_add(usec_monotonic(), EXHAUSTED_RETRY);

	if (poll(&waiting, 1, 0) <= 0) {
		return true;
	}
	if (!limits_give_way(relay, &again)) {
		relay_full(relay, again);
		return false;
	}
	if (log_once(&relay->gave_way_log, usec_monotonic(), NULL)) {
		log_line(LOG_WARNING,
			 "relay %u has %u connections and cannot have more: those that have been "
			 "silent longest give way (LimitNOFILE= bounds them)",
			 relay->index, relay->n_conns);
	}
	return true;
}

static void accept_batch(struct listener *l)
{
	struct relay_service *s = l->service;
	const int batch = s->relay->yielded ? ACCEPT_BATCH_YIELDED : ACCEPT_BATCH;

	s->relay->yielded = false;
	for (int i = 0; i < batch; i++) {
		struct address from = {.len = sizeof(from.sa)};
		int fd;

		if (s->relay->n_conns >= s->relay->max_conns && !make_way(l)) {
			return;
		}
		fd = accept4(l->fd, (struct sockaddr *)&from.sa, &from.len,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			place_client(s, fd, (const struct sockaddr *)&from.sa);
		} else if (errno == EAGAIN) {
			took_all(l);
			return;
		} else if (!peer_gave_up(errno)) {
			relay_exhausted(s->relay, errno);
			return;
		}
		if (!l->closing && !service_accepting(s)) {
			listener_update(l);
			return;
		}
	}
	listener_update(l);
}

void relay_retire(struct relay *relay)
{
	relay->retiring = true;
	relay->pool = NULL; /* its place there is another's now */
	for (size_t i = 0; i < ARRAY_SIZE(relay->services); i++) {
		for (struct relay_service *s = relay->services[i]; s; s = s->preview) {
			service_close_listeners(s);
		}
	}
	if (!relay->n_conns) {
		loop_stop(relay->loop);
	}
}
