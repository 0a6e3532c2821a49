#include "relay.h"

#include <slotd/cleanup.h>

#include <sys/socket.h>

bool conn_is_last(struct side *from, const unsigned char *data, size_t len)
{
	struct conn *c = container_of(from, struct conn, side[WORKER]);

	if (!slot_ends_requests(c->service, c->worker->slot)) {
		from->watched = false; /* the drain was called off */
		return false;
	}
	/* With something of the client's still on the way, another answer is due. */
	return answer_heard(&c->answer, data, len) && !c->side[WORKER].unsent &&
	       !socket_has_bytes(c->side[CLIENT].fd);
}

/* A request on a connection that should end: with its answer, if that can be told. */
static void note_request(struct conn *c, size_t n)
{
	struct side *worker = &c->side[WORKER];

	if (c->side[CLIENT].big_reads) { /* not in the buffer, or only in part */
		c->answer.state = ANSWER_UNKNOWN;
	} else {
		answer_asked(&c->answer, copier_buffer(&c->service->relay->copier), n,
			     c->class == CONN_IDLE);
	}
	worker->watched = c->answer.state != ANSWER_UNKNOWN;
}

static void spoke(struct conn *c, enum conn_end who, size_t n)
{
	struct relay_counts *counts = worker_counts(c->worker);

	if (who == CLIENT) {
		if (c->worker_spoke && !c->kept_alive) {
			c->kept_alive = true;
			c->side[WORKER].one_shot = false;
			c->worker->one_shots = 0;
		}
		c->client_spoke = true;
		if (slot_ends_requests(c->service, c->worker->slot)) {
			note_request(c, n);
		}
		count_add64(&counts->bytes_in, n);
		conn_change_class(c, CONN_IN_FLIGHT);
		return;
	}
	c->worker_spoke = true;
	c->since = usec_monotonic();
	count_add64(&counts->bytes_out, n);
	conn_change_class(c, CONN_IDLE);
	slot_spoke(c->service, &c->service->slots[c->worker->slot]);
}

/* The client may take its time to end too: that is no longer the worker's. */
static void worker_ended(struct conn *c)
{
	c->worker_done = true;
	c->worker->place.open--;
	if (c->service->held.head) {
		service_settle_soon(c->service);
	}
}

/* from's half is over and all of it was passed on. False: so is the connection. */
static bool pass_eof(struct conn *c, enum conn_end from)
{
	const struct side *own = &c->side[from], *other = &c->side[!from];

	if (own->broken) {
		conn_abort(c); /* it did not take what it was sent: a reset that read as an end */
		return false;
	}
	if (other->eof && !own->unsent) {
		conn_end(c);
		return false;
	}
	(void)shutdown(other->fd, SHUT_WR);
	if (from == WORKER) {
		worker_ended(c);
	}
	return true;
}

/* The side that should take bytes has gone. What it said before may still be there to be read. */
static bool pass_broken(struct conn *c, enum conn_end to)
{
	if (c->side[to].eof) {
		conn_abort(c);
		return false;
	}
	c->side[to].broken = true;
	parcel_drop(&c->service->relay->copier, &c->side[to]);
	return true;
}

/* Bytes from one end to the other. False: the connection has ended. */
static bool pump(struct conn *c, enum conn_end from)
{
	struct side *own = &c->side[from], *other = &c->side[!from];
	size_t bytes;
	enum flow flow;

	if (own->eof || other->unsent || other->broken) {
		return true; /* an event of before */
	}
	flow = copy_move(&c->service->relay->copier, own, other, &bytes);
	if (bytes) {
		spoke(c, from, bytes);
	}
	switch (flow) {
	case FLOW_ON:
		return true;
	case FLOW_BLOCKED:
		break;
	case FLOW_EOF:
		own->eof = true;
		if (!pass_eof(c, from)) {
			return false;
		}
		break;
	case FLOW_LAST:
		conn_end(c);
		return false;
	case FLOW_RESET:
		conn_abort(c);
		return false;
	case FLOW_BROKEN:
		if (!pass_broken(c, from == CLIENT ? WORKER : CLIENT)) {
			return false;
		}
		break;
	}
	conn_watch_open(c);
	return true;
}

/* A side takes bytes again: first what is left, then what the other has to say since. */
static void resume(struct conn *c, enum conn_end to)
{
	const enum conn_end from = to == CLIENT ? WORKER : CLIENT;
	enum flow flow = copy_flush(&c->service->relay->copier, &c->side[to]);
	bool alive = true;

	if (flow == FLOW_BLOCKED) {
		return;
	}
	if (flow == FLOW_BROKEN) {
		alive = pass_broken(c, to);
	} else if (c->side[from].eof) {
		alive = pass_eof(c, from);
	} else {
		alive = pump(c, from);
	}
	if (alive) {
		conn_watch_open(c);
	}
}

void conn_carry(struct conn *c, enum conn_end end, unsigned events)
{
	if (events & LOOP_WRITE && c->side[end].unsent) {
		resume(c, end);
	} else if (events & LOOP_READ) {
		(void)pump(c, end);
	}
}

void conn_close_idle(struct conn *c)
{
	if (!c->side[CLIENT].unsent && !c->side[WORKER].unsent &&
	    !socket_has_bytes(c->side[CLIENT].fd) && !socket_has_bytes(c->side[WORKER].fd)) {
		conn_end(c);
	}
}
