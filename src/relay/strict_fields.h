#pragma once

/** The fields that matter. */

#include "strict_parts.h"

/** Which field that matters has this name? */
enum field field_of(const char *name, size_t len);
/** A field begins; then its name and its value come, byte by byte. */
void field_begin(struct strict *s);
void field_name_char(struct strict *s, unsigned char c);
void field_name_ended(struct strict *s);
void field_value_char(struct strict *s, unsigned char c);
/** The value of s->field is complete in s->value. */
void field_ended(struct strict *s);
