/*
 * The beginning of what a client says, of which a cookie is read: what has been found does not
 * change when more comes, and a head that is complete is not waited for.
 */
#include <relay/cookie.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool holds)
{
	if (!holds) {
		__builtin_trap();
	}
}

struct answer {
	enum cookie_found what;
	enum slot_id slot;
	uint32_t hash;
};

/* Of a copy of just that size, so that a read beyond its end is found. */
static struct answer ask(const uint8_t *data, size_t size)
{
	struct answer a = {.slot = SLOT_INVALID_};
	char *copy = malloc(size ? size : 1);

	insist(copy);
	memcpy(copy, data, size);
	a.what = cookie_find(copy, size, "ab", &a.slot, &a.hash);
	free(copy);
	insist((a.what == COOKIE_SLOT) == (a.slot == SLOT_A || a.slot == SLOT_B));
	insist((a.what == COOKIE_HASH) == (a.hash != 0));
	return a;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer whole;

	if (size > COOKIE_HEAD_MAX) {
		return 0;
	}
	whole = ask(data, size);
	for (size_t len = 0; len < size; len += len < 256 ? 1 : 97) {
		struct answer part = ask(data, len);

		insist(part.what == COOKIE_MORE || memcmp(&part, &whole, sizeof(part)) == 0);
	}
	insist(whole.what != COOKIE_MORE || !memmem(data, size, "x\r\n\r\n", 5));
	return 0;
}
