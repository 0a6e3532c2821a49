#pragma once

/** Errors and warnings of a configuration, collected. */

#include <slotd/config.h>

enum {
	MESSAGES_MAX = 500, /* stored; more are only counted */
};

/** Always counts, even when memory for the text is lacking. */
void config_error(struct config *c, struct config_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/**
 * What one program cannot have while the others run: an error to slotd -t, a warning to a slotd
 * that starts or reloads.
 */
void config_problem(struct config *c, struct config_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void config_warning(struct config *c, struct config_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Makes errors of the problems. */
void config_insist(struct config *c);
/** Into the order of files and lines. */
void config_sort_messages(struct config *c);
