#include "options.h"
#include "upgrade.h"

#include <slotd/cleanup.h>
#include <slotd/strbuf.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct reader;
typedef int action_fn(struct reader *r, const char *value);

struct option_row {
	char letter;		  /* 0: none */
	const char *name, *value; /* value: what it is called in the help; NULL: a flag */
	const char *overrides;	  /* the [supervisord] option it sets; NULL: see action */
	action_fn *action;
	const char *help;
};

struct reader {
	int argc, at;
	char **argv;
	struct options *options;
	unsigned n_overrides;
	const struct option_row *seen[64];
	unsigned n_seen;
};

static int set_config(struct reader *r, const char *value)
{
	r->options->config_path = value;
	return -1;
}

static int set_test(struct reader *r, const char *value)
{
	(void)value;
	r->options->test = true;
	return -1;
}

static int set_strict(struct reader *r, const char *value)
{
	(void)value;
	r->options->test = r->options->strict = true;
	return -1;
}

static int set_takeover_test(struct reader *r, const char *value)
{
	r->options->takeover_test = value;
	return -1;
}

static int set_help_config(struct reader *r, const char *value)
{
	(void)value;
	r->options->help_config = true;
	return -1;
}

static int show_version(struct reader *r, const char *value)
{
	(void)r, (void)value;
	(void)puts(SLOTD_VERSION);
	return 0;
}

static int show_help(struct reader *r, const char *value);

static const struct option_row rows[] = {
	{'c', "configuration", "FILENAME", NULL, set_config,
	 "configuration file path (searches if not given)"},
	{'n', "nodaemon", NULL, "nodaemon", NULL,
	 "run in the foreground (same as 'nodaemon=true' in config file)"},
	{'s', "silent", NULL, "silent", NULL,
	 "no logs to stdout (maps to 'silent=true' in config file)"},
	{'t', "test", NULL, NULL, set_test, "check the configuration and exit"},
	{0, "strict", NULL, NULL, set_strict, "with -t: exit with a failure on warnings, too"},
	{0, "help-config", NULL, NULL, set_help_config,
	 "print every option of the configuration file and exit"},
	{0, UPGRADE_TEST_OPTION, "FILE", NULL, set_takeover_test,
	 "tell whether this slotd can take over from the one that runs FILE, whose ledger is the "
	 "standard "
	 "input; for slotctl upgrade"},
	{'h', "help", NULL, NULL, show_help, "print this usage message and exit"},
	{'?', "help", NULL, NULL, show_help, NULL},
	{'v', "version", NULL, NULL, show_version, "print slotd's version number and exit"},
	{'u', "user", "USER", "user", NULL, "run slotd as this user (or numeric uid)"},
	{'m', "umask", "UMASK", "umask", NULL,
	 "use this umask for daemon subprocess (default 022)"},
	{'d', "directory", "DIRECTORY", "directory", NULL, "directory to chdir to when daemonized"},
	{'l', "logfile", "FILENAME", "logfile", NULL, "use FILENAME as logfile path"},
	{'y', "logfile_maxbytes", "BYTES", "logfile_maxbytes", NULL,
	 "use BYTES to limit the max size of logfile"},
	{'z', "logfile_backups", "NUM", "logfile_backups", NULL,
	 "number of backups to keep when max bytes reached"},
	{'e', "loglevel", "LEVEL", "loglevel", NULL,
	 "use LEVEL as log level (debug,info,warn,error,critical)"},
	{'j', "pidfile", "FILENAME", "pidfile", NULL,
	 "write a pid file for the daemon process to FILENAME"},
	{'i', "identifier", "STR", "identifier", NULL,
	 "identifier used for this instance of slotd"},
	{'q', "childlogdir", "DIRECTORY", "childlogdir", NULL,
	 "the log directory for child process logs"},
	{'k', "nocleanup", NULL, "nocleanup", NULL,
	 "prevent the process from performing cleanup (removal of old automatic child log "
	 "files) at startup"},
	{'a', "minfds", "NUM", "minfds", NULL,
	 "the minimum number of file descriptors for start "
	 "success"},
	{0, "strip_ansi", NULL, "strip_ansi", NULL, "strip ansi escape codes from process output"},
	{0, "profile_options", "LIST", "profile_options", NULL, "ignored"},
	{0, "minprocs", "NUM", "minprocs", NULL,
	 "the minimum number of processes available for start success"},
};

static int show_help(struct reader *r, const char *value)
{
	(void)value;
	(void)printf("slotd, in the place of supervisord -- run a set of applications as daemons,\n"
		     "and switch between their releases.\n\n"
		     "Usage: %s [options]\n\nOptions:\n",
		     r->argv[0]);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct option_row *o = &rows[i];

		if (!o->help) {
			continue;
		}
		if (o->letter) {
			(void)printf("-%c/", o->letter);
		}
		(void)printf("--%s%s%s -- %s\n", o->name, o->value ? " " : "",
			     o->value ? o->value : "", o->help);
	}
	return 0;
}

static int usage(const struct reader *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int usage(const struct reader *r, const char *fmt, ...)
{
	va_list ap;

	(void)fprintf(stderr, "Error: ");
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "\nFor help, use %s -h\n", r->argv[0]);
	return 2;
}

/* All of them, as Supervisor shows them. */
static int refuse_arguments(const struct reader *r)
{
	CLEANUP(strbuf_done) struct strbuf all = {0};

	for (int i = r->at; i < r->argc; i++) {
		(void)strbuf_addf(&all, "%s'%s'", i > r->at ? ", " : "", r->argv[i]);
	}
	return usage(r, "positional arguments are not supported: [%s]", strbuf_str(&all));
}

static const struct option_row *find_letter(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].letter && rows[i].letter == letter) {
			return &rows[i];
		}
	}
	return NULL;
}

/* A name may be shortened while only one begins so; *ret_several: more do. */
static const struct option_row *find_name(const char *name, size_t len, bool *ret_several)
{
	const struct option_row *found = NULL;

	*ret_several = false;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!rows[i].help || strncmp(rows[i].name, name, len) != 0) {
			continue;
		}
		if (strlen(rows[i].name) == len) {
			*ret_several = false;
			return &rows[i];
		}
		*ret_several = found != NULL;
		found = &rows[i];
	}
	return found;
}

static bool seen_before(struct reader *r, const struct option_row *o)
{
	for (unsigned i = 0; i < r->n_seen; i++) {
		if (r->seen[i] == o) {
			return true;
		}
	}
	if (r->n_seen < ARRAY_SIZE(r->seen)) {
		r->seen[r->n_seen++] = o;
	}
	return false;
}

static int apply(struct reader *r, const struct option_row *o, const char *value)
{
	if (o->action) {
		return o->action(r, value);
	}
	r->options->overrides.section_option[r->n_overrides][0] = o->overrides;
	r->options->overrides.section_option[r->n_overrides][1] = value ? value : "true";
	r->n_overrides++;
	if (strcmp(o->name, "nodaemon") == 0) {
		r->options->foreground = true;
	}
	return -1;
}

/* @name  as the user wrote it: "-c", "--configuration". value NULL: the next argument. */
static int take(struct reader *r, const struct option_row *o, const char *name, const char *value)
{
	if (seen_before(r, o)) {
		return usage(r, "conflicting command line option '%s'", name);
	}
	if (o->value && !value) {
		if (r->at >= r->argc) {
			return usage(r, "option %s requires argument", name);
		}
		value = r->argv[r->at++];
	}
	return apply(r, o, value);
}

/* "--long VAL", "--long=VAL". */
static int read_long(struct reader *r, const char *arg)
{
	size_t len = strcspn(arg, "=");
	bool several;
	const struct option_row *o = find_name(arg + 2, len - 2, &several);
	auto_free char *name = strndup(arg, len);

	if (!name) {
		return usage(r, "out of memory");
	}
	if (several) {
		return usage(r, "option %s not a unique prefix", name);
	}
	if (!o) {
		return usage(r, "option %s not recognized", name);
	}
	if (arg[len] && !o->value) {
		return usage(r, "option %s must not have an argument", name);
	}
	return take(r, o, name, arg[len] ? arg + len + 1 : NULL);
}

/* "-x VAL", "-xVAL"; several in one: "-nc FILE". */
static int read_letters(struct reader *r, const char *arg)
{
	int status = -1;

	for (arg++; *arg && status < 0; arg++) {
		const struct option_row *o = find_letter(*arg);
		const char name[] = {'-', *arg, '\0'};

		if (!o) {
			return usage(r, "option %s not recognized", name);
		}
		if (o->value) {
			return take(r, o, name, arg[1] ? arg + 1 : NULL);
		}
		status = take(r, o, name, NULL);
	}
	return status;
}

int options_read(int argc, char **argv, struct options *ret)
{
	struct reader r = {.argc = argc, .at = 1, .argv = argv, .options = ret};
	int status = -1;

	*ret = (struct options){0};
	while (status < 0 && r.at < argc && argv[r.at][0] == '-' && argv[r.at][1]) {
		const char *arg = argv[r.at++];

		if (strcmp(arg, "--") == 0) {
			break;
		}
		status = arg[1] == '-' ? read_long(&r, arg) : read_letters(&r, arg);
	}
	return status < 0 && r.at < argc ? refuse_arguments(&r) : status;
}
