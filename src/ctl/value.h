#pragma once

/**
 * What an XML-RPC reply carries, as a tree. A struct is an array whose items have names.
 *
 * Lookups never fail: an absent member is 0, "" or an empty array, so that a table can print what
 * an older or a newer daemon sends.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_kind {
	VALUE_NIL,
	VALUE_INT,
	VALUE_BOOL,
	VALUE_DOUBLE,
	VALUE_TEXT,
	VALUE_ARRAY,
	VALUE_STRUCT,
	VALUE_KIND_MAX_,
	VALUE_KIND_INVALID_ = -22,
};

struct value {
	enum value_kind kind;
	char *name;	/* as a member of a struct */
	int64_t number; /* INT, BOOL */
	double real;	/* DOUBLE */
	char *text;	/* TEXT; NULL is "" */
	size_t text_len;
	struct value *items; /* ARRAY, STRUCT */
	size_t len, room;
};

void value_done(struct value *v);
/** Appends an empty item: borrowed until the next append. NULL when out of memory. */
struct value *value_append(struct value *v);

/** The member, or NULL. */
const struct value *value_member(const struct value *v, const char *name);
/** The member's text; "" when it is absent or of another kind. Borrowed. */
const char *value_text(const struct value *v, const char *name);
int64_t value_int(const struct value *v, const char *name);
bool value_true(const struct value *v, const char *name);
/** The member as an array; an empty one when it is absent. */
const struct value *value_array(const struct value *v, const char *name);
/** The text of the value itself; "" when it is none. */
const char *value_str(const struct value *v);

#define value_for_each(p, v) \
	for (const struct value *p = (v)->items; p && p != (v)->items + (v)->len; p++)
