#include "handoff/rounds.h"
#include "handoff/relays.h"
#include "link/helpers.h"
#include "service/handoff_ops.h"
#include "service/service.h"

#include <slotd/cleanup.h>

#include <signal.h>

/*
 * A round: all relays are asked the same, and it is over when each has answered. A placement that
 * sends connections elsewhere is two of them with the store in the switchboard in between; one that
 * only lets them wait, or go on, is stored at once; a drain and a cut are one each.
 */

#define RELAY_PATIENCE SECONDS(5)

static void round_over(struct round *r);
static void round_cancel(struct round *r);

static const struct {
	enum message_type type;
	bool with_slot, with_worker, with_generation;
	bool timed; /* a relay that does not answer in time is restarted */
} rounds[] = {
	[ROUND_NONE] = {MSG_NONE},
	[ROUND_TABLE] = {MSG_RELAY_TABLE, .timed = true},
	[ROUND_FLIPPED] = {MSG_RELAY_FLIPPED, .with_generation = true, .timed = true},
	[ROUND_DRAIN] = {MSG_RELAY_DRAIN, .with_slot = true},
	[ROUND_CUT] = {MSG_RELAY_CUT, .with_slot = true, .timed = true},
	[ROUND_WORKER_DRAIN] = {MSG_RELAY_DRAIN, .with_slot = true, .with_worker = true},
	[ROUND_WORKER_CUT] = {MSG_RELAY_CUT, .with_slot = true, .with_worker = true, .timed = true},
};

static bool closes(const struct round *r)
{
	return r->kind == ROUND_CUT || r->kind == ROUND_WORKER_CUT;
}

static void fill_round(struct message *m, const struct round *r)
{
	relays_fill(m, rounds[r->kind].type, r->id, r->service);
	if (rounds[r->kind].with_slot) {
		message_put_u64(m, TAG_SLOT, r->slot);
	}
	if (rounds[r->kind].with_worker) {
		message_put_u64(m, TAG_WORKER, r->worker);
	}
	if (closes(r)) {
		message_put_u64(m, TAG_DRAIN_SPREAD, r->spread);
	}
	if (rounds[r->kind].with_generation) {
		message_put_u64(m, TAG_GENERATION, service_word(r->service).generation);
	}
}

/* After a flip, connections placed before it may still be failing over. */
static usec_t patience(const struct round *r)
{
	switch (r->kind) {
	case ROUND_FLIPPED:
		return usec_add(RELAY_PATIENCE, r->service->config->connect_timeout);
	case ROUND_CUT:
	case ROUND_WORKER_CUT:
		return usec_add(RELAY_PATIENCE, r->spread);
	default:
		return RELAY_PATIENCE;
	}
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
	relays_tell(sup, &m);
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

static void round_init(struct round *r, struct service *s, enum slot_id slot)
{
	*r = (struct round){.service = s, .slot = slot};
	loop_timer_init(&r->timer, on_silence);
}

static void round_cancel(struct round *r)
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

/* Nobody else writes the word. */
static void store(struct service *s, const struct placement *to)
{
	struct switch_entry *entry = &s->sup->switchboard->services[s->index];
	struct switch_word word = service_word(s);

	if (word.live != to->live) {
		s->flipped_at = usec_monotonic();
		atomic_store_explicit(&entry->flipped_at, s->flipped_at, memory_order_release);
	}
	word.generation++;
	word.live = to->live;
	word.weight = to->weight;
	word.mode = to->mode;
	atomic_store_explicit(&entry->word, switch_pack(word), memory_order_release);
	service_write_ledger(s);
}

static void tell(const struct round *r, enum handoff_event_kind kind)
{
	service_handed(r->service, &(struct handoff_event){kind, r->slot, r->n_cut, r->worker});
}

/* ---- rounds about one worker: each is freed when it is over ---- */

static struct round *find_worker_round(const struct service *s, uint32_t worker)
{
	vec_for_each (r, &s->worker_rounds) {
		if ((*r)->worker == worker) {
			return *r;
		}
	}
	return NULL;
}

static int take_worker_round(struct service *s, const struct process *p, struct round **ret)
{
	struct round *r = find_worker_round(s, p->worker.id);

	if (!r) {
		r = malloc(sizeof(*r));
		if (!r || vec_push(&s->worker_rounds, r) < 0) {
			free(r);
			return -ENOMEM;
		}
		round_init(r, s, p->slot);
		r->worker = p->worker.id;
	}
	*ret = r;
	return 0;
}

static void free_worker_round(struct round *r)
{
	struct service *s = r->service;

	round_cancel(r);
	for (size_t i = 0; i < s->worker_rounds.len; i++) {
		if (s->worker_rounds.at[i] == r) {
			vec_remove(&s->worker_rounds, i);
			break;
		}
	}
	free(r);
}

static void tell_of_worker(struct round *r, enum handoff_event_kind kind)
{
	struct service *s = r->service;
	const struct handoff_event ev = {kind, r->slot, r->n_cut, r->worker};

	free_worker_round(r);
	service_handed(s, &ev);
}

static void round_over(struct round *r)
{
	enum round_kind kind = r->kind;

	round_cancel(r);
	switch (kind) {
	case ROUND_TABLE:
		store(r->service, &r->to);
		round_start(r, ROUND_FLIPPED);
		break;
	case ROUND_FLIPPED:
		tell(r, HANDOFF_PLACED);
		break;
	case ROUND_DRAIN:
		tell(r, HANDOFF_DRAINED);
		break;
	case ROUND_CUT:
		tell(r, HANDOFF_CUT);
		break;
	case ROUND_WORKER_DRAIN:
		tell_of_worker(r, HANDOFF_WORKER_DRAINED);
		break;
	case ROUND_WORKER_CUT:
		tell_of_worker(r, HANDOFF_WORKER_CUT);
		break;
	default:
		break;
	}
}

/* ---- the acts ---- */

enum {
	ROUNDS = 3, /* of a service, besides those about workers */
};

static struct round *round_of(struct service *s, size_t i)
{
	struct round *const all[ROUNDS] = {&s->flip, &s->slots[SLOT_A].round,
					   &s->slots[SLOT_B].round};

	return i < ROUNDS ? all[i] : s->worker_rounds.at[i - ROUNDS];
}

static size_t count_rounds(const struct service *s)
{
	return ROUNDS + s->worker_rounds.len;
}

void rounds_begin(struct service *s, const struct placement *first)
{
	round_init(&s->flip, s, SLOT_INVALID_);
	round_init(&s->slots[SLOT_A].round, s, SLOT_A);
	round_init(&s->slots[SLOT_B].round, s, SLOT_B);
	store(s, first);
}

void rounds_cancel(struct service *s)
{
	for (size_t i = 0; i < ROUNDS; i++) {
		if (round_of(s, i)->service) {
			round_cancel(round_of(s, i));
		}
	}
	while (s->worker_rounds.len) {
		free_worker_round(s->worker_rounds.at[0]);
	}
	vec_done(&s->worker_rounds);
}

void rounds_place(struct service *s, const struct placement *to)
{
	struct switch_word word = service_word(s);

	s->flip.to = *to;
	if (word.live != to->live || word.weight != to->weight) {
		round_start(&s->flip, ROUND_TABLE);
	} else {
		store(s, to);
		round_start(&s->flip, ROUND_FLIPPED);
	}
}

void rounds_drain(struct service *s, enum slot_id slot)
{
	round_start(&s->slots[slot].round, ROUND_DRAIN);
}

void rounds_cut(struct service *s, enum slot_id slot, usec_t spread)
{
	struct round *r = &s->slots[slot].round;

	r->spread = spread;
	r->n_cut = 0;
	round_start(r, ROUND_CUT);
}

int rounds_drain_worker(struct service *s, const struct process *p)
{
	struct round *r;
	int error = take_worker_round(s, p, &r);

	if (error == 0) {
		round_start(r, ROUND_WORKER_DRAIN);
	}
	return error;
}

int rounds_cut_worker(struct service *s, const struct process *p, usec_t spread)
{
	struct round *r;
	int error = take_worker_round(s, p, &r);

	if (error == 0) {
		r->spread = spread;
		r->n_cut = 0;
		round_start(r, ROUND_WORKER_CUT);
	}
	return error;
}

void rounds_spare_worker(struct service *s, const struct process *p)
{
	struct round *r = find_worker_round(s, p->worker.id);

	if (r) {
		free_worker_round(r);
	}
}

/* ---- answers ---- */

static struct round *find_round(struct supervisor *sup, uint32_t id)
{
	vec_for_each (s, &sup->services) {
		for (size_t i = 0; i < count_rounds(*s); i++) {
			struct round *r = round_of(*s, i);

			if (r->kind != ROUND_NONE && r->id == id) {
				return r;
			}
		}
	}
	return NULL;
}

void rounds_answered(struct helper *h, const struct message *m)
{
	struct round *r = find_round(h->sup, m->id);

	if (r) {
		r->n_cut += closes(r) ? message_u64(m, TAG_COUNT) : 0;
		round_answered(r, h->index);
	}
}

void rounds_lose(struct helper *h)
{
	vec_for_each (s, &h->sup->services) {
		/* From the back: one about a worker goes when it is over, and may be followed by
		 * another. */
		for (size_t i = count_rounds(*s); i > 0; i--) {
			struct round *r = round_of(*s, i - 1);

			if (r->kind != ROUND_NONE && r->waiting >> h->index & 1) {
				round_answered(r, h->index);
			}
		}
	}
}

void rounds_renumber(struct supervisor *sup, unsigned from, unsigned to)
{
	vec_for_each (s, &sup->services) {
		for (size_t i = 0; i < count_rounds(*s); i++) {
			struct round *r = round_of(*s, i);

			if (r->waiting >> from & 1) {
				r->waiting ^= UINT64_C(1) << from | UINT64_C(1) << to;
			}
		}
	}
}
