#pragma once

/**
 * The file as text: sections and options by name, each with its place, before they are interpreted.
 * A section that appears again is merged into the first one, and an option that appears again
 * replaces the earlier one, also across included files, as in Supervisor.
 */

#include <slotd/config.h>
#include <slotd/map.h>

#include "arena.h"

enum {
	DOCUMENT_LINE_MAX = 64 << 10, /* one physical line */
	DOCUMENT_NAME_MAX = CONFIG_NAME_MAX,
	DOCUMENT_FILE_MAX = 4 << 20,	   /* one file */
	DOCUMENT_OPTIONS_MAX = 200 * 1000, /* in all files together */
};

struct option {
	const char *name; /* lower case */
	const char *value;
	struct config_place place;
	/* A comment has taken the end of what looks like a command: behind ';', or within quotes.
	 */
	unsigned cut_line; /* 0: it has not */
	char cut_by;
};

struct section {
	const char *name;
	struct config_place place; /* of its first appearance */
	VEC(struct option *) options;
	struct map by_name;
};

struct document {
	struct arena *memory;
	VEC(struct section *) sections; /* in order of appearance */
	struct map by_name;
	size_t n_options;
};

int document_init(struct document *d);
void document_done(struct document *d);

/** Returns the section of this name, which is made if it is missing; NULL if there is no memory. */
struct section *document_open(struct document *d, const char *name, struct config_place place);
/** Returns NULL if there is no such section. */
struct section *document_section(const struct document *d, const char *name);

/** Sets an option; copies name and value. Returns 0, -ENOMEM or -E2BIG. */
int document_set(struct document *d, struct section *s, const char *name, const char *value,
		 struct config_place place);
/** Returns NULL if the option was not given. */
const struct option *section_option(const struct section *s, const char *name);

/**
 * Reads INI text into the document. Syntax errors become messages of config; the rest is read all
 * the same, so that one run reports all errors.
 *
 * @file  the name of the file, for places. Kept.
 * Returns: 0, -ENOMEM or -E2BIG.
 */
int ini_read(struct document *d, struct config *config, const char *file, const char *text,
	     size_t len);
