/*
 * Both sides of a connection as the relay follows it. The input is a script of pieces: a byte, the
 * highest bit of which says who speaks and the rest how much, then that many bytes.
 *
 * However the bytes are cut, heard or passed unseen, the same is known in the end.
 */
#include "relay/follow.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

struct known {
	bool between, pinned, head_open, whole, begun, early, last, switched;
	unsigned open;
	enum request_kind kind;
	uint64_t unseen[2];
};

static struct known know(const struct follow *f)
{
	struct known k;

	memset(&k, 0, sizeof(k)); /* compared by memcmp */
	k.pinned = follow_pinned(f, NULL);
	k.switched = follow_switched(f);
	if (k.pinned) {
		return k; /* no more than that is asked then */
	}
	k.between = follow_between(f);
	k.head_open = follow_head_open(f);
	k.whole = follow_requests_whole(f);
	k.begun = follow_answer_begun(f);
	k.early = follow_answered_early(f);
	k.last = follow_last(f);
	k.open = follow_open(f);
	k.kind = follow_kind(f);
	k.unseen[0] = follow_unseen(f, FOLLOW_CLIENT);
	k.unseen[1] = follow_unseen(f, FOLLOW_WORKER);
	return k;
}

static void check(const struct known *k)
{
	if (k->between && (k->open || k->pinned || k->head_open || k->early || k->begun)) {
		abort();
	}
}

enum way {
	WHOLE,
	BYTES,
	UNSEEN, /* what may pass unseen does */
	WAYS,
};

/* The bytes are copied to a place of just their size: reading beyond it is found. */
static void hear(struct follow *f, enum follow_side who, const unsigned char *at, size_t len)
{
	unsigned char *own = malloc(len ? len : 1);

	if (!own) {
		return;
	}
	memcpy(own, at, len);
	follow_heard(f, who, own, len);
	free(own);
}

static void say(struct follow *f, enum way way, enum follow_side who, const unsigned char *at,
		size_t len)
{
	while (len) {
		const uint64_t unseen = follow_unseen(f, who);
		size_t n = way == BYTES ? 1 : len;

		if (way == UNSEEN && unseen) {
			n = unseen < len ? (size_t)unseen : len;
			follow_skip(f, who, n);
		} else {
			n = way == UNSEEN ? 1 : n;
			hear(f, who, at, n);
		}
		at += n;
		len -= n;
	}
}

static struct known play(enum way way, const unsigned char *data, size_t size)
{
	struct follow f;
	struct known k;
	bool was_pinned = false;

	follow_start(&f);
	while (size > 1) {
		const enum follow_side who = data[0] & 0x80 ? FOLLOW_WORKER : FOLLOW_CLIENT;
		size_t len = data[0] & 0x7f;

		len = len < size - 1 ? len : size - 1;
		say(&f, way, who, data + 1, len);
		k = know(&f);
		check(&k);
		if (was_pinned && !k.pinned) {
			abort();
		}
		was_pinned = k.pinned;
		data += len + 1;
		size -= len + 1;
	}
	follow_ended(&f, FOLLOW_WORKER);
	return know(&f);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct known whole = play(WHOLE, data, size);

	for (int way = BYTES; way < WAYS; way++) {
		struct known other = play((enum way)way, data, size);

		if (memcmp(&whole, &other, sizeof(whole)) != 0) {
			abort();
		}
	}
	return 0;
}
