#pragma once

/**
 * Memory that lives and dies together: the texts of one configuration. Each piece is its own
 * malloc, so that a memory checker sees where one ends.
 */

#include <slotd/strbuf.h>

#include <stddef.h>

struct arena;

/** Returns NULL if there is no memory, as all functions below. */
struct arena *arena_new(void);
/** Frees every piece. Accepts NULL. Returns NULL. */
struct arena *arena_free(struct arena *a);
/** Returns zeroed memory. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_array(struct arena *a, size_t n, size_t size);
char *arena_text(struct arena *a, const char *text);
char *arena_text_n(struct arena *a, const char *text, size_t len);
/** Also returns NULL if an append to sb has failed. */
char *arena_strbuf(struct arena *a, const struct strbuf *sb);
/** Copies n texts into a NULL-terminated list. */
char **arena_texts(struct arena *a, char *const *texts, size_t n);
