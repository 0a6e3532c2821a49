#include "conn.h"

#include "canary.h"
#include "capacity.h"
#include "carry.h"
#include "conn_close.h"
#include "conn_lists.h"
#include "conn_place.h"
#include "conn_watch.h"
#include "offline.h"
#include "relay.h"
#include "reply.h"
#include "service_facts.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	CONNS_A_CHUNK = 128,
};

static loop_io_fn on_client, on_worker;

/* ---- memory */

static bool grow(struct relay *relay)
{
	struct conn *chunk = calloc(CONNS_A_CHUNK, sizeof(*chunk));

	for (int i = 0; chunk && i < CONNS_A_CHUNK; i++) {
		chunk[i].next = relay->spare;
		relay->spare = &chunk[i];
	}
	return chunk;
}

static struct conn *conn_new(struct relay_service *s, int fd)
{
	struct relay *relay = s->relay;
	struct conn *c;

	if (!relay->spare && !grow(relay)) {
		return NULL;
	}
	c = relay->spare;
	relay->spare = c->next;
	relay->n_conns++;
	relay_tell_others(relay);
	*c = (struct conn){.service = s, .draw = DRAW_NONE};
	c->side[CLIENT].fd = fd;
	c->side[WORKER].fd = -EBADF;
	c->side[WORKER].index = WORKER;
	loop_io_init(&c->side[CLIENT].io, on_client);
	loop_io_init(&c->side[WORKER].io, on_worker);
	return c;
}

/* The client's next bytes, for whatever worker takes them: of one without a worker. */
static void first_bytes(struct conn *c)
{
	unsigned char *buffer = copier_buffer(&c->service->relay->copier);
	ssize_t n;

	if (canary_awaits_head(c)) {
		conn_watch(c, CLIENT, LOOP_READ);
		return;
	}
	n = recv(c->side[CLIENT].fd, buffer, COPY_SIZE, 0);
	if (n > 0) {
		c->client_spoke = true;
		conn_place_first(c, (size_t)n);
	} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		conn_watch(c, CLIENT, LOOP_READ);
	} else {
		conn_end(c);
	}
}

void conn_start(struct relay_service *s, int fd, const struct sockaddr *from)
{
	struct conn *c = conn_new(s, fd);

	if (!c) {
		(void)close(fd);
		relay_exhausted(s->relay, ENOMEM);
		return;
	}
	c->source = place_source(from);
	conn_enter(c, NULL, CONN_FRESH);
	if (s->connect == CONNECT_LATE && !(s->protocol == PROTOCOL_TCP && service_answers(s))) {
		first_bytes(c);
	} else {
		conn_place_first(c, 0);
	}
}

/* ---- events */

/* What a client says after all is said: read, so that the end does not overtake the answer. */
static void heed_no_more(struct conn *c)
{
	unsigned char *buffer = copier_buffer(&c->service->relay->copier);
	ssize_t n = recv(c->side[CLIENT].fd, buffer, COPY_SIZE, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		conn_end(c);
	}
}

static void on_client(struct loop_io *io, unsigned events)
{
	struct conn *c = container_of(io, struct conn, side[CLIENT].io);

	if (c->class == CONN_LINGER) {
		heed_no_more(c);
	} else if (c->class == CONN_ANSWERED) {
		offline_event(c);
	} else if (!c->worker) {
		first_bytes(c);
	} else {
		conn_carry(c, CLIENT, events);
	}
}

static void on_worker(struct loop_io *io, unsigned events)
{
	struct conn *c = container_of(io, struct conn, side[WORKER].io);

	if (c->class == CONN_QUEUED) {
		conn_connect_settled(c);
	} else {
		conn_carry(c, WORKER, events);
	}
}

bool conn_hear(struct conn *c)
{
	if (c->class == CONN_QUEUED || c->class == CONN_HELD || c->class == CONN_LINGER ||
	    (c->class == CONN_ANSWERED && reply_sends(c))) {
		return false;
	}
	for (int i = CLIENT; i <= (c->worker ? WORKER : CLIENT); i++) {
		if ((!c->worker || conn_is_readable(c, (enum conn_end)i)) &&
		    io_has_bytes(c->side[i].fd) && canary_head_grew(c)) {
			(i == CLIENT ? on_client : on_worker)(&c->side[i].io, LOOP_READ);
			return true;
		}
	}
	return false;
}
