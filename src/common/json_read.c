#include <slotd/json_read.h>

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

enum {
	RESERVE = 4096,
	RESERVE_A_BYTE = 128, /* "[" makes an array, which needs most */
};

/*
 * Jansson 2.14 checks by assert() what it could not store, and a token for which it had no memory
 * is a syntax error to it. So it always gets memory while it reads: from here when malloc has none,
 * and then what it has read is dropped.
 */
static struct {
	char *at;
	size_t size, used;
	bool touched;
} reserve;

static void *take(size_t size)
{
	void *at = malloc(size);

	if (at || reserve.size - reserve.used < size) {
		return at;
	}
	reserve.touched = true;
	at = reserve.at + reserve.used;
	size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
	reserve.used += size < reserve.size - reserve.used ? size : reserve.size - reserve.used;
	return at;
}

static void give_back(void *at)
{
	uintptr_t place = (uintptr_t)at, first = (uintptr_t)reserve.at;

	if (!at || place < first || place >= first + reserve.size) {
		free(at);
	}
}

int json_read(const char *text, size_t len, size_t flags, json_error_t *error, json_t **ret)
{
	bool touched;

	*ret = NULL;
	reserve.size =
		len < SIZE_MAX / RESERVE_A_BYTE - RESERVE ? len * RESERVE_A_BYTE + RESERVE : 0;
	reserve.at = malloc(reserve.size);
	if (!reserve.at) {
		return -ENOMEM;
	}
	reserve.used = 0;
	reserve.touched = false;
	json_set_alloc_funcs(take, give_back);
	*ret = json_loadb(text, len, flags, error);
	touched = reserve.touched;
	if (touched) {
		json_decref(*ret);
		*ret = NULL;
	}
	json_set_alloc_funcs(malloc, free);
	free(reserve.at);
	reserve.at = NULL;
	reserve.size = 0;
	return *ret ? 0 : touched ? -ENOMEM : -EINVAL;
}
