#include "relay.h"

#include <slotd/cleanup.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>

enum {
	/* A wake-up; the other relays and the open connections have their turn. */
	ACCEPT_BATCH = 4,
	ACCEPT_BATCH_YIELDED = 32, /* when the others have not taken theirs */
};

#define EXHAUSTED_RETRY SECONDS(1)
#define YIELD_STEP	MSECONDS(1)
#define YIELD_MOST	MSECONDS(2) /* beyond that, who wants to connect has waited enough */

static void accept_batch(struct listener *l);

static void yield_to_others(struct relay *relay), yield_no_longer(struct relay *relay, bool fewer);
static bool others_have_fewer(const struct relay *relay);

static void on_listener(struct loop_io *io, unsigned events)
{
	struct listener *l = container_of(io, struct listener, io);
	struct relay *relay = l->service->relay;

	(void)events;
	if (!relay->yielded && !l->closing && others_have_fewer(relay)) {
		yield_to_others(relay);
	} else {
		accept_batch(l);
	}
}

/* Who is gone without a word is found after some two minutes. */
enum {
	KEEPALIVE_IDLE = 60,
	KEEPALIVE_INTERVAL = 10,
	KEEPALIVE_PROBES = 6,
};

void socket_find_the_dead(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
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

/* ---- no descriptors */

static void settle_all(struct relay *relay)
{
	for (size_t i = 0; i < ARRAY_SIZE(relay->services); i++) {
		for (struct relay_service *s = relay->services[i]; s; s = s->preview) {
			service_settle_soon(s);
		}
	}
}

void on_exhausted_timer(struct loop_timer *t)
{
	struct relay *relay = container_of(t, struct relay, exhausted_timer);

	relay->exhausted = relay->full = false;
	settle_all(relay);
}

static void report_exhausted(struct relay *relay, int error, usec_t now)
{
	if (log_once(&relay->exhausted_log, now, NULL)) {
		log_line(LOG_WARNING,
			 "relay %u has %u connections and cannot have more: %s; new ones wait in "
			 "the kernel's queue (LimitNOFILE= bounds them)",
			 relay->index, relay->n_conns, strerror(error));
	}
}

/* The ends of connections make room again; or one has been still long enough to give way. */
static void relay_full(struct relay *relay, usec_t until)
{
	report_exhausted(relay, EMFILE, usec_monotonic());
	relay->full = true;
	loop_timer_set(relay->loop, &relay->exhausted_timer, until);
	settle_all(relay);
}

void relay_exhausted(struct relay *relay, int error)
{
	usec_t now = usec_monotonic();

	report_exhausted(relay, error, now);
	if (!relay->exhausted) {
		relay->exhausted = true;
		loop_timer_set(relay->loop, &relay->exhausted_timer,
			       usec_add(now, EXHAUSTED_RETRY));
		settle_all(relay);
	}
}

void relay_relieved(struct relay *relay)
{
	if (relay->retiring && !relay->n_conns) {
		loop_stop(relay->loop);
	}
	if (relay->yielding && !others_have_fewer(relay)) {
		yield_no_longer(relay, false);
	}
	if (relay->exhausted || relay->full) {
		relay->exhausted = relay->full = false;
		loop_timer_stop(relay->loop, &relay->exhausted_timer);
		settle_all(relay);
	}
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

/* ---- the other relays, which are woken up for the same connections */

void relay_tell_others(struct relay *relay)
{
	if (relay->pool) {
		atomic_store_explicit(&relay->pool->conns[relay->index], relay->n_conns,
				      memory_order_relaxed);
	}
}

static bool others_have_fewer(const struct relay *relay)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; relay->pool && i < relay->n_relays; i++) {
		uint32_t n = atomic_load_explicit(&relay->pool->conns[i], memory_order_relaxed);

		least = n < least ? n : least;
	}
	return relay->pool && place_leaves_to(relay->n_conns, least);
}

static void yield_to_others(struct relay *relay)
{
	usec_t now = usec_monotonic();

	relay->yielding = true;
	relay->yield_until = usec_add(now, YIELD_MOST);
	loop_timer_set(relay->loop, &relay->yield_timer, usec_add(now, YIELD_STEP));
	settle_all(relay);
}

static void yield_no_longer(struct relay *relay, bool fewer)
{
	relay->yielding = false;
	relay->yielded = fewer;
	loop_timer_stop(relay->loop, &relay->yield_timer);
	settle_all(relay);
}

void on_yield_timer(struct loop_timer *t)
{
	struct relay *relay = container_of(t, struct relay, yield_timer);
	const bool fewer = others_have_fewer(relay);
	usec_t now = usec_monotonic();

	if (fewer && now < relay->yield_until) {
		loop_timer_set(relay->loop, t, usec_add(now, YIELD_STEP));
	} else {
		yield_no_longer(relay, fewer);
	}
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
