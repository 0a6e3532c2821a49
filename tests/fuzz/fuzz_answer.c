/*
 * Anything that a client may say to a service that is offline. However the bytes are cut, the same
 * requests must be found, with the same answers, and each piece must be taken up.
 */
#include "relay/answer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool holds)
{
	if (!holds) {
		__builtin_trap();
	}
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return (hash ^ value) * UINT64_C(1099511628211); /* FNV-1a */
}

static uint64_t answer(const struct answer_request *q, uint64_t hash)
{
	struct answer_head head = {.type = "text/html", .length = 7, .retry_after = SECONDS(1)};
	char buf[ANSWER_HEAD_MAX];

	head.healthy = answer_asks_for(q, "/healthz  /x");
	head.last = answer_is_last(q);
	head.old = answer_is_old(q);
	insist(answer_compose(&head, buf) > 0);
	return mix(hash, (uint64_t)head.healthy << 3 | (uint64_t)head.last << 2 |
				 (uint64_t)head.old << 1 | answer_is_head(q));
}

/* A copy of the exact size: a sanitizer sees every byte read outside. */
static enum answer_step hear(struct answer_request *q, const uint8_t *data, size_t n, size_t *taken)
{
	uint8_t *copy = malloc(n);
	enum answer_step step;

	if (!copy) {
		abort();
	}
	memcpy(copy, data, n);
	step = answer_hear(q, copy, n, taken);
	free(copy);
	insist(*taken <= n && (step != ANSWER_MORE || *taken == n));
	insist(step == ANSWER_REFUSED || *taken > 0);
	return step;
}

static uint64_t read_all(const uint8_t *data, size_t size, size_t piece)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	struct answer_request q;
	size_t at = 0, taken;

	answer_start(&q);
	while (at < size) {
		switch (hear(&q, data + at, size - at < piece ? size - at : piece, &taken)) {
		case ANSWER_REFUSED:
			return mix(hash, 99);
		case ANSWER_DUE:
			hash = answer(&q, hash);
			if (answer_is_last(&q)) {
				return hash;
			}
			answer_start(&q);
			break;
		case ANSWER_MORE:
			break;
		}
		at += taken;
	}
	return mix(hash, answer_begun(&q));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t whole = read_all(data, size, SIZE_MAX);

	insist(read_all(data, size, 1) == whole);
	insist(read_all(data, size, 7) == whole);
	insist(read_all(data, size, 64) == whole);
	return 0;
}
