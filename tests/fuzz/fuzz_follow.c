/*
 * Anything that a client and a worker may say to each other. An input is a script: 0xff and a
 * letter begin what one side says ('c' client, 'w' worker) or end its half ('C', 'W'). However the
 * bytes are cut, and whether they are heard or pass unseen, the follower must come to the same
 * verdict.
 */
#include "relay/follow.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ways to cut what one side says. */
enum way { WHOLE, BYTES, SPLICED, SPLICED_BYTES, ODD, WAYS };

struct verdict {
	uint64_t unseen[2];
	unsigned open;
	enum request_kind kind;
	bool pinned, between, head_open, whole, begun, early, last, client_last, switched;
};

/* They are compared as bytes, with the holes. */
static void judge(const struct follow *f, struct verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->unseen[0] = follow_unseen(f, FOLLOW_CLIENT);
	v->unseen[1] = follow_unseen(f, FOLLOW_WORKER);
	v->open = follow_open(f);
	v->kind = follow_kind(f);
	v->pinned = follow_pinned(f, NULL);
	v->between = follow_between(f);
	v->head_open = follow_head_open(f);
	v->whole = follow_requests_whole(f);
	v->begun = follow_answer_begun(f);
	v->early = follow_answered_early(f);
	v->last = follow_last(f);
	v->client_last = follow_client_last(f);
	v->switched = follow_switched(f);
}

static void insist(bool holds)
{
	if (!holds) {
		__builtin_trap();
	}
}

static void check(const struct verdict *v, const struct verdict *before)
{
	insist(v->pinned || !before->pinned);
	insist(!v->between || (!v->pinned && v->open == 0 && v->whole && !v->begun && !v->early));
	insist(v->pinned || v->open || v->between || v->head_open);
	insist(!v->head_open || !v->whole || !v->open); /* half an empty line */
	insist(!v->early || v->open == 1);
	insist(v->open <= FOLLOW_OPEN_MAX);
	insist(!v->switched || v->pinned);
	insist(!v->client_last || v->last);
	insist((unsigned)v->kind <= REQUEST_OTHER);
}

/* A copy of the exact size: a sanitizer sees every byte read outside. */
static void hear(struct follow *f, enum follow_side who, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len);

	if (copy) {
		memcpy(copy, data, len);
		follow_heard(f, who, copy, len);
	}
	free(copy);
}

static size_t next_cut(enum way way, uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	switch (way) {
	case BYTES:
	case SPLICED_BYTES:
		return 1;
	case ODD:
		return (*state >> 16) % 23 + 1;
	default:
		return SIZE_MAX;
	}
}

static void pass(struct follow *f, enum way way, enum follow_side who, const uint8_t *data,
		 size_t len)
{
	const bool splice = way == SPLICED || way == SPLICED_BYTES;
	uint32_t state = (uint32_t)len;

	while (len) {
		const uint64_t unseen = splice ? follow_unseen(f, who) : 0;
		size_t n = next_cut(way, &state);

		n = n < len ? n : len;
		n = unseen && unseen < n ? (size_t)unseen : n;
		if (unseen) {
			follow_skip(f, who, n);
		} else {
			hear(f, who, data, n);
		}
		data += n;
		len -= n;
	}
}

static void step(struct follow *f, enum way way, uint8_t letter, const uint8_t *data, size_t len)
{
	const bool worker = letter == 'w' || letter == 'W';

	pass(f, way, worker ? FOLLOW_WORKER : FOLLOW_CLIENT, data, len);
	if (letter == 'W' || letter == 'C') {
		follow_ended(f, worker ? FOLLOW_WORKER : FOLLOW_CLIENT);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct follow followers[WAYS];
	struct follow_memo memo = {0};
	struct verdict before = {0};
	const uint8_t *at = data, *end = data + size;
	uint8_t letter = 'c';

	for (enum way w = 0; w < WAYS; w++) {
		follow_start(&followers[w], w == 0 ? NULL : &memo);
	}
	while (at < end) {
		const uint8_t *mark = memchr(at, 0xff, (size_t)(end - at));
		const uint8_t *stop = mark ? mark : end;
		struct verdict first;

		for (enum way w = 0; w < WAYS; w++) {
			struct verdict v;

			step(&followers[w], w, letter, at, (size_t)(stop - at));
			judge(&followers[w], &v);
			if (w == 0) {
				memcpy(&first, &v, sizeof(v));
			}
			insist(memcmp(&v, &first, sizeof(v)) == 0);
		}
		check(&first, &before);
		before = first;
		letter = stop + 1 < end ? stop[1] : 'c';
		at = stop + 1 < end ? stop + 2 : end;
	}
	return 0;
}
