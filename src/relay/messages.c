#include "messages.h"

#include "canary.h"
#include "connect.h"
#include "drain.h"
#include "listener.h"
#include "message_send.h"
#include "page.h"
#include "relay.h"
#include "service.h"
#include "service_facts.h"
#include "slot.h"
#include "workers.h"

#include <slotd/cleanup.h>

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* ---- what they are about */

static struct relay_service *service_in(struct relay *relay, const struct message *m)
{
	uint64_t i = message_u64(m, TAG_SERVICE_INDEX);

	return i < ARRAY_SIZE(relay->services) ? relay->services[i] : NULL;
}

static struct listener *listener_in(struct relay_service *s, const struct message *m)
{
	for (; s; s = s->preview) {
		vec_for_each (l, &s->listeners) {
			if ((*l)->index == message_u64(m, TAG_INDEX) && !(*l)->closing) {
				return *l;
			}
		}
	}
	return NULL;
}

static int slot_in(const struct message *m)
{
	uint64_t slot = message_u64(m, TAG_SLOT);

	return slot < SLOT_MAX_ ? (int)slot : -EINVAL;
}

/* ---- each message; the returned code is the answer, ANSWER_LATER for none yet */

enum {
	ANSWER_LATER = 1,
};

static size_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (size_t)st.st_size;
}

static int map(int fd, size_t size, int protection, void **ret)
{
	void *p;

	if (size_of(fd) < size) {
		return -EPROTO; /* of another version: reading it would be a SIGBUS */
	}
	p = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		return -errno;
	}
	*ret = p;
	return 0;
}

static int setup(struct relay *relay, struct message *m)
{
	auto_close int board_fd = message_take_fd(m, 0), page_fd = message_take_fd(m, 1);
	auto_close int pool_fd = message_take_fd(m, 2);
	void *board = NULL, *page = NULL, *pool = NULL;
	int r;

	if (relay->board) {
		return 0; /* a later slotd gives the same two: the counts go on */
	}
	r = map(board_fd, sizeof(struct switchboard), PROT_READ, &board);
	if (r < 0) {
		return r;
	}
	r = map(page_fd,
		size_of(page_fd) < sizeof(struct relay_page) ? RELAY_PAGE_LEAST
							     : sizeof(struct relay_page),
		PROT_READ | PROT_WRITE, &page);
	if (r < 0) {
		(void)munmap(board, sizeof(struct switchboard));
		return r;
	}
	relay->counts_answers = size_of(page_fd) >= sizeof(struct relay_page);
	relay->board = board;
	relay->page = page;
	relay->page->version = SWITCHBOARD_VERSION;
	relay->index = (uint32_t)message_u64(m, TAG_INDEX);
	relay->n_relays = message_u64(m, TAG_COUNT) ? (uint32_t)message_u64(m, TAG_COUNT) : 1;
	if (pool_fd >= 0 && relay->n_relays <= SWITCHBOARD_RELAYS &&
	    relay->index < relay->n_relays &&
	    map(pool_fd, sizeof(struct relay_pool), PROT_READ | PROT_WRITE, &pool) == 0) {
		relay->pool = pool;
	}
	return 0;
}

static void set_limits(struct relay_service *s)
{
	for (int slot = SLOT_A; slot < SLOT_MAX_; slot++) {
		vec_for_each (at, &s->slots[slot].table.workers) {
			(*at)->limit = place_share(s->worker_max, s->relay->index,
						   s->relay->n_relays, (*at)->key);
		}
	}
}

static usec_t limit_in(const struct message *m, enum message_tag tag)
{
	usec_t limit = message_u64(m, tag);

	return limit ? limit : USEC_NEVER;
}

static void set_client_limits(struct relay_service *s, const struct message *m)
{
	s->limits = (struct client_limits){
		.client_timeout = limit_in(m, TAG_CLIENT_TIMEOUT),
		.idle_timeout = limit_in(m, TAG_IDLE_TIMEOUT),
		.half_close_timeout = limit_in(m, TAG_HALF_CLOSE_TIMEOUT),
	};
	loop_timer_set(s->relay->loop, &s->limit_timer, usec_monotonic()); /* for those there */
}

/* The same for its preview. */
static int configure(struct relay_service *s, const struct message *m)
{
	usec_t hold = message_u64(m, TAG_HOLD_TIMEOUT);

	s->balance = (enum balance)message_u64(m, TAG_BALANCE);
	s->connect = (enum connect_mode)message_u64(m, TAG_CONNECT);
	s->protocol = (enum protocol)message_u64(m, TAG_PROTOCOL);
	s->drain = (enum drain_mode)message_u64(m, TAG_DRAIN);
	s->drain_idle = message_u64(m, TAG_DRAIN_IDLE);
	s->retry = (enum retry_mode)message_u64(m, TAG_RETRY);
	s->worker_max = (unsigned)message_u64(m, TAG_WORKER_MAX);
	s->proxy_protocol = (unsigned)message_u64(m, TAG_PROXY_PROTOCOL);
	s->hold_timeout = hold ? hold : USEC_NEVER;
	s->connect_timeout = message_u64(m, TAG_CONNECT_TIMEOUT)
				     ? message_u64(m, TAG_CONNECT_TIMEOUT)
				     : SECONDS(5);
	s->retry_after = message_u64(m, TAG_RETRY_AFTER);
	set_client_limits(s, m);
	set_limits(s);
	service_settle_soon(s);
	return canary_set(s, m);
}

static int set_health_paths(struct relay_service *s, const struct message *m)
{
	const char *paths = message_text(m, TAG_PATH);
	char *own = paths ? strdup(paths) : NULL;

	if (paths && !own) {
		return -ENOMEM;
	}
	free(s->health_paths);
	s->health_paths = own;
	return 0;
}

static int set_service(struct relay *relay, struct message *m)
{
	uint64_t i = message_u64(m, TAG_SERVICE_INDEX);
	struct relay_service *s;
	int r;

	if (i >= ARRAY_SIZE(relay->services)) {
		return -EINVAL;
	}
	if (!relay->services[i]) {
		r = service_new(relay, (uint32_t)i, message_str(m, TAG_SERVICE),
				&relay->services[i]);
		if (r < 0) {
			return r;
		}
	}
	s = relay->services[i];
	r = service_want_preview(s, message_u64(m, TAG_PREVIEW) != 0);
	if (r == 0) {
		r = set_health_paths(s, m);
	}
	for (; s; s = s->preview) {
		const int ready = configure(s, m);

		r = r < 0 ? r : ready;
	}
	return r;
}

static int set_page(struct relay *relay, struct message *m)
{
	auto_close int fd = message_take_fd(m, 0);
	struct relay_service *s = service_in(relay, m);
	struct page *page = NULL;
	int r;

	if (!s) {
		return -ENOENT;
	}
	r = fd < 0 ? 0 : page_read(fd, message_str(m, TAG_TEXT), &page);
	if (r == 0) {
		page_unref(s->page);
		s->page = page;
		service_settle_soon(s); /* what is held too long may be answered now */
	}
	return r;
}

static int drop_service(struct relay *relay, struct message *m)
{
	struct relay_service *s = service_in(relay, m);

	if (s) {
		service_end(s);
	}
	return 0;
}

static int add_listener(struct relay *relay, struct message *m)
{
	struct relay_service *s = service_in(relay, m);
	struct listener *old = s ? listener_in(s, m) : NULL;
	int r;

	if (!s || (message_u64(m, TAG_PREVIEW) && !s->preview)) {
		return -ENOENT;
	}
	if (s->relay->retiring) {
		return 0; /* a later slotd tells all that there is */
	}
	s = message_u64(m, TAG_PREVIEW) ? s->preview : s;
	if (old) {
		listener_free(old);
	}
	r = listener_new(s, (uint32_t)message_u64(m, TAG_INDEX), message_take_fd(m, 0));
	service_settle_soon(s);
	return r;
}

static int drop_listener(struct relay *relay, struct message *m)
{
	struct relay_service *s = service_in(relay, m);
	struct listener *l = s ? listener_in(s, m) : NULL;

	if (!l) {
		return relay->retiring ? 0 : -ENOENT;
	}
	listener_close(l, m->id);
	return ANSWER_LATER;
}

static int put_worker(struct relay_service *s, enum slot_id slot, const struct address *address,
		      const struct message *m)
{
	struct relay_worker *w;
	int r = service_worker(s, slot, (uint32_t)message_u64(m, TAG_WORKER), &w);

	if (r < 0) {
		return r;
	}
	w->address = *address;
	connect_told(s->relay, w);
	if (message_has(m, TAG_NAME)) {
		free(w->name);
		w->name = strdup(message_str(m, TAG_NAME)); /* NULL: the address tells as well */
	}
	w->place.up = message_u64(m, TAG_UP) != 0;
	if (w->place.up) {
		worker_stays(w);
	} else {
		worker_left(w);
	}
	place_welcomed(&w->place);
	set_limits(s);
	service_settle_soon(s);
	return 0;
}

static int set_worker(struct relay *relay, struct message *m)
{
	struct relay_service *s = service_in(relay, m);
	int slot = slot_in(m), r;
	struct address address;

	if (!s || slot < 0 || message_u64(m, TAG_WORKER) >= SWITCHBOARD_WORKERS) {
		return -EINVAL;
	}
	r = address_parse(message_str(m, TAG_ADDRESS), &address);
	for (; r == 0 && s; s = s->preview) {
		r = put_worker(s, (enum slot_id)slot, &address, m);
	}
	return r;
}

static int drop_worker(struct relay *relay, struct message *m)
{
	struct relay_service *s = service_in(relay, m);
	int slot = slot_in(m);

	for (; s && slot >= 0; s = s->preview) {
		service_worker_gone(s, (enum slot_id)slot, (uint32_t)message_u64(m, TAG_WORKER));
		service_settle_soon(s);
	}
	return 0;
}

static int table_complete(struct relay *relay, struct message *m)
{
	struct relay_service *s = service_in(relay, m);

	if (!s) {
		return -ENOENT;
	}
	for (; s; s = s->preview) {
		s->complete = true;
		service_settle_soon(s);
	}
	return 0;
}

/* Answered when all queued ones of the old slot have moved: nobody is left to wait for then. */
static int flipped(struct relay *relay, struct message *m)
{
	struct relay_service *s = service_in(relay, m);

	if (!s) {
		return -ENOENT;
	}
	if (s->preview) {
		service_flipped(s->preview, 0); /* nobody waits for those */
	}
	service_flipped(s, m->id);
	return ANSWER_LATER;
}

static int drain(struct relay *relay, struct message *m)
{
	struct relay_service *s = service_in(relay, m);
	int slot = slot_in(m);

	if (!s || slot < 0) {
		return -ENOENT;
	}
	if (message_has(m, TAG_WORKER)) {
		service_drain_worker(s, (enum slot_id)slot, (uint32_t)message_u64(m, TAG_WORKER),
				     m->id);
	} else {
		service_drain(s, (enum slot_id)slot, m->id);
	}
	return ANSWER_LATER;
}

static int cut(struct relay *relay, struct message *m)
{
	struct relay_service *s = service_in(relay, m);
	int slot = slot_in(m);

	if (!s || slot < 0) {
		return -ENOENT;
	}
	service_cut(s, (enum slot_id)slot,
		    message_has(m, TAG_WORKER) ? (uint32_t)message_u64(m, TAG_WORKER) : UINT32_MAX,
		    message_u64(m, TAG_DRAIN_SPREAD), m->id);
	return ANSWER_LATER;
}

static int quit(struct relay *relay, struct message *m)
{
	(void)m;
	loop_stop(relay->loop);
	return 0;
}

static int retire(struct relay *relay, struct message *m)
{
	(void)m;
	relay_retire(relay);
	return 0;
}

typedef int handler_fn(struct relay *relay, struct message *m);

static handler_fn *const handlers[MSG_TYPE_MAX_] = {
	[MSG_QUIT] = quit,
	[MSG_RELAY_SETUP] = setup,
	[MSG_RELAY_SERVICE] = set_service,
	[MSG_RELAY_SERVICE_GONE] = drop_service,
	[MSG_RELAY_LISTEN] = add_listener,
	[MSG_RELAY_LISTEN_GONE] = drop_listener,
	[MSG_RELAY_WORKER] = set_worker,
	[MSG_RELAY_WORKER_GONE] = drop_worker,
	[MSG_RELAY_TABLE] = table_complete,
	[MSG_RELAY_FLIPPED] = flipped,
	[MSG_RELAY_DRAIN] = drain,
	[MSG_RELAY_CUT] = cut,
	[MSG_RELAY_RETIRE] = retire,
	[MSG_RELAY_PAGE] = set_page,
};

void message_received(struct channel *ch, struct message *m)
{
	struct relay *relay = ch->owner;
	handler_fn *handler = handlers[m->type];
	uint32_t id = m->id;
	int r;

	if (!handler) {
		return;
	}
	if (!relay->board && m->type > MSG_RELAY_SETUP) {
		r = -EPROTO; /* nothing can be counted yet */
	} else {
		r = handler(relay, m);
	}
	if (r < 0) {
		log_line(LOG_WARNING, "relay %u: %s: %s", relay->index, message_type_name(m->type),
			 strerror(-r));
	}
	if (r != ANSWER_LATER) {
		message_send_done(relay, id, r);
	}
}
