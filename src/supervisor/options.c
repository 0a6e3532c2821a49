#include "options.h"

#include <slotd/cleanup.h>

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
	{0, "strict", NULL, NULL, set_strict, "with -t: warnings fail, too"},
	{0, "help-config", NULL, NULL, set_help_config,
	 "print every option of the configuration file and exit"},
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
	{0, "minprocs", "NUM", "minprocs", NULL,
	 "the minimum number of processes available for start success"},
};

static int show_help(struct reader *r, const char *value)
{
	(void)value;
	(void)printf("supervisord -- run a set of applications as daemons.\n\n"
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

static int usage(const struct reader *r, const char *what, const char *arg)
{
	(void)fprintf(stderr, "Error: ");
	(void)fprintf(stderr, "%s%s", what, arg);
	(void)fprintf(stderr, "\nFor help, use %s -h\n", r->argv[0]);
	return 2;
}

static const struct option_row *find(const char *arg, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (arg[1] == '-' ? strlen(rows[i].name) == len - 2 &&
					    strncmp(rows[i].name, arg + 2, len - 2) == 0
				  : rows[i].letter && rows[i].letter == arg[1]) {
			return &rows[i];
		}
	}
	return NULL;
}

/* "-x VAL", "-xVAL", "--long VAL", "--long=VAL". */
static const char *take_value(struct reader *r, const char *arg, size_t len)
{
	if (arg[1] == '-' ? arg[len] == '=' : arg[2] != '\0') {
		return arg + (arg[1] == '-' ? len + 1 : 2);
	}
	return r->at + 1 < r->argc ? r->argv[++r->at] : NULL;
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

static int read_one(struct reader *r)
{
	const char *arg = r->argv[r->at], *value = NULL;
	size_t len = arg[0] == '-' && arg[1] == '-' ? strcspn(arg, "=") : 2;
	const struct option_row *o;

	if (arg[0] != '-' || !arg[1]) {
		return usage(r, "positional arguments are not supported: ", arg);
	}
	o = find(arg, len);
	if (!o) {
		return usage(r, "option not recognized: ", arg);
	}
	if (seen_before(r, o)) {
		return usage(r, "conflicting command line option ", arg);
	}
	if (o->value) {
		value = take_value(r, arg, len);
		if (!value) {
			return usage(r, "option requires argument: ", arg);
		}
	}
	return apply(r, o, value);
}

int options_read(int argc, char **argv, struct options *ret)
{
	struct reader r = {.argc = argc, .argv = argv, .options = ret};

	*ret = (struct options){0};
	for (r.at = 1; r.at < argc; r.at++) {
		int status = read_one(&r);

		if (status >= 0) {
			return status;
		}
	}
	return -1;
}
