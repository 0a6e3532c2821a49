#include "handoff/relays.h"
#include "handoff/relay_pages.h"
#include "handoff/relays_former.h"
#include "handoff/rounds.h"
#include "link/helper_set.h"
#include "link/helpers.h"
#include "service/offline_page.h"
#include "service/place.h"
#include "service/service.h"
#include "worker/observers.h"
#include "worker/process.h"

#include <slotd/cleanup.h>
#include <slotd/network.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the relays ---- */

struct helper *relay_at(const struct supervisor *sup, unsigned i)
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
		n += (*h)->kind == HELPER_RELAY && !(*h)->retiring;
	}
	return n < RELAYS_MAX ? n : RELAYS_MAX;
}

/* ---- what they have open ---- */

static void add_load(struct handoff_load *load, const struct relay_counts *c)
{
	load->queued += atomic_load_explicit(&c->queued, memory_order_relaxed);
	load->silent += atomic_load_explicit(&c->silent, memory_order_relaxed);
	load->active += atomic_load_explicit(&c->in_request, memory_order_relaxed);
	load->idle += atomic_load_explicit(&c->between, memory_order_relaxed);
	load->pinned += atomic_load_explicit(&c->pinned, memory_order_relaxed);
	load->placed += atomic_load_explicit(&c->total, memory_order_relaxed);
	load->failed += atomic_load_explicit(&c->failed, memory_order_relaxed);
}

static uint64_t load64(const _Atomic uint64_t *at)
{
	return atomic_load_explicit(at, memory_order_relaxed);
}

static void add_answers(struct handoff_load *load, const struct relay_answers *a, uint64_t retried)
{
	const uint64_t missing = load64(&a->refused) + load64(&a->lost) + retried;

	load->requests += load64(&a->answered) + missing;
	load->bad += load64(&a->errors) + missing;
}

static void add_worker(struct handoff_load *load, const struct relay_link *link, uint32_t id)
{
	const struct relay_counts *c = &link->page->workers[id];

	add_load(load, c);
	if (link->counts_answers) {
		add_answers(load, &link->page->answers[id], load64(&c->retried));
	}
}

static void relays_load(const struct service *s, enum slot_id slot, struct handoff_load *ret)
{
	struct process *p;

	*ret = (struct handoff_load){0};
	vec_for_each (h, &s->sup->helpers) {
		const struct relay_link *link =
			(*h)->kind == HELPER_RELAY ? relay_link_of(*h) : NULL;
		size_t pos = 0;

		while (link && (p = service_next(s, slot, &pos))) {
			if (p->config->address) {
				add_worker(ret, link, p->worker.id);
			}
		}
	}
}

bool relays_work(const struct supervisor *sup)
{
	vec_for_each (s, &sup->services) {
		for (int slot = 0; slot < SLOT_MAX_; slot++) {
			struct handoff_load load;

			relays_load(*s, (enum slot_id)slot, &load);
			if (load.queued + load.active) {
				return true;
			}
		}
	}
	return false;
}

/* ---- telling all of them ---- */

static bool is_ready_for(const struct helper *h)
{
	return channel_open(&h->channel) && relay_link_of(h);
}

uint64_t relays_there(const struct supervisor *sup)
{
	uint64_t there = 0;

	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind == HELPER_RELAY && (*h)->index < RELAYS_MAX && is_ready_for(*h)) {
			there |= UINT64_C(1) << (*h)->index;
		}
	}
	return there;
}

void relays_tell(struct supervisor *sup, struct message *m)
{
	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind == HELPER_RELAY && is_ready_for(*h)) {
			(void)helper_send(*h, m);
		}
	}
}

/* ---- what they are told ---- */

/* A line each; what the configuration may hold has room. */
static void fill_networks(struct message *m, char *const *networks)
{
	char text[NETWORKS_MAX * 64];
	size_t used = 0;

	for (text[0] = '\0'; networks && *networks && used < sizeof(text); networks++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? "\n" : "",
					 *networks);
	}
	message_put_text(m, TAG_CANARY_FROM, text);
}

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
	message_put_u64(m, TAG_PROTOCOL, c->protocol);
	message_put_u64(m, TAG_RETRY, c->retry);
	message_put_u64(m, TAG_DRAIN, c->drain.mode);
	message_put_u64(m, TAG_DRAIN_IDLE, c->drain.idle);
	message_put_u64(m, TAG_CLIENT_TIMEOUT, c->client_timeout);
	message_put_u64(m, TAG_IDLE_TIMEOUT, c->idle_timeout);
	message_put_u64(m, TAG_HALF_CLOSE_TIMEOUT, c->half_close_timeout);
	message_put_u64(m, TAG_RETRY_AFTER, c->offline_retry_after);
	message_put_text(m, TAG_PATH, c->offline_health);
	message_put_u64(m, TAG_PREVIEW, c->n_preview > 0);
	message_put_u64(m, TAG_CANARY_BY, c->canary.by);
	message_put_text(m, TAG_CANARY_COOKIE, c->canary.cookie);
	fill_networks(m, c->canary_from);
}

static void fill_socket(struct message *m, const struct service *s,
			const struct public_socket *socket)
{
	message_init(m, MSG_RELAY_LISTEN, 0);
	message_put_u64(m, TAG_SERVICE_INDEX, s->index);
	message_put_u64(m, TAG_INDEX, socket->index);
	message_put_text(m, TAG_ADDRESS, socket->address);
	message_put_u64(m, TAG_PREVIEW, socket->preview);
	message_put_fd(m, socket->fd);
}

static void fill_page(struct message *m, const struct service *s)
{
	relays_fill(m, MSG_RELAY_PAGE, 0, s);
	if (s->page.fd >= 0 && s->config->offline_page) {
		message_put_text(m, TAG_TEXT, offline_page_type(s->config->offline_page));
		message_put_fd(m, s->page.fd);
	}
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

void relays_fill(struct message *m, enum message_type type, uint32_t id, const struct service *s)
{
	message_init(m, type, id);
	message_put_u64(m, TAG_SERVICE_INDEX, s->index);
}

static void send_workers(struct service *s, struct helper *h)
{
	struct slot_count slots[SLOT_MAX_];
	struct process *p;
	struct message m;
	size_t pos = 0;

	service_count(s, slots);
	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		const struct worker_condition w = slot_worker_condition(p);

		if (w.served) {
			fill_worker(&m, s, p, worker_is_up(&w, &slots[p->slot]));
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

static void relays_service(struct service *s)
{
	struct message m;

	memset(s->told, 0, sizeof(s->told)); /* addresses may have changed */
	fill_service(&m, s);
	relays_tell(s->sup, &m);
	relays_fill(&m, MSG_RELAY_TABLE, 0, s);
	relays_tell(s->sup, &m);
}

static void relays_service_gone(struct service *s)
{
	struct message m;

	rounds_cancel(s);
	relays_fill(&m, MSG_RELAY_SERVICE_GONE, 0, s);
	relays_tell(s->sup, &m);
}

static void relays_page(struct service *s)
{
	struct message m;

	fill_page(&m, s);
	relays_tell(s->sup, &m);
}

static void relays_socket(struct service *s, const struct public_socket *socket)
{
	struct message m;

	fill_socket(&m, s, socket);
	relays_tell(s->sup, &m);
}

static void relays_socket_gone(struct service *s, const struct public_socket *socket)
{
	struct message m;

	relays_fill(&m, MSG_RELAY_LISTEN_GONE, 0, s);
	message_put_u64(&m, TAG_INDEX, socket->index);
	relays_tell(s->sup, &m);
}

static void relays_worker(struct service *s, const struct process *p, bool up)
{
	struct message m;

	if (note_told(s, p, up)) {
		fill_worker(&m, s, p, up);
		relays_tell(s->sup, &m);
	}
}

static void forget_told(struct service *s, const struct process *p)
{
	s->told[p->worker.id / 64] &= ~(UINT64_C(1) << p->worker.id % 64);
}

static void relays_worker_gone(struct service *s, const struct process *p)
{
	struct message m;

	forget_told(s, p);
	rounds_spare_worker(s, p);
	relays_fill(&m, MSG_RELAY_WORKER_GONE, 0, s);
	message_put_u64(&m, TAG_SLOT, p->slot);
	message_put_u64(&m, TAG_WORKER, p->worker.id);
	relays_tell(s->sup, &m);
}

/* ---- a relay starts, answers, dies ---- */

static int send_setup(struct helper *h)
{
	auto_close int board = relay_memory_open(h->sup->switchboard_fd);
	struct message m;
	int r;

	if (board < 0) {
		return board;
	}
	message_init(&m, MSG_RELAY_SETUP, 0);
	message_put_u64(&m, TAG_INDEX, h->index);
	message_put_u64(&m, TAG_COUNT, relay_count(h->sup));
	message_put_fd(&m, board);
	message_put_fd(&m, relay_link_of(h)->page_fd);
	r = h->sup->relays ? 0 : relay_pool_make(h->sup);
	if (r == 0) {
		message_put_fd(&m, h->sup->relays->pool_fd);
	} else {
		log_line(LOG_WARNING, "the relays share connections unevenly: %s", strerror(-r));
	}
	return helper_send(h, &m);
}

static void refill_service(struct service *s, struct helper *h)
{
	struct message m;

	fill_service(&m, s);
	(void)helper_send(h, &m);
	if (s->page.fd >= 0) {
		fill_page(&m, s);
		(void)helper_send(h, &m);
	}
	send_workers(s, h);
	relays_fill(&m, MSG_RELAY_TABLE, 0, s);
	(void)helper_send(h, &m);
	vec_for_each (socket, &s->sockets) {
		if (socket->fd >= 0) {
			fill_socket(&m, s, socket);
			(void)helper_send(h, &m);
		}
	}
}

static void tell_to_retire(struct helper *h)
{
	struct message m;

	message_init(&m, MSG_RELAY_RETIRE, 0);
	relay_link_of(h)->told = helper_send(h, &m) == 0;
}

static void refill(struct helper *h)
{
	int r = relay_link_of(h) ? 0 : relay_page_make(h);

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
	if (h->child.adopted) {
		relays_forget_former(h);
	}
	if (h->retiring) {
		tell_to_retire(h); /* perhaps the slotd before did not live to do so */
	}
}

/* Each relay says it once; the workers' sockets are alike to all of them. */
static void denied(struct supervisor *sup, const struct message *m)
{
	const struct owner *user = &sup->config->supervisord.helper_user;
	uint64_t id = message_u64(m, TAG_WORKER), index = message_u64(m, TAG_SERVICE_INDEX);
	struct process *p = id < sup->processes.len ? sup->processes.at[id] : NULL;
	bool may_not = !message_u64(m, TAG_UP), as_user = geteuid() == 0 && user->user;

	if (!p || !p->service || p->service->index != index || !p->config->address ||
	    p->denied == may_not) {
		return;
	}
	p->denied = may_not;
	process_changed(p);
	if (may_not) {
		service_say(p->service, LOG_WARNING,
			    "%s: slotd-relay%s%s%s has no permission to connect to %s, so that "
			    "clients wait: let the worker create the socket with umask=0, or for a "
			    "group of that user",
			    p->config->name, as_user ? " (user " : "", as_user ? user->user : "",
			    as_user ? ")" : "", p->config->address);
	}
}

static void received(struct helper *h, struct message *m)
{
	if (m->type == MSG_RELAY_DENIED) {
		denied(h->sup, m);
		return;
	}
	if (m->type == MSG_DONE && message_i64(m, TAG_CODE) < 0) {
		log_line(LOG_WARNING, "slotd-relay %u: %s", h->index,
			 strerror((int)-message_i64(m, TAG_CODE)));
	}
	if (m->id && (m->type == MSG_DONE || m->type == MSG_RELAY_DRAINED)) {
		rounds_answered(h, m);
	}
}

/* Nothing is open in a dead relay. A hole is zeroes, and costs no memory. */
static void lost(struct helper *h)
{
	struct relay_link *link = relay_link_of(h);

	if (h->sup->relays && h->index < SWITCHBOARD_RELAYS) {
		atomic_store_explicit(&h->sup->relays->pool->conns[h->index], 0,
				      memory_order_relaxed);
	}
	if (link && fallocate(link->page_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			      sizeof(struct relay_page)) < 0) {
		log_line(LOG_WARNING, "the counts of slotd-relay %u cannot be cleared: %s",
			 h->index, strerror(errno));
	}
	if (!h->sup->quitting) {
		rounds_lose(h);
	}
	if (h->retiring) {
		relay_page_drop(h);
	}
}

/* ---- after an upgrade */

/* No running relay has it. RELAYS_MAX: there is none. */
static unsigned free_index(const struct supervisor *sup)
{
	unsigned i = relay_count(sup);

	while (i < RELAYS_MAX && relay_at(sup, i) && child_running(&relay_at(sup, i)->child)) {
		i++;
	}
	return i;
}

static void replace(struct helper *h)
{
	struct supervisor *sup = h->sup;
	unsigned place = h->index, index = free_index(sup);

	if (!relay_link_of(h) || index == RELAYS_MAX || helper_replace(h, index) < 0) {
		log_line(LOG_WARNING, "slotd-relay %u stays the one of before", place);
		return;
	}
	rounds_renumber(sup, place, index);
	relay_link_of(h)->place = place;
	relay_page_tell(h);
}

void relays_replace(struct supervisor *sup)
{
	for (unsigned place = 0; place < relay_count(sup); place++) {
		struct helper *h = relay_at(sup, place);

		if (h && h->child.adopted) {
			replace(h);
		}
	}
}

/* Somebody accepts in the place of one that retires. */
static void ready(struct helper *fresh)
{
	vec_for_each (h, &fresh->sup->helpers) {
		if ((*h)->kind == HELPER_RELAY && (*h)->retiring && is_ready_for(*h) &&
		    !relay_link_of(*h)->told && relay_link_of(*h)->place == fresh->index) {
			tell_to_retire(*h);
		}
	}
}

const struct handoff_ops relay_handoff = {
	.begin = rounds_begin,
	.service = relays_service,
	.service_gone = relays_service_gone,
	.page = relays_page,
	.socket = relays_socket,
	.socket_gone = relays_socket_gone,
	.worker = relays_worker,
	.worker_again = forget_told,
	.worker_gone = relays_worker_gone,
	.place = rounds_place,
	.drain = rounds_drain,
	.cut = rounds_cut,
	.drain_worker = rounds_drain_worker,
	.cut_worker = rounds_cut_worker,
	.spare_worker = rounds_spare_worker,
	.load = relays_load,
};

const struct helper_ops relays_helper_ops = {
	.name = "slotd-relay",
	.refill = refill,
	.received = received,
	.ready = ready,
	.lost = lost,
};

void relays_done(struct supervisor *sup)
{
	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind == HELPER_RELAY) {
			relay_page_free(*h);
		}
	}
	relay_pool_free(sup);
}
