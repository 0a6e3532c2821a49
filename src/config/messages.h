#pragma once

/** Errors and warnings of a configuration, collected. */

#include <slotd/config.h>

enum {
	MESSAGES_MAX = 500, /* stored; more are only counted */
};

/** Always counts, even when memory for the text is lacking. */
void config_error(struct config *c, struct config_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void config_warning(struct config *c, struct config_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Into the order of files and lines. */
void config_sort_messages(struct config *c);
