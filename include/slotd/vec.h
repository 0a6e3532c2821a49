#pragma once

/**
 * A growing array of any element type.
 *
 *	VEC(struct worker *) workers;
 *	r = vec_push(&v, w);
 *	vec_for_each(w, &v) { use(*w); }
 */

#include <stdlib.h>
#include <string.h>

#define VEC(type)                 \
	struct {                  \
		type *at;         \
		size_t len, room; \
	}

/** Makes room for one more element of size; for vec_push. Returns 0 or -ENOMEM. */
int vec_grow(void **at, size_t len, size_t *room, size_t size);

/** Appends a value. Yields 0; or -ENOMEM, and nothing was appended. */
#define vec_push(v, ...)                                                                  \
	({                                                                                \
		__typeof__(v) v_ = (v);                                                   \
		int r_ = vec_grow((void **)&v_->at, v_->len, &v_->room, sizeof(*v_->at)); \
		if (r_ == 0) {                                                            \
			v_->at[v_->len++] = (__VA_ARGS__);                                \
		}                                                                         \
		r_;                                                                       \
	})

/** Removes element i, and keeps the order of the others. */
#define vec_remove(v, i)                                                                     \
	do {                                                                                 \
		__typeof__(v) v_ = (v);                                                      \
		size_t i_ = (i);                                                             \
		memmove(&v_->at[i_], &v_->at[i_ + 1], (v_->len - i_ - 1) * sizeof(*v_->at)); \
		v_->len--;                                                                   \
	} while (0)

#define vec_done(v)                     \
	do {                            \
		__typeof__(v) v_ = (v); \
		free(v_->at);           \
		v_->at = NULL;          \
		v_->len = v_->room = 0; \
	} while (0)

/** p points at each element in turn. */
#define vec_for_each(p, v) \
	for (__typeof__((v)->at + 0) p = (v)->at; p && p != (v)->at + (v)->len; p++)
