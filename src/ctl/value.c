#include "value.h"

#include <slotd/vec.h>
#include <stdlib.h>
#include <string.h>

static const struct value empty_array = {.kind = VALUE_ARRAY};

void value_done(struct value *v)
{
	for (size_t i = 0; i < v->len; i++) {
		value_done(&v->items[i]); /* the decoder bounds the depth */
	}
	free(v->items);
	free(v->name);
	free(v->text);
	*v = (struct value){0};
}

struct value *value_append(struct value *v)
{
	if (vec_grow((void **)&v->items, v->len, &v->room, sizeof(*v->items)) < 0) {
		return NULL;
	}
	v->items[v->len] = (struct value){0};
	return &v->items[v->len++];
}

const struct value *value_member(const struct value *v, const char *name)
{
	if (!v || v->kind != VALUE_STRUCT) {
		return NULL;
	}
	value_for_each(m, v)
	{
		if (m->name && strcmp(m->name, name) == 0) {
			return m;
		}
	}
	return NULL;
}

const char *value_str(const struct value *v)
{
	return v && v->kind == VALUE_TEXT && v->text ? v->text : "";
}

const char *value_text(const struct value *v, const char *name)
{
	return value_str(value_member(v, name));
}

int64_t value_int(const struct value *v, const char *name)
{
	const struct value *m = value_member(v, name);

	if (!m) {
		return 0;
	}
	return m->kind == VALUE_DOUBLE ? (int64_t)m->real : m->number;
}

bool value_true(const struct value *v, const char *name)
{
	return value_int(v, name) != 0;
}

const struct value *value_array(const struct value *v, const char *name)
{
	const struct value *m = value_member(v, name);

	return m && m->kind == VALUE_ARRAY ? m : &empty_array;
}
