#pragma once

/**
 * Options: each has a row, which determines parser, default, range, effect of a change,
 * --help-config, the man page, and the comparison of two configurations.
 *
 * The C type of the field selects the parser, so row and struct cannot disagree; if a C type has
 * several meanings (an unsigned is a count or a mode), the row says which. Defaults are text in the
 * syntax of the file.
 */

#include <slotd/config.h>

#include "arena.h"

enum option_type {
	OPT_BOOL,
	OPT_INT,
	OPT_COUNT,
	OPT_SECONDS,
	OPT_SIZE,
	OPT_OCTAL,
	OPT_TEXT,
	OPT_LINES,     /* text that keeps its lines */
	OPT_PATH,      /* ~ is expanded */
	OPT_FILE,      /* a path whose directory must exist; the loader checks that */
	OPT_DIRECTORY, /* a directory that must exist; likewise */
	OPT_SIGNAL,
	OPT_WORD,	 /* one of names */
	OPT_LIST,	 /* separated by commas */
	OPT_HEADERS,	 /* one per line */
	OPT_CREDENTIALS, /* likewise; each may have an option's line of its own */
	OPT_EXITCODES,
	OPT_USER,
	OPT_OWNER, /* user[:group] */
	OPT_ENVIRONMENT,
	OPT_LOGFILE,
	OPT_DRAIN,   /* a word, or idle:DURATION */
	OPT_SPECIAL, /* read by its section's own code */
	OPT_TYPE_MAX_,
	OPT_TYPE_INVALID_ = -22,
};

/** When a changed value has an effect. */
enum option_effect {
	EFFECT_LIVE,	/* at a reload */
	EFFECT_RESTART, /* when the worker starts again; a reload restarts it for this */
	EFFECT_DAEMON,	/* when slotd is restarted */
	EFFECT_NONE,	/* never: other programs read it, or it is ignored */
	EFFECT_MAX_,
	EFFECT_INVALID_ = -22,
};

/** The struct to which offset refers. */
enum option_target {
	TARGET_SECTION, /* that of the section: program_config, service_config, ... */
	TARGET_WORKER,	/* each worker_config of a program */
	TARGET_SLOT,	/* each service_slot_config of a service */
};

struct option_def {
	const char *name;
	enum option_type type;
	enum option_target target;
	size_t offset;
	const char *def;	  /* NULL: there is no default, and the field is not changed */
	long long min, max;	  /* max 0: no limit */
	const char *const *names; /* OPT_WORD; NULL-terminated */
	enum option_effect on_change;
	bool ours;    /* Supervisor does not have it */
	bool percent; /* it has percentages: a % that begins no expansion stands for itself */
	const char *help;
};

#define OPTION_FIELD(s, m) \
	.offset = offsetof(s, m), .type = _Generic(((s *)0)->m,                                   \
		bool: OPT_BOOL,                                                                   \
		int: OPT_INT,                                                                     \
		unsigned: OPT_COUNT,                                                              \
		usec_t: OPT_SECONDS,                                                              \
		char *: OPT_TEXT,                                                                 \
		char **: OPT_LIST,                                                                \
		uint32_t *: OPT_EXITCODES,                                                        \
		struct owner: OPT_OWNER,                                                          \
		struct log_config: OPT_LOGFILE,                                                   \
		struct drain_config: OPT_DRAIN)

/** For a field whose C type does not determine the parser. */
#define OPTION_FIELD_AS(s, m, ctype, kind) \
	.offset = offsetof(s, m), .type = _Generic(((s *)0)->m, ctype : kind)

/** For an enum, with its words; the field must be as wide as an int. */
#define OPTION_FIELD_WORD(s, m, words)                                                            \
	.offset = offsetof(s, m) + 0 * sizeof(char[sizeof(((s *)0)->m) == sizeof(int) ? 1 : -1]), \
	.type = OPT_WORD, .names = (words)

/**
 * Parses text into the field.
 *
 * Returns: 0; -EINVAL, and diag says what is wrong and what would be right; -ENOMEM.
 */
int option_parse(const struct option_def *def, const char *text, void *object, struct arena *memory,
		 struct diag *diag);

/** Is this option equal in two objects? An OPT_SPECIAL always is. */
bool option_equal(const struct option_def *def, const void *a, const void *b);

/** Returns "seconds", "true or false", ..., for people. */
const char *option_type_name(const struct option_def *def);
enum {
	OPTION_RANGE_MAX = 128,
};
/** Writes ", 1 to 65535", ": off, v1, v2" or "" into buf. Returns buf. */
const char *option_range(const struct option_def *def, char *buf, size_t size);
const char *option_effect_name(enum option_effect effect);
