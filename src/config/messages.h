#pragma once

/** Errors and warnings of a configuration, collected. */

#include <slotd/config.h>

enum {
	MESSAGES_MAX = 500, /* stored; more are only counted */
};

/** Adds an error, which counts even if there is no memory for the text. */
void config_error(struct config *c, struct config_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/**
 * Adds a problem of one program that does not concern the others: an error for slotd -t, a warning
 * when slotd starts or reloads.
 */
void config_problem(struct config *c, struct config_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void config_warning(struct config *c, struct config_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Makes the problems errors. */
void config_insist(struct config *c);
/** Sorts the messages by files and lines. */
void config_sort_messages(struct config *c);
