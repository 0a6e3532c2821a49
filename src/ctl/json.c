#include "json.h"

#include <jansson.h>
#include <stdio.h>

static json_t *to_json(const struct value *v);

static json_t *array_to_json(const struct value *v)
{
	json_t *array = json_array();

	value_for_each(item, v)
	{
		(void)json_array_append_new(array, to_json(item));
	}
	return array;
}

static json_t *struct_to_json(const struct value *v)
{
	json_t *object = json_object();

	value_for_each(member, v)
	{
		(void)json_object_set_new(object, member->name ? member->name : "",
					  to_json(member));
	}
	return object;
}

static json_t *to_json(const struct value *v)
{
	switch (v->kind) {
	case VALUE_INT:
		return json_integer(v->number);
	case VALUE_BOOL:
		return json_boolean(v->number);
	case VALUE_DOUBLE:
		return json_real(v->real);
	case VALUE_TEXT:
		return json_string(value_str(v)); /* UTF-8: expat has seen to it */
	case VALUE_ARRAY:
		return array_to_json(v);
	case VALUE_STRUCT:
		return struct_to_json(v);
	default:
		return json_null();
	}
}

static void print(json_t *json)
{
	(void)json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
	(void)putchar('\n');
	json_decref(json);
}

void json_print(const struct value *v)
{
	print(to_json(v));
}

void json_print_list(const struct value *const *items, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++) {
		(void)json_array_append_new(array, to_json(items[i]));
	}
	print(array);
}

void json_print_members(const struct value *array, const char *const *names)
{
	json_t *out = json_array();

	value_for_each(item, array)
	{
		json_t *object = json_object();

		for (const char *const *name = names; *name; name++) {
			const struct value *member = value_member(item, *name);

			(void)json_object_set_new(object, *name,
						  member ? to_json(member) : json_null());
		}
		(void)json_array_append_new(out, object);
	}
	print(out);
}

void json_print_texts(const char *const *pairs)
{
	json_t *object = json_object();

	for (; *pairs; pairs += 2) {
		(void)json_object_set_new(object, pairs[0], json_string(pairs[1]));
	}
	print(object);
}

void json_print_named(const struct value *array, const char *const *names)
{
	json_t *object = json_object();

	for (size_t i = 0; names[i]; i++) {
		(void)json_object_set_new(object, names[i],
					  i < array->len ? to_json(&array->items[i])
							 : json_array());
	}
	print(object);
}
