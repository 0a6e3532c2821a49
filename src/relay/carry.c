#include "carry.h"

#include "canary.h"
#include "conn_close.h"
#include "conn_lists.h"
#include "conn_place.h"
#include "conn_watch.h"
#include "exchange.h"
#include "relay.h"
#include "service_facts.h"
#include "stall.h"
#include "workers.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* ---- what is heard */

/* Nothing is open on it: the next byte begins an exchange. */
static bool awaits_request(const struct conn *c)
{
	return !c->exchange && (!c->worker || c->class == CONN_SILENT || c->class == CONN_BETWEEN);
}

static uint64_t unseen(const struct conn *c, enum conn_end from)
{
	if (awaits_request(c)) {
		return 0;
	}
	return c->exchange ? follow_unseen(&c->exchange->follow,
					   from == CLIENT ? FOLLOW_CLIENT : FOLLOW_WORKER)
			   : UINT64_MAX;
}

uint64_t conn_heard(struct side *from, const unsigned char *data, size_t len)
{
	struct conn *c = container_of(from - from->index, struct conn, side[0]);

	if (awaits_request(c)) {
		exchange_begin(c);
	}
	if (c->exchange) {
		exchange_heard(c->exchange, (enum conn_end)from->index, data, len);
	}
	return unseen(c, (enum conn_end)from->index);
}

static void pinned(struct conn *c, const char *why)
{
	if (c->service->protocol == PROTOCOL_HTTP && c->worker &&
	    log_once(&c->worker->pinned, usec_monotonic(), NULL)) {
		log_line(LOG_INFO,
			 "%s: a connection cannot be followed (%s): it stays with this worker",
			 worker_label(c->worker), why);
	}
	exchange_end(c);
}

enum conn_class conn_judge(struct conn *c)
{
	const struct follow *f = c->exchange ? &c->exchange->follow : NULL;
	const char *why;

	c->crowded = f && !follow_pinned(f, NULL) && follow_open(f) >= FOLLOW_OPEN_ENOUGH;
	if (!f) {
		return CONN_PINNED;
	}
	if (follow_pinned(f, &why)) {
		c->switched = follow_switched(f);
		if (!exchange_waits(c)) {
			pinned(c, why);
		}
		return CONN_PINNED;
	}
	if (follow_between(f) && !c->side[CLIENT].unsent && !c->side[WORKER].unsent) {
		/* An empty line after the last request is not the next one. */
		c->last_request = follow_last(f) || (c->class == CONN_BETWEEN && c->last_request);
		c->client_last =
			follow_client_last(f) || (c->class == CONN_BETWEEN && c->client_last);
		exchange_end(c);
		return CONN_BETWEEN;
	}
	if (follow_head_open(f) && follow_open(f) <= 1) {
		return CONN_HEAD;
	}
	return follow_answered_early(f) ? CONN_EARLY : CONN_REQUEST;
}

static void count_spoken(struct conn *c, enum conn_end who, size_t n)
{
	struct relay_counts *counts = worker_counts(c->worker);

	c->worker_last = who == WORKER;
	if (who == WORKER) {
		c->worker->n_unheard -= c->unheard ? 1 : 0;
		c->worker->heard_at = c->worker->n_unheard ? usec_monotonic() : 0;
		c->worker->place.slow_until = 0;
		c->unheard = false;
		stall_forget(c);
		answers_heard(c);
		c->worker_spoke = true;
		count_add64(&counts->bytes_out, n);
		return;
	}
	if (c->worker_spoke && !c->kept_alive) {
		c->kept_alive = true;
		c->side[WORKER].one_shot = false;
		c->worker->one_shots = 0;
	}
	c->client_spoke = true;
	if (c->exchange && c->exchange->keeps) {
		stall_watch(c);
	}
	count_add64(&counts->bytes_in, n);
}

/* Into the class that it is in by now. False: it is no longer open here. */
static bool settle(struct conn *c, enum conn_class class)
{
	if (class == CONN_BETWEEN && c->side[CLIENT].eof) {
		conn_end(c);
		return false;
	}
	if (class == CONN_BETWEEN && worker_is_left(c->worker)) {
		conn_park(c);
		return false;
	}
	if (class == CONN_PINNED && c->side[CLIENT].eof && c->class != CONN_HALF) {
		c->was_pinned = true;
		class = CONN_HALF;
	}
	conn_change_class(c, c->class == CONN_HALF ? CONN_HALF : class);
	return true;
}

/* ---- ends */

/* The client may take its time to end too: that is no longer the worker's. */
static void worker_ended(struct conn *c)
{
	c->worker_done = true;
	c->worker->place.open--;
	if (c->service->unplaced[CONN_HELD].head) {
		service_settle_soon(c->service);
	}
}

/* Is a followed request open, of which all has come? */
static bool awaits_answer(const struct conn *c)
{
	return c->exchange && !follow_pinned(&c->exchange->follow, NULL) &&
	       follow_open(&c->exchange->follow) && follow_requests_whole(&c->exchange->follow);
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
	if (from == CLIENT && awaits_answer(c)) {
		return true; /* it stays what it is: in a request, which takes the time it takes */
	}
	c->was_pinned = c->class == CONN_PINNED || (c->was_pinned && c->class == CONN_HALF);
	conn_change_class(c, CONN_HALF);
	if (conn_may_linger(c) &&
	    (c->service->slots[c->worker->slot].draining || worker_is_left(c->worker))) {
		conn_linger(c);
		return false;
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

/*
 * Does the end of a worker's half, and what came with it, show that it had ended before it read its
 * request? A closed socket answers a request by a reset (ECONNRESET, or EPIPE after the end), and
 * one that came after the end is not acknowledged (tcp(7), TCP_INFO).
 */
static bool ended_unread(const struct conn *c)
{
	const int fd = c->side[WORKER].fd;
	int error = 0;
	socklen_t len = sizeof(error);
	struct tcp_info info = {0};
	socklen_t info_len = sizeof(info);

	if (c->side[WORKER].broken) {
		return true; /* its one write failed: see exchange_may_retry */
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error) {
		return error == ECONNRESET || error == EPIPE;
	}
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &info_len) == 0 &&
	       info.tcpi_unacked > 0;
}

/* Its request, to another worker. */
static void send_again(struct conn *c)
{
	struct exchange *e = c->exchange;

	count_add64(&worker_counts(c->worker)->retried, 1);
	memcpy(copier_buffer(&c->service->relay->copier), e->kept, e->n_kept);
	conn_place_again(c, e->n_kept);
}

void conn_take_back(struct conn *c)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(c->side[WORKER].fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	c->exchange->moved = true;
	send_again(c);
}

/* The request of a worker that did not answer goes to another, where it may. True: it went. */
static bool retry(struct conn *c, bool unread)
{
	struct exchange *e = c->exchange;

	if (!exchange_may_retry(c, unread)) {
		return false;
	}
	if (!c->kept_alive) {
		/* One that ended a kept connection may well be there; a new one was not served. */
		place_refused(&c->worker->place, usec_monotonic());
	}
	e->again = e->retried;
	e->retried = true;
	e->died = c->worker->place.key;
	if (c->worker->slot != service_word(c->service).live) {
		c->draw = DRAW_LIVE; /* another worker of a canary may fail in the same way */
	}
	send_again(c);
	return true;
}

/* The worker is gone; unread: before it read its request, as far as the kernel shows. False: the
 * client has another, or none. */
static bool lose_worker(struct conn *c, enum conn_class class, bool unread)
{
	if (class == CONN_BETWEEN && !c->last_request && !c->side[CLIENT].eof) {
		if (c->side[WORKER].one_shot) {
			copy_push(&c->side[CLIENT]);
		}
		conn_park(c);
		return false;
	}
	if (retry(c, unread)) {
		return false;
	}
	answers_lost(c);
	return true;
}

/*
 * Has a client that wanted one answer got it whole? Then it need not be waited for: the kernel
 * delivers what it has not read yet. But a socket that is closed with something unread is reset.
 */
static bool has_all(const struct conn *c, enum conn_class class)
{
	return class == CONN_BETWEEN && c->client_last && !c->side[CLIENT].broken &&
	       !c->side[WORKER].broken && !io_has_bytes(c->side[CLIENT].fd);
}

/* All that a side had to say was passed on. False: it is no longer open here. */
static bool side_ended(struct conn *c, enum conn_end from, enum conn_class class)
{
	if (c->exchange) {
		follow_ended(&c->exchange->follow, from == CLIENT ? FOLLOW_CLIENT : FOLLOW_WORKER);
		class = conn_judge(c);
	}
	if (from == CLIENT && class == CONN_BETWEEN) {
		conn_end(c);
		return false;
	}
	if (from == WORKER && !lose_worker(c, class, c->exchange && ended_unread(c))) {
		return false;
	}
	if (from == WORKER && has_all(c, class)) {
		conn_end(c);
		return false;
	}
	return pass_eof(c, from);
}

static bool side_lost(struct conn *c, enum conn_end from, enum conn_class class, bool reset)
{
	if (from == WORKER && !lose_worker(c, class, reset)) {
		return false;
	}
	conn_abort(c);
	return false;
}

/* ---- bytes */

/* The client says something to a worker that it should leave: to another one. */
static bool replaced(struct conn *c)
{
	if (c->class == CONN_SILENT && worker_is_left(c->worker)) {
		conn_move(c);
		return true;
	}
	if (c->class == CONN_BETWEEN && !c->last_request &&
	    (worker_is_left(c->worker) || worker_is_shunned(c->worker))) {
		conn_park(c);
		return true;
	}
	return false;
}

/* No more can be moved now, or ever. False: it is no longer open here. */
static bool halted(struct conn *c, enum conn_end from, enum conn_class class, enum flow flow)
{
	switch (flow) {
	case FLOW_ON:
		break;
	case FLOW_BLOCKED:
		if (from == CLIENT) {
			exchange_split(c);
		}
		return settle(c, class);
	case FLOW_EOF:
		c->side[from].eof = true;
		return side_ended(c, from, class);
	case FLOW_RESET:
	case FLOW_LOST:
		return side_lost(c, from, class, flow == FLOW_RESET);
	case FLOW_SPILT:
		conn_abort(c);
		return false;
	case FLOW_BROKEN:
		return pass_broken(c, from == CLIENT ? WORKER : CLIENT) && settle(c, class);
	}
	return true;
}

/* Bytes from one end to the other. False: it is no longer open here. */
static bool pump(struct conn *c, enum conn_end from)
{
	struct side *own = &c->side[from], *other = &c->side[!from];
	enum conn_class class = (enum conn_class)c->class;
	const bool crowded = c->crowded;
	size_t bytes;
	enum flow flow;

	if (own->eof || other->unsent || other->broken || (from == CLIENT && crowded)) {
		return true; /* an event of before */
	}
	if (from == CLIENT && replaced(c)) {
		return false;
	}
	flow = copy_move(&c->service->relay->copier, own, other, unseen(c, from), &bytes);
	if (bytes) {
		count_spoken(c, from, bytes);
		class = conn_judge(c);
	}
	if (flow != FLOW_ON) {
		if (!halted(c, from, class, flow)) {
			return false;
		}
	} else if (bytes && !settle(c, class)) {
		return false;
	} else if (c->crowded == crowded) {
		return true;
	}
	conn_watch_open(c);
	return true;
}

/* A side takes bytes again: first what is left, then what the other has to say since. */
static void resume(struct conn *c, enum conn_end to)
{
	const enum conn_end from = to == CLIENT ? WORKER : CLIENT;
	enum flow flow = copy_flush(&c->service->relay->copier, &c->side[to]);
	bool open = true;

	if (flow == FLOW_BLOCKED) {
		return;
	}
	if (flow == FLOW_BROKEN) {
		open = pass_broken(c, to);
	} else if (c->side[from].eof) {
		open = side_ended(c, from, (enum conn_class)c->class);
	} else {
		open = (!c->exchange || settle(c, conn_judge(c))) && pump(c, from);
	}
	if (open) {
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
