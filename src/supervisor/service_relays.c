#include "services.h"

#include <slotd/cleanup.h>
#include <slotd/keep.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define RELAY_PATIENCE SECONDS(5)

/* What slotd holds for one relay, over its restarts: helper.data. */
struct relay_link {
	int page_fd;
	struct relay_page *page;
};

/* ---- the relays ---- */

static struct relay_link *link_of(const struct helper *h)
{
	return h->data;
}

static struct helper *relay_at(const struct supervisor *sup, unsigned i)
{
	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind == HELPER_RELAY && (*h)->index == i) {
			return *h;
		}
	}
	return NULL;
}

static unsigned relay_count(const struct supervisor *sup)
{
	unsigned n = 0;

	vec_for_each (h, &sup->helpers) {
		n += (*h)->kind == HELPER_RELAY;
	}
	return n < RELAYS_MAX ? n : RELAYS_MAX;
}

const struct relay_page *relay_page_of(const struct supervisor *sup, unsigned i)
{
	const struct helper *h = relay_at(sup, i);

	return h && link_of(h) ? link_of(h)->page : NULL;
}

static bool is_ready_for(const struct helper *h)
{
	return channel_open(&h->channel) && link_of(h);
}

static void to_all(struct supervisor *sup, struct message *m)
{
	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind == HELPER_RELAY && is_ready_for(*h)) {
			(void)helper_send(*h, m);
		}
	}
}

/* ---- what they are told ---- */

static void fill_service(struct message *m, const struct service *s)
{
	const struct service_config *c = s->config;

	message_init(m, MSG_RELAY_SERVICE, 0);
	message_put_text(m, TAG_SERVICE, s->name);
	message_put_u64(m, TAG_SERVICE_INDEX, s->index);
	message_put_u64(m, TAG_BALANCE, c->balance);
	message_put_u64(m, TAG_CONNECT, c->connect);
	message_put_u64(m, TAG_WORKER_MAX, c->worker_max);
	message_put_u64(m, TAG_PROXY_PROTOCOL, c->proxy_protocol);
	message_put_u64(m, TAG_HOLD_TIMEOUT, c->hold_timeout == USEC_NEVER ? 0 : c->hold_timeout);
	message_put_u64(m, TAG_CONNECT_TIMEOUT, c->connect_timeout);
	message_put_u64(m, TAG_DRAIN, c->drain);
}

static void fill_socket(struct message *m, const struct service *s,
			const struct public_socket *socket)
{
	message_init(m, MSG_RELAY_LISTEN, 0);
	message_put_u64(m, TAG_SERVICE_INDEX, s->index);
	message_put_u64(m, TAG_INDEX, socket->index);
	message_put_text(m, TAG_ADDRESS, socket->address);
	message_put_fd(m, socket->fd);
}

static void fill_worker(struct message *m, const struct service *s, const struct process *p,
			bool up)
{
	message_init(m, MSG_RELAY_WORKER, 0);
	message_put_u64(m, TAG_SERVICE_INDEX, s->index);
	message_put_u64(m, TAG_SLOT, p->slot);
	message_put_u64(m, TAG_WORKER, p->worker.id);
	message_put_text(m, TAG_ADDRESS, p->config->address);
	message_put_u64(m, TAG_UP, up);
	message_put_text(m, TAG_NAME, p->config->name);
}

static void fill_plain(struct message *m, enum message_type type, uint32_t id,
		       const struct service *s)
{
	message_init(m, type, id);
	message_put_u64(m, TAG_SERVICE_INDEX, s->index);
}

static void send_workers(struct service *s, struct helper *h)
{
	unsigned healthy[SLOT_MAX_];
	struct process *p;
	struct message m;
	size_t pos = 0;

	service_count_healthy(s, healthy);
	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		if (p->config->address) {
			fill_worker(&m, s, p, slot_worker_up(p, healthy));
			(void)helper_send(h, &m);
		}
	}
}

/* Remembers the row; false when the relays have it like that already. */
static bool note_told(struct service *s, const struct process *p, bool up)
{
	size_t word = p->worker.id / 64;
	uint64_t bit = UINT64_C(1) << p->worker.id % 64;

	if (s->told[word] & bit && !(s->told_up[word] & bit) == !up) {
		return false;
	}
	s->told[word] |= bit;
	s->told_up[word] = up ? s->told_up[word] | bit : s->told_up[word] & ~bit;
	return true;
}

void relays_service(struct service *s)
{
	struct message m;

	fill_service(&m, s);
	to_all(s->sup, &m);
	fill_plain(&m, MSG_RELAY_TABLE, 0, s);
	to_all(s->sup, &m);
}

void relays_service_gone(struct service *s)
{
	struct message m;

	fill_plain(&m, MSG_RELAY_SERVICE_GONE, 0, s);
	to_all(s->sup, &m);
}

void relays_socket(struct service *s, const struct public_socket *socket)
{
	struct message m;

	fill_socket(&m, s, socket);
	to_all(s->sup, &m);
}

void relays_socket_gone(struct service *s, const struct public_socket *socket)
{
	struct message m;

	fill_plain(&m, MSG_RELAY_LISTEN_GONE, 0, s);
	message_put_u64(&m, TAG_INDEX, socket->index);
	to_all(s->sup, &m);
}

void relays_workers(struct service *s)
{
	unsigned healthy[SLOT_MAX_];
	struct process *p;
	struct message m;
	size_t pos = 0;

	if (s->down) {
		return; /* the relays have not heard of it */
	}
	service_count_healthy(s, healthy);
	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		bool up = slot_worker_up(p, healthy);

		if (p->config->address && note_told(s, p, up)) {
			fill_worker(&m, s, p, up);
			to_all(s->sup, &m);
		}
	}
}

static void forget_told(struct service *s, const struct process *p)
{
	s->told[p->worker.id / 64] &= ~(UINT64_C(1) << p->worker.id % 64);
}

void relays_worker_again(const struct process *p)
{
	forget_told(p->service, p);
}

void relays_worker_gone(struct service *s, const struct process *p)
{
	struct message m;

	if (!p->config->address) {
		return;
	}
	forget_told(s, p);
	fill_plain(&m, MSG_RELAY_WORKER_GONE, 0, s);
	message_put_u64(&m, TAG_SLOT, p->slot);
	message_put_u64(&m, TAG_WORKER, p->worker.id);
	to_all(s->sup, &m);
}

/* ---- rounds ---- */

static void round_over(struct round *r);

static const struct {
	enum message_type type;
	bool with_slot, with_generation;
	bool timed; /* a relay that does not answer in time is restarted */
} rounds[] = {
	[ROUND_NONE] = {MSG_NONE},
	[ROUND_TABLE] = {MSG_RELAY_TABLE, .timed = true},
	[ROUND_FLIPPED] = {MSG_RELAY_FLIPPED, .with_generation = true, .timed = true},
	[ROUND_DRAIN] = {MSG_RELAY_DRAIN, .with_slot = true},
	[ROUND_CUT] = {MSG_RELAY_CUT, .with_slot = true, .timed = true},
};

static void fill_round(struct message *m, const struct round *r)
{
	fill_plain(m, rounds[r->kind].type, r->id, r->service);
	if (rounds[r->kind].with_slot) {
		message_put_u64(m, TAG_SLOT, r->slot);
	}
	if (rounds[r->kind].with_generation) {
		message_put_u64(m, TAG_GENERATION, service_word(r->service).generation);
	}
}

/* After a flip, connections placed before it may still be failing over. */
static usec_t patience(const struct round *r)
{
	return r->kind == ROUND_FLIPPED
		       ? usec_add(RELAY_PATIENCE, r->service->config->connect_timeout)
		       : RELAY_PATIENCE;
}

/* One that is not there has nothing open, and its successor reads word and tables first. */
static uint64_t relays_there(const struct supervisor *sup)
{
	uint64_t there = 0;

	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind == HELPER_RELAY && (*h)->index < RELAYS_MAX && is_ready_for(*h)) {
			there |= UINT64_C(1) << (*h)->index;
		}
	}
	return there;
}

static void round_start(struct round *r, enum round_kind kind)
{
	struct supervisor *sup = r->service->sup;
	struct message m;

	round_cancel(r);
	r->kind = kind;
	r->id = helper_request_id(sup);
	r->waiting = relays_there(sup);
	fill_round(&m, r);
	to_all(sup, &m);
	if (rounds[kind].timed) {
		loop_timer_set(sup->loop, &r->timer, usec_add(usec_monotonic(), patience(r)));
	}
	if (!r->waiting) {
		round_over(r);
	}
}

static void on_silence(struct loop_timer *t)
{
	struct round *r = container_of(t, struct round, timer);
	struct supervisor *sup = r->service->sup;

	for (unsigned i = 0; i < RELAYS_MAX; i++) {
		struct helper *h = r->waiting >> i & 1 ? relay_at(sup, i) : NULL;

		if (h) {
			log_line(LOG_ERR, "slotd-relay %u (pid %d) does not answer: restarting it",
				 i, (int)h->child.pid);
			child_kill(&h->child, SIGKILL);
		}
	}
}

void round_init(struct round *r, struct service *s, enum slot_id slot)
{
	*r = (struct round){.service = s, .slot = slot};
	loop_timer_init(&r->timer, on_silence);
}

void round_cancel(struct round *r)
{
	loop_timer_stop(r->service->sup->loop, &r->timer);
	r->kind = ROUND_NONE;
	r->waiting = 0;
	r->id = 0;
}

static void round_answered(struct round *r, unsigned relay)
{
	r->waiting &= ~(UINT64_C(1) << relay);
	if (!r->waiting) {
		round_over(r);
	}
}

static void store_flip(struct service *s)
{
	service_store(s, s->swap.target, SWITCH_OPEN);
	round_start(&s->flip, ROUND_FLIPPED);
}

static void round_over(struct round *r)
{
	struct service *s = r->service;
	enum round_kind kind = r->kind;
	char text[USEC_TEXT_MAX];

	round_cancel(r);
	switch (kind) {
	case ROUND_TABLE:
		store_flip(s);
		break;
	case ROUND_FLIPPED:
		(void)usec_format(usec_sub(usec_monotonic(), s->flipped_at), text, sizeof(text));
		service_feed(s, SWAP_EV_FLIPPED, 0, text);
		break;
	case ROUND_DRAIN:
		service_retire(s, r->slot, RETIRE_EV_DRAINED);
		break;
	case ROUND_CUT:
		service_retire(s, r->slot, RETIRE_EV_CUT);
		break;
	default:
		break;
	}
}

void relays_flip(struct service *s)
{
	relays_workers(s);
	round_start(&s->flip, ROUND_TABLE);
}

void relays_drain(struct service *s, enum slot_id slot)
{
	round_start(&s->slots[slot].round, ROUND_DRAIN);
}

void relays_cut(struct service *s, enum slot_id slot)
{
	round_start(&s->slots[slot].round, ROUND_CUT);
}

/* ---- a relay starts, answers, dies ---- */

static int open_readonly(int fd)
{
	char path[64];
	int ro;

	/* A relay may reopen what it is given through /proc: nothing to gain there, then. */
	if (fchmod(fd, 0600) < 0) {
		return -errno;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	return ro < 0 ? -errno : ro;
}

static void publish_page(const struct helper *relay, struct helper *control)
{
	auto_close int fd = open_readonly(link_of(relay)->page_fd);
	struct message m;

	if (fd < 0) {
		log_line(LOG_WARNING, "connections of slotd-relay %u are not shown: %s",
			 relay->index, strerror(-fd));
		return;
	}
	message_init(&m, MSG_STATE_COUNTS, 0);
	message_put_u64(&m, TAG_INDEX, relay->index);
	message_put_fd(&m, fd);
	(void)helper_send(control, &m);
}

void relays_publish(struct supervisor *sup, struct helper *control)
{
	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind == HELPER_RELAY && link_of(*h)) {
			publish_page(*h, control);
		}
	}
}

static int make_page(struct helper *h)
{
	struct helper *control = helper_of(h->sup, HELPER_CONTROL);
	auto_free struct relay_link *link = calloc(1, sizeof(*link));
	char name[64];
	void *page;
	auto_close int fd = -EBADF;

	if (!link) {
		return -ENOMEM;
	}
	(void)snprintf(name, sizeof(name), "slotd relay %u", h->index);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	/* The relay can write to it: made shorter, it would be a SIGBUS for who reads. */
	if (fd < 0 || fchmod(fd, 0600) < 0 || ftruncate(fd, sizeof(struct relay_page)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		return -errno;
	}
	page = mmap(NULL, sizeof(struct relay_page), PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		return -errno;
	}
	link->page = page;
	link->page_fd = TAKE_FD(fd);
	(void)snprintf(name, sizeof(name), KEEP_PAGE_PREFIX "%u", h->index);
	keep_put(h->sup, name, &link->page_fd, 1);
	h->data = TAKE_PTR(link);
	if (control && channel_open(&control->channel)) {
		publish_page(h, control);
	}
	return 0;
}

/* A later slotd makes another: relays that go on keep the old one and share less evenly for a
 * while, which is all that depends on it. */
static int make_pool(struct supervisor *sup)
{
	auto_close int fd = memfd_create("slotd relays", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *pool;

	if (fd < 0 || fchmod(fd, 0600) < 0 || ftruncate(fd, sizeof(struct relay_pool)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		return -errno;
	}
	pool = mmap(NULL, sizeof(struct relay_pool), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pool == MAP_FAILED) {
		return -errno;
	}
	sup->relay_pool = pool;
	sup->relay_pool_fd = TAKE_FD(fd);
	return 0;
}

static int send_setup(struct helper *h)
{
	auto_close int board = open_readonly(h->sup->switchboard_fd);
	struct message m;

	if (board < 0) {
		return board;
	}
	message_init(&m, MSG_RELAY_SETUP, 0);
	message_put_u64(&m, TAG_INDEX, h->index);
	message_put_u64(&m, TAG_COUNT, relay_count(h->sup));
	message_put_fd(&m, board);
	message_put_fd(&m, link_of(h)->page_fd);
	/* Without it they share unevenly, and no more. */
	if (h->sup->relay_pool || make_pool(h->sup) == 0) {
		message_put_fd(&m, h->sup->relay_pool_fd);
	}
	return helper_send(h, &m);
}

static void refill_service(struct service *s, struct helper *h)
{
	struct message m;

	fill_service(&m, s);
	(void)helper_send(h, &m);
	send_workers(s, h);
	fill_plain(&m, MSG_RELAY_TABLE, 0, s);
	(void)helper_send(h, &m);
	vec_for_each (socket, &s->sockets) {
		if (socket->fd >= 0) {
			fill_socket(&m, s, socket);
			(void)helper_send(h, &m);
		}
	}
}

static void refill(struct helper *h)
{
	int r = link_of(h) ? 0 : make_page(h);

	if (r == 0) {
		r = send_setup(h);
	}
	if (r < 0) {
		log_line(LOG_ERR, "slotd-relay %u cannot be set up: %s", h->index, strerror(-r));
		child_kill(&h->child, SIGKILL); /* helpers.c starts it again, paced */
		return;
	}
	vec_for_each (s, &h->sup->services) {
		if (!(*s)->down) {
			refill_service(*s, h);
		}
	}
}

enum {
	ROUNDS = 3, /* of a service, at once */
};

static struct round *round_of(struct service *s, size_t i)
{
	struct round *const all[ROUNDS] = {&s->flip, &s->slots[SLOT_A].round,
					   &s->slots[SLOT_B].round};

	return all[i];
}

static struct round *find_round(struct supervisor *sup, uint32_t id)
{
	vec_for_each (s, &sup->services) {
		for (size_t i = 0; i < ROUNDS; i++) {
			struct round *r = round_of(*s, i);

			if (r->kind != ROUND_NONE && r->id == id) {
				return r;
			}
		}
	}
	return NULL;
}

static void received(struct helper *h, struct message *m)
{
	struct round *r = m->id ? find_round(h->sup, m->id) : NULL;

	if (m->type == MSG_DONE && message_i64(m, TAG_CODE) < 0) {
		log_line(LOG_WARNING, "slotd-relay %u: %s", h->index,
			 strerror((int)-message_i64(m, TAG_CODE)));
	}
	if (r && (m->type == MSG_DONE || m->type == MSG_RELAY_DRAINED)) {
		round_answered(r, h->index);
	}
}

/* What it was asked holds for it now. */
static void answer_for(struct helper *h)
{
	vec_for_each (s, &h->sup->services) {
		for (size_t i = 0; i < ROUNDS; i++) {
			struct round *r = round_of(*s, i);

			if (r->kind != ROUND_NONE && r->waiting >> h->index & 1) {
				round_answered(r, h->index);
			}
		}
	}
}

/* Nothing is open in a dead relay. A hole is zeroes, and costs no memory. */
static void lost(struct helper *h)
{
	struct relay_link *link = link_of(h);

	if (h->sup->relay_pool && h->index < SWITCHBOARD_RELAYS) {
		atomic_store_explicit(&h->sup->relay_pool->conns[h->index], 0,
				      memory_order_relaxed);
	}
	if (link && fallocate(link->page_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			      sizeof(struct relay_page)) < 0) {
		log_line(LOG_WARNING, "slotd-relay %u: its counts cannot be cleared: %s", h->index,
			 strerror(errno));
	}
	if (!h->sup->quitting) {
		answer_for(h);
	}
}

const struct helper_ops services_helper_ops = {
	.name = "slotd-relay",
	.refill = refill,
	.received = received,
	.lost = lost,
};

void relays_done(struct supervisor *sup)
{
	vec_for_each (h, &sup->helpers) {
		struct relay_link *link = (*h)->kind == HELPER_RELAY ? link_of(*h) : NULL;

		if (link) {
			(void)munmap(link->page, sizeof(struct relay_page));
			cleanup_closep(&link->page_fd);
			free(link);
			(*h)->data = NULL;
		}
	}
	if (sup->relay_pool) {
		(void)munmap(sup->relay_pool, sizeof(*sup->relay_pool));
		sup->relay_pool = NULL;
		cleanup_closep(&sup->relay_pool_fd);
	}
}
