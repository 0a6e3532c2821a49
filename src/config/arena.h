#pragma once

/**
 * Memory that lives and dies together: the texts of one configuration. Each piece is its own
 * malloc, so that a memory checker sees where one ends.
 */

#include <slotd/strbuf.h>

#include <stddef.h>

struct arena;

/** NULL when out of memory, as all that follow. */
struct arena *arena_new(void);
/** Frees every piece. NULL is fine. Returns NULL. */
struct arena *arena_free(struct arena *a);
/** Zeroed. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size);
char *arena_text(struct arena *a, const char *text);
char *arena_text_n(struct arena *a, const char *text, size_t len);
/** NULL also when the text could not be put together. */
char *arena_strbuf(struct arena *a, const struct strbuf *sb);
/** A NULL-terminated copy of n texts. */
char **arena_texts(struct arena *a, char *const *texts, size_t n);
