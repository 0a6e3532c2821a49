#pragma once

/** Replies as JSON on stdout, for programs. */

#include "value.h"

/** Prints the value, indented, with a newline. */
void json_print(const struct value *v);
void json_print_list(const struct value *const *items, size_t n);
/** Of each struct in the array only the named members; NULL ends them. */
void json_print_members(const struct value *array, const char *const *names);
/** An object of texts: name, text, name, text, ..., NULL. */
void json_print_texts(const char *const *pairs);
/** The array's items as members of one object, under these names; NULL ends them. */
void json_print_named(const struct value *array, const char *const *names);
