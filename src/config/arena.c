#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct piece {
	struct piece *next;
	max_align_t data[];
};

struct arena {
	struct piece *pieces;
};

struct arena *arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

struct arena *arena_free(struct arena *a)
{
	if (a) {
		for (struct piece *p = a->pieces, *next; p; p = next) {
			next = p->next;
			free(p);
		}
		free(a);
	}
	return NULL;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct piece *p;

	if (size > PTRDIFF_MAX - sizeof(*p)) {
		return NULL;
	}
	p = calloc(1, sizeof(*p) + size);
	if (!p) {
		return NULL;
	}
	p->next = a->pieces;
	a->pieces = p;
	return p->data;
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t total;

	return __builtin_mul_overflow(n, size, &total) ? NULL : arena_alloc(a, total);
}

char *arena_text_n(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy && len) {
		memcpy(copy, text, len);
	}
	return copy;
}

char *arena_text(struct arena *a, const char *text)
{
	return arena_text_n(a, text, strlen(text));
}

char *arena_strbuf(struct arena *a, const struct strbuf *sb)
{
	return sb->error ? NULL : arena_text_n(a, strbuf_str(sb), sb->len);
}

char **arena_texts(struct arena *a, char *const *texts, size_t n)
{
	char **copy = arena_array(a, n + 1, sizeof(*copy));

	for (size_t i = 0; copy && i < n; i++) {
		copy[i] = arena_text(a, texts[i]);
		if (!copy[i]) {
			return NULL;
		}
	}
	return copy;
}
