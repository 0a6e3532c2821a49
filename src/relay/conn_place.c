#include "conn_place.h"

#include "backlog.h"
#include "canary.h"
#include "capacity.h"
#include "carry.h"
#include "conn_close.h"
#include "conn_lists.h"
#include "conn_watch.h"
#include "connect.h"
#include "exchange.h"
#include "offline.h"
#include "relay.h"
#include "service_facts.h"
#include "stall.h"
#include "workers.h"

#include <slotd/cleanup.h>
#include <slotd/exhaustion.h>
#include <slotd/io.h>
#include <slotd/proxy.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert((int)PROXY_HEADER_MAX <= (int)COPY_HEADROOM, "a header fits before the data");

static uint32_t client_hash(const struct conn *c)
{
	struct address from = {.len = sizeof(from.sa)};

	if (c->service->balance != BALANCE_SOURCE ||
	    getpeername(c->side[CLIENT].fd, (struct sockaddr *)&from.sa, &from.len) < 0) {
		return 0;
	}
	return place_hash((const struct sockaddr *)&from.sa);
}

/* Rather not the one that has just died with the same request. */
static struct place_worker *choose_place(const struct conn *c, struct relay_slot *slot, usec_t now)
{
	const struct exchange *e = c->exchange;

	return place_choose_but(&slot->table, c->service->balance, client_hash(c), now,
				e && e->retried ? e->died : PLACE_NONE);
}

static struct relay_worker *choose_in(struct conn *c, struct relay_slot *slot)
{
	const usec_t now = usec_monotonic();
	struct place_worker *p = choose_place(c, slot, now);

	while (p && p->slow_until <= now && worker_stalls(worker_of(p), now)) {
		p = choose_place(c, slot, now);
	}
	if (p) {
		slot->last_placed = now;
	}
	return p ? worker_of(p) : NULL;
}

/* One look at the word decides; NULL: nobody can take it now. The live slot helps a canary out. */
static struct relay_worker *choose(struct conn *c)
{
	struct relay_service *s = c->service;
	const struct switch_word word = service_word(s);
	struct relay_worker *w;
	enum slot_id slot;

	if (word.mode != SWITCH_OPEN || !s->complete || s->relay->exhausted) {
		return NULL;
	}
	slot = canary_slot(c, word);
	w = choose_in(c, &s->slots[slot]);
	return w || slot == word.live ? w : choose_in(c, &s->slots[word.live]);
}

/* Writing tells how the connect went, also when there is nothing to write. 1: connected; 0: not
 * yet; or -errno. */
static int try_write(int fd, const unsigned char *data, size_t len, size_t *ret_sent)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	*ret_sent = (size_t)n;
	return 1;
}

/* Connected, and sent of its len first bytes are on their way. The rest is kept. */
static void opened(struct conn *c, struct relay_worker *w, const unsigned char *data, size_t len,
		   size_t sent)
{
	struct side *side = &c->side[WORKER];

	if (side->unsent) {
		parcel_advance(&c->service->relay->copier, side, sent);
	} else if (sent < len && parcel_keep(side, data + sent, len - sent) < 0) {
		side->broken = true; /* nobody can have the rest: this ends with a reset */
	}
	if (sent < len) {
		exchange_split(c);
	}
	side->one_shot = w->one_shots >= ONE_SHOTS;
	place_welcomed(&w->place);
	count_add64(&worker_counts(w)->total, 1);
	count_add64(&worker_counts(w)->bytes_in, len);
	conn_leave(c);
	conn_enter(c, w, c->client_spoke ? conn_judge(c) : CONN_SILENT);
	if (c->side[CLIENT].eof && !side->unsent) {
		(void)shutdown(side->fd, SHUT_WR); /* a request that another worker had before */
	}
	if (c->client_spoke) {
		c->unheard = true;
		worker_asked(w, c->since);
		if (c->exchange && c->exchange->keeps) {
			stall_watch(c);
		}
	}
	conn_watch_open(c);
}

/* When the first of a slot is due; the lists are in the order of time. */
static usec_t connect_due(const struct relay_service *s, enum slot_id slot)
{
	const struct conn *c = s->slots[slot].queued.head;

	return c ? usec_add(c->since, s->connect_timeout) : USEC_NEVER;
}

static void watch_connects(struct relay_service *s)
{
	const usec_t a = connect_due(s, SLOT_A), b = connect_due(s, SLOT_B);
	const usec_t first = a < b ? a : b;

	/* One that has connected since leaves the timer to fire once in vain. */
	if (first < s->connect_timer.at) {
		loop_timer_set(s->relay->loop, &s->connect_timer, first);
	}
	if (first != USEC_NEVER) {
		stall_watch_connect(s);
	}
}

static int queue(struct conn *c, struct relay_worker *w, const unsigned char *data, size_t len)
{
	struct side *side = &c->side[WORKER];

	if (len && !side->unsent && parcel_keep(side, data, len) < 0) {
		return -ENOMEM;
	}
	conn_leave(c);
	conn_enter(c, w, CONN_QUEUED);
	conn_watch(c, CLIENT, 0);
	conn_watch(c, WORKER, LOOP_WRITE);
	watch_connects(c->service);
	return 0;
}

static void report_refusal(struct relay_worker *w, int error, usec_t now)
{
	if (log_once(&w->refused, now, NULL)) {
		log_line(LOG_INFO,
			 "%s: cannot connect: %s; its clients go to other workers, or wait",
			 worker_label(w), strerror(-error));
	}
}

static void refused(struct relay_worker *w, int error)
{
	usec_t now = usec_monotonic();

	place_refused(&w->place, now);
	answers_refused(w);
	report_refusal(w, error, now);
}

static int attach(struct conn *c, struct relay_worker *w, const unsigned char *data, size_t len)
{
	size_t sent = 0;
	int r = connect_worker(c->service->relay, w, &c->side[WORKER].fd);

	if (r < 0) {
		return r;
	}
	c->side[WORKER].delays = !address_is_unix(&w->address);
	r = try_write(c->side[WORKER].fd, data, len, &sent);
	if (r > 0) {
		opened(c, w, data, len, sent);
		return 0;
	}
	r = r == 0 ? queue(c, w, data, len) : r;
	if (r < 0) {
		cleanup_closep(&c->side[WORKER].fd);
	}
	return r;
}

/* To one worker after another, until one takes it. False: nobody can now. */
static bool place(struct conn *c, const unsigned char *data, size_t len)
{
	struct relay_worker *w;

	while ((w = choose(c))) {
		int r = attach(c, w, data, len);

		if (r == 0) {
			return true;
		}
		if (error_is_exhaustion(r)) { /* of ours: another worker is no help */
			relay_exhausted(c->service->relay, -r);
			return false;
		}
		refused(w, r);
	}
	return false;
}

static void hold(struct conn *c, const unsigned char *data, size_t len, bool first_in_line)
{
	struct side *side = &c->side[WORKER];

	if (len && !side->unsent && parcel_keep(side, data, len) < 0) {
		conn_end(c);
		return;
	}
	conn_leave(c);
	conn_enter(c, NULL, CONN_HELD);
	if (first_in_line) {
		conn_come_first(c);
	}
	conn_watch(c, CLIENT, 0);
	service_settle_soon(c->service);
}

bool conn_retry(struct conn *c)
{
	size_t len;
	const unsigned char *data = parcel_data(&c->side[WORKER], &len);

	return place(c, data, len);
}

/* Off its worker, into one of the classes without. */
static void detach(struct conn *c, enum conn_class class)
{
	struct relay_worker *w = c->worker;

	conn_leave(c);
	loop_io_stop(c->service->relay->loop, &c->side[WORKER].io);
	cleanup_closep(&c->side[WORKER].fd);
	c->side[WORKER].eof = c->side[WORKER].broken = c->side[WORKER].one_shot = false;
	c->side[WORKER].big_reads = c->side[WORKER].slow = 0;
	c->side[WORKER].ahead = 0;
	c->worker_spoke = c->worker_last = c->kept_alive = c->worker_done = false;
	conn_enter(c, NULL, class);
	worker_released(w);
}

/* ---- the first bytes */

static size_t header_before(struct conn *c, unsigned char *buffer)
{
	struct address client = {.len = sizeof(client.sa)}, local = {.len = sizeof(local.sa)};
	unsigned char header[PROXY_HEADER_MAX];
	size_t len;

	if (!c->service->proxy_protocol) {
		return 0;
	}
	(void)getpeername(c->side[CLIENT].fd, (struct sockaddr *)&client.sa, &client.len);
	(void)getsockname(c->side[CLIENT].fd, (struct sockaddr *)&local.sa, &local.len);
	len = proxy_header(c->service->proxy_protocol, (const struct sockaddr *)&client.sa,
			   (const struct sockaddr *)&local.sa, header);
	memcpy(buffer - len, header, len);
	return len;
}

static void place_or_hold(struct conn *c, size_t n, bool first_in_line)
{
	unsigned char *buffer = copier_buffer(&c->service->relay->copier);
	size_t head;

	if (service_answers(c->service)) {
		offline_begin(c, n);
		return;
	}
	head = header_before(c, buffer);

	if (!place(c, buffer - head, head + n)) {
		hold(c, buffer - head, head + n, first_in_line);
	}
}

void conn_place_first(struct conn *c, size_t n)
{
	if (n) {
		(void)conn_heard(&c->side[CLIENT], copier_buffer(&c->service->relay->copier), n);
	}
	place_or_hold(c, n, false);
}

void conn_answer(struct conn *c)
{
	struct copier *copier = &c->service->relay->copier;
	unsigned char *buffer = copier_buffer(copier);
	const size_t head = header_before(c, buffer);
	size_t len;
	const unsigned char *data = parcel_data(&c->side[WORKER], &len);

	len = data ? len - head : 0;
	if (len) {
		memmove(buffer, data + head, len);
	}
	parcel_drop(copier, &c->side[WORKER]);
	offline_begin(c, len);
}

/* ---- moving and failing over */

/* Again, with the bytes it has. */
static void place_again(struct conn *c)
{
	size_t len;
	const unsigned char *data = parcel_data(&c->side[WORKER], &len);

	if (service_answers(c->service)) {
		conn_answer(c);
	} else if (!data) {
		place_or_hold(c, 0, true);
	} else if (!place(c, data, len)) {
		hold(c, data, len, true);
	}
}

void conn_move(struct conn *c)
{
	if (c->class == CONN_SILENT) {
		if (io_has_bytes(c->side[WORKER].fd)) {
			conn_carry(c, WORKER, LOOP_READ); /* it has just spoken, so it stays */
			return;
		}
		parcel_drop(&c->service->relay->copier, &c->side[WORKER]); /* of a header */
	}
	detach(c, CONN_HELD);
	place_again(c);
}

void conn_park(struct conn *c)
{
	if (c->last_request) {
		conn_end(c);
		return;
	}
	detach(c, CONN_PARKED);
	conn_watch(c, CLIENT, LOOP_READ);
}

bool conn_may_linger(const struct conn *c)
{
	return c->class == CONN_HALF && c->worker_done && !c->was_pinned &&
	       !c->side[CLIENT].unsent && !c->side[WORKER].unsent;
}

void conn_linger(struct conn *c)
{
	exchange_end(c);
	detach(c, CONN_LINGER);
	conn_watch(c, CLIENT, LOOP_READ);
}

void conn_place_again(struct conn *c, size_t n)
{
	parcel_drop(&c->service->relay->copier, &c->side[WORKER]);
	detach(c, CONN_HELD);
	place_or_hold(c, n, true);
}

static void fail_over(struct conn *c, int error)
{
	refused(c->worker, error);
	detach(c, CONN_HELD);
	place_again(c);
}

void conn_connect_expired(struct conn *c)
{
	fail_over(c, -ETIMEDOUT);
}

void conn_connect_settled(struct conn *c)
{
	size_t len, sent = 0;
	const unsigned char *data = parcel_data(&c->side[WORKER], &len);
	int r = try_write(c->side[WORKER].fd, data, len, &sent);

	if (r > 0) {
		opened(c, c->worker, data, len, sent);
	} else if (r < 0) {
		fail_over(c, r);
	}
}

/* ---- connects that take long */

void on_connect_timer(struct loop_timer *t)
{
	struct relay_service *s = container_of(t, struct relay_service, connect_timer);
	const usec_t now = usec_monotonic();
	unsigned batch = TURN_BATCH;

	for (int i = SLOT_A; i < SLOT_MAX_; i++) {
		while (batch && connect_due(s, (enum slot_id)i) <= now) {
			batch--;
			conn_connect_expired(s->slots[i].queued.head);
		}
	}
	watch_connects(s);
}
