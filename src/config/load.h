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
void loader_done(struct loader *l);

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

/**
 * Reads an environment= by its own rules; that of [supervisord] is expanded twice, as by
 * Supervisor.
 *
 * @warn  warn of what the rules drop.
 * @ret   set if 1 is returned; the caller ends it by keyvalues_done.
 * Returns: as loader_text.
 */
int loader_environment(struct loader *l, const struct section *s, const struct option_def *def,
		       const struct expansions *with, bool warn, struct keyvalues *ret);

/** Returns the unknown option of the section that is nearest to this one; NULL if there is none. */
const struct option *section_typo(const struct section *s, const char *option);
/** Adds the error that a required option is missing, at the place of a misspelled one, if any. */
void loader_missing(struct loader *l, const struct section *s, const char *option,
		    const char *sentence);

/** Splits the text of an option at commas and line ends; *ret is NULL-terminated, in the memory of
 * the config. */
int loader_list(struct loader *l, const struct section *s, const struct option_def *def,
		const struct expansions *with, char ***ret);

/* ---- the parts ----------------------------------------------------------------------------- */

/** Reads [supervisord] and [slotd]. */
int load_supervisord(struct loader *l);

/** What to make a program from. */
struct program_spec {
	const struct section *section;
	const char *name, *group;
	enum program_kind kind;
	/* made by a [service:x] */
	const char *service;  /* NULL: made by no service */
	const unsigned *nums; /* process numbers: the ports */
	unsigned n_nums;
	enum slot_id slot;
};
/** Makes a program with its workers and adds it to the config; *ret is NULL if it cannot be used.
 */
int load_program(struct loader *l, const struct program_spec *spec, struct program_config **ret);

/** Adds a group of one program. */
int load_lone_group(struct loader *l, struct program_config *p, int priority);
/** Reads [group:x], then every program in no group, listeners and fcgi-programs. */
int load_groups(struct loader *l);
/** Sorts the groups, checks for duplicates and sets their workers, when all groups are known. */
int load_finish_groups(struct loader *l);

/** Makes the programs of [service:x] sections that have a command; before load_finish_groups. */
int load_service_programs(struct loader *l);
/** Makes the services; after load_finish_groups. */
int load_services(struct loader *l);

int load_servers(struct loader *l);
/** Adds messages about unknown sections and options. */
int load_unknown(struct loader *l);
/** Checks for addresses and names that are used twice. */
int load_cross_checks(struct loader *l);

/** Follows [include]. */
int load_includes(struct loader *l);
/** Reads a file into the document. Returns 0, or -errno and diag. */
int load_file(struct loader *l, const char *path, struct diag *diag);

/** Like config_load, but from a text, and without following [include]. */
int config_load_text(const char *name, const char *text, size_t len,
		     const struct config_overrides *overrides, struct diag *diag,
		     struct config **ret);
