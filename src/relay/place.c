#include "place.h"

#include <netinet/in.h>
#include <string.h>

static bool serves(const struct place_worker *w)
{
	return w->up && !w->leaving;
}

static bool reachable(const struct place_worker *w, usec_t now)
{
	return serves(w) && w->avoid_until <= now;
}

static bool has_room(const struct place_worker *w)
{
	return w->open < w->limit;
}

/* Those that do not accept come last: they may yet. */
static bool can_take(const struct place_worker *w, usec_t now, bool slow_too)
{
	return reachable(w, now) && has_room(w) && (slow_too || w->slow_until <= now);
}

bool place_keeps_up(const struct place_worker *w, usec_t now)
{
	return can_take(w, now, false);
}

/* Finalizer of MurmurHash3: every input bit changes half of the output bits. */
static uint32_t mix(uint32_t h)
{
	h = (h ^ (h >> 16)) * 0x85ebca6bu;
	h = (h ^ (h >> 13)) * 0xc2b2ae35u;
	return h ^ (h >> 16);
}

/* ---- which slot ---- */

static uint16_t point(uint32_t fraction)
{
	return (uint16_t)((uint64_t)fraction * PLACE_WEIGHT_WHOLE >> 32);
}

/* Multiples of the golden ratio, modulo 1: of all sequences of that kind the evenest. Unlike every
 * tenth connection, they do not keep step with clients that open connections in groups. */
uint16_t place_draw_turn(uint32_t turn)
{
	return point(turn * 2654435769u);
}

/* Not by the bits that choose a worker of BALANCE_SOURCE. */
uint16_t place_draw_hash(uint32_t hash)
{
	return point(mix(hash ^ 0x736c6f74u));
}

enum slot_id place_slot(struct switch_word word, uint16_t draw)
{
	if (word.weight == 0) {
		return word.live;
	}
	switch (draw) {
	case DRAW_A:
		return SLOT_A;
	case DRAW_B:
		return SLOT_B;
	default:
		return draw < word.weight ? slot_other(word.live) : word.live;
	}
}

/* ---- which worker ---- */

static struct place_worker *take_turns(struct place_table *t, usec_t now, bool slow_too)
{
	for (size_t i = 0; i < t->workers.len; i++) {
		size_t at = (t->cursor + i) % t->workers.len;
		struct place_worker *w = t->workers.at[at];

		if (can_take(w, now, slow_too)) {
			t->cursor = at + 1;
			return w;
		}
	}
	return NULL;
}

/* Beginning at the cursor, so that equals take turns. */
static struct place_worker *least_open(struct place_table *t, usec_t now, bool slow_too)
{
	struct place_worker *best = NULL;
	size_t best_at = 0;

	for (size_t i = 0; i < t->workers.len; i++) {
		size_t at = (t->cursor + i) % t->workers.len;
		struct place_worker *w = t->workers.at[at];

		if (can_take(w, now, slow_too) && (!best || w->open < best->open)) {
			best = w;
			best_at = at;
		}
	}
	if (best) {
		t->cursor = best_at + 1;
	}
	return best;
}

/* Rendezvous hashing: a worker that goes away moves its own clients only. One that is full is
 * waited for. */
static struct place_worker *by_source(struct place_table *t, uint32_t hash, usec_t now)
{
	struct place_worker *best = NULL;
	uint32_t best_score = 0;

	vec_for_each (at, &t->workers) {
		uint32_t score = mix(hash ^ mix((*at)->key + 1));

		if (reachable(*at, now) && (!best || score > best_score)) {
			best = *at;
			best_score = score;
		}
	}
	return best && has_room(best) ? best : NULL;
}

struct place_worker *place_choose(struct place_table *t, enum balance balance, uint32_t hash,
				  usec_t now)
{
	struct place_worker *w;

	if (balance == BALANCE_SOURCE && hash) {
		return by_source(t, hash, now);
	}
	if (balance == BALANCE_LEAST_CONN) {
		w = least_open(t, now, false);
		return w ? w : least_open(t, now, true);
	}
	w = take_turns(t, now, false);
	return w ? w : take_turns(t, now, true);
}

static struct place_worker *find(const struct place_table *t, uint32_t key)
{
	vec_for_each (at, &t->workers) {
		if ((*at)->key == key) {
			return *at;
		}
	}
	return NULL;
}

struct place_worker *place_choose_but(struct place_table *t, enum balance balance, uint32_t hash,
				      usec_t now, uint32_t key)
{
	struct place_worker *last = key == PLACE_NONE ? NULL : find(t, key), *w;
	usec_t until;

	if (!last) {
		return place_choose(t, balance, hash, now);
	}
	until = last->avoid_until;
	last->avoid_until = USEC_NEVER;
	w = place_choose(t, balance, hash, now);
	last->avoid_until = until;
	return w ? w : place_choose(t, balance, hash, now);
}

bool place_any_up(const struct place_table *t)
{
	vec_for_each (at, &t->workers) {
		if (serves(*at)) {
			return true;
		}
	}
	return false;
}

bool place_any_room(const struct place_table *t, usec_t now)
{
	vec_for_each (at, &t->workers) {
		if (reachable(*at, now) && has_room(*at)) {
			return true;
		}
	}
	return false;
}

bool place_any_reachable(const struct place_table *t, usec_t now)
{
	vec_for_each (at, &t->workers) {
		if (reachable(*at, now)) {
			return true;
		}
	}
	return false;
}

usec_t place_retry_at(const struct place_table *t, usec_t now)
{
	usec_t first = USEC_NEVER;

	vec_for_each (at, &t->workers) {
		if (serves(*at) && (*at)->avoid_until > now && (*at)->avoid_until < first) {
			first = (*at)->avoid_until;
		}
	}
	return first;
}

void place_refused(struct place_worker *w, usec_t now)
{
	usec_t span = PLACE_AVOID_FIRST << (w->n_refusals < 16 ? w->n_refusals : 16);

	w->n_refusals++;
	w->avoid_until = usec_add(now, span < PLACE_AVOID_MAX ? span : PLACE_AVOID_MAX);
}

void place_welcomed(struct place_worker *w)
{
	w->n_refusals = 0;
	w->avoid_until = 0;
}

uint32_t place_share(uint32_t max, uint32_t relay, uint32_t n_relays, uint32_t key)
{
	if (max == 0) {
		return PLACE_NO_LIMIT;
	}
	return max / n_relays + ((relay + key) % n_relays < max % n_relays ? 1 : 0);
}

bool place_leaves_to(uint32_t own, uint32_t least)
{
	return own > (uint64_t)least + least / 4 + 4;
}

uint32_t place_hash_bytes(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++) {
		hash = (hash ^ bytes[i]) * 16777619u;
	}
	return hash ? hash : 1;
}

uint32_t place_hash(const struct sockaddr *client)
{
	const unsigned char *bytes;
	size_t len;

	if (client->sa_family == AF_INET) {
		bytes = (const void *)&((const struct sockaddr_in *)(const void *)client)->sin_addr;
		len = sizeof(struct in_addr);
	} else if (client->sa_family == AF_INET6) {
		bytes = (const void *)&((const struct sockaddr_in6 *)(const void *)client)
				->sin6_addr;
		len = sizeof(struct in6_addr);
	} else {
		return 0;
	}
	return place_hash_bytes(bytes, len);
}

uint16_t place_source(const struct sockaddr *from)
{
	struct sockaddr_in6 net;

	if (from->sa_family != AF_INET6) {
		return place_hash(from) % PLACE_SOURCES;
	}
	/* Who has one address of IPv6 has 2^64. */
	memcpy(&net, from, sizeof(net));
	if (!IN6_IS_ADDR_V4MAPPED(&net.sin6_addr)) {
		memset(&net.sin6_addr.s6_addr[8], 0, 8);
	}
	return place_hash((const void *)&net) % PLACE_SOURCES;
}
