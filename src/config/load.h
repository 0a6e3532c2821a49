#pragma once

/**
 * What the parts of a load share: the text, the configuration being made, the expansions.
 *
 * The parts return 0 or -ENOMEM: what is wrong with the file becomes a message, and the load goes
 * on to find the rest.
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
	LOAD_WORKERS_MAX = 8192,   /* in all; the ledger's and the switchboard's size */
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
	bool no_files; /* the text stands alone: [include] is not followed */
};

/** An empty document and configuration, with the environment. 0 or -ENOMEM; then too: */
int loader_init(struct loader *l);
void loader_done(struct loader *l);

/**
 * The option's text, expanded: as given, or the default.
 *
 * @out  emptied first.
 * Returns: 1; 0 neither given nor a default; -EINVAL told already; -ENOMEM.
 */
int loader_text(struct loader *l, const struct section *s, const struct option_def *def,
		const struct expansions *with, struct strbuf *out);

/** Reads one option into object. Returns as loader_text. */
int loader_option(struct loader *l, const struct section *s, const struct option_def *def,
		  const struct expansions *with, void *object);

/** Reads every option of the table that belongs to target, except OPT_SPECIAL. 0 or -ENOMEM. */
int loader_options(struct loader *l, const struct section *s, const struct option_def *defs,
		   enum option_target target, const struct expansions *with, void *object);

/** Where to point for this option: its own line, or its section's. */
struct config_place loader_place(const struct section *s, const char *option);

/** with, and %(here)s of the file in which the option stands. Keeps with. */
void loader_here(const struct loader *l, const struct section *s, const char *option,
		 const struct expansions *with, struct expansions *ret);

/**
 * An environment= by its own rules: that of [supervisord] is expanded twice, as by Supervisor.
 *
 * @warn  say what the rules drop.
 * @ret   made, for the caller to end, when the answer is 1.
 * Returns as loader_text.
 */
int loader_environment(struct loader *l, const struct section *s, const struct option_def *def,
		       const struct expansions *with, bool warn, struct keyvalues *ret);

/** The unknown option of the section that is nearest to this one; NULL when there is none. */
const struct option *section_typo(const struct section *s, const char *option);
/** An error: an option that must be there is missing. Points at what was typed instead, if any. */
void loader_missing(struct loader *l, const struct section *s, const char *option,
		    const char *sentence);

/** Splits at commas and line ends; *ret NULL-terminated, in the config's memory. */
int loader_list(struct loader *l, const struct section *s, const struct option_def *def,
		const struct expansions *with, char ***ret);

/* ---- the parts ----------------------------------------------------------------------------- */

/** [supervisord] and [slotd]. */
int load_supervisord(struct loader *l);

/** What to make a program from. */
struct program_spec {
	const struct section *section;
	const char *name, *group;
	enum program_kind kind;
	/* made by a [service:x] */
	const char *service;  /* NULL: not */
	const unsigned *nums; /* process numbers: the ports */
	unsigned n_nums;
	enum slot_id slot;
};
/** Makes the program with its workers and adds it to the config; *ret NULL when it is unusable. */
int load_program(struct loader *l, const struct program_spec *spec, struct program_config **ret);

/** Adds a group of one program. */
int load_lone_group(struct loader *l, struct program_config *p, int priority);
/** [group:x], then every program left over, listeners and fcgi-programs. */
int load_groups(struct loader *l);
/** Order, doubles, the workers of each. After all groups are there. */
int load_finish_groups(struct loader *l);

/** Programs of [service:x] sections in the second form; before load_finish_groups. */
int load_service_programs(struct loader *l);
/** The services themselves; after load_finish_groups. */
int load_services(struct loader *l);

int load_servers(struct loader *l);
/** Sections and options that nobody knows. */
int load_unknown(struct loader *l);
/** What only shows when all is there: addresses that clash, names that clash. */
int load_cross_checks(struct loader *l);

/** Follows [include]. */
int load_includes(struct loader *l);
/** Reads one file into the document. 0, or -errno and diag. */
int load_file(struct loader *l, const char *path, struct diag *diag);

/** As config_load, from text; [include] is not followed. */
int config_load_text(const char *name, const char *text, size_t len,
		     const struct config_overrides *overrides, struct diag *diag,
		     struct config **ret);
