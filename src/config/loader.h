#pragma once

/**
 * What the parts of a load share: the text, the configuration that is being made, the expansions.
 *
 * The parts return 0 or -ENOMEM: an error in the file becomes a message, and the load continues, to
 * find all errors.
 */

#include <slotd/config.h>
#include <slotd/map.h>
#include <slotd/strbuf.h>

#include "document.h"
#include "expand.h"
#include "keyvalues.h"
#include "options.h"
#include "sources.h"

enum {
	LOAD_WORKERS_MAX = 8192,   /* in all: the size of ledger and switchboard */
	LOAD_FILES_MAX = 1000,	   /* included */
	LOAD_BYTES_MAX = 32 << 20, /* all files together */
	LOAD_PROGRAMS_MAX = 8192,
};

struct loader {
	struct config *config;
	struct document document;
	struct sources sources;
	VEC(char *) heres;	      /* %(here)s of each of config->files */
	struct map environ;	      /* "ENV_X" -> text */
	struct keyvalues environment; /* [supervisord] environment= */
	struct expansions base;	      /* host_node_name and the environment */
	char host[256];
	size_t bytes, n_workers;
	bool no_files; /* [include] is not followed */
};

/** Makes an empty document and configuration, with the environment. Returns 0 or -ENOMEM;
 * loader_done is to be called in any case. */
int loader_init(struct loader *l);
/** Frees all of it, also what loader_init could not finish. */
void loader_done(struct loader *l);

/** Reads a file into the document. Returns 0, or -errno and diag. */
int loader_file(struct loader *l, const char *path, struct diag *diag);

/** Adds a file to those that were read, by the name under which it was. Returns 0 or -ENOMEM. */
int loader_add_file(struct loader *l, const char *name, const struct stat *st);

/**
 * Expands the text of an option, as it is given or by default.
 *
 * @out  emptied first.
 * Returns: 1; 0 if the option was not given and has no default; -EINVAL after adding a message;
 *          -ENOMEM.
 */
int loader_text(struct loader *l, const struct section *s, const struct option_def *def,
		const struct expansions *with, struct strbuf *out);

/** Reads an option into object. Returns what loader_text does. */
int loader_option(struct loader *l, const struct section *s, const struct option_def *def,
		  const struct expansions *with, void *object);

/** Reads every option of the table that belongs to target, except OPT_SPECIAL. Returns 0 or
 * -ENOMEM. */
int loader_options(struct loader *l, const struct section *s, const struct option_def *defs,
		   enum option_target target, const struct expansions *with, void *object);

/** Returns the place of an option in messages: its own line, or that of its section. */
struct config_place loader_place(const struct section *s, const char *option);

/** Adds %(here)s, of the file that contains the option, to with. Keeps with. */
void loader_here(const struct loader *l, const struct section *s, const char *option,
		 const struct expansions *with, struct expansions *ret);

/** Splits the text of an option at commas and line ends; *ret is NULL-terminated, in the memory of
 * the config. */
int loader_list(struct loader *l, const struct section *s, const struct option_def *def,
		const struct expansions *with, char ***ret);
