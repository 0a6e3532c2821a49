#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <slotd/cleanup.h>
#include <slotd/config.h>
#include <slotd/strbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char short_options[] = "+:c:h?is:u:p:r:V";

static const struct option long_options[] = {
	{"configuration", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{"interactive", no_argument, NULL, 'i'},
	{"serverurl", required_argument, NULL, 's'},
	{"username", required_argument, NULL, 'u'},
	{"password", required_argument, NULL, 'p'},
	{"history_file", required_argument, NULL, 'r'},
	{"version", no_argument, NULL, 'V'},
	{0},
};

/* The words, one blank between them: how supervisorctl makes one line of its arguments. */
static char *join(char *const words[], int n)
{
	CLEANUP(strbuf_done) struct strbuf line = {0};

	for (int i = 0; i < n; i++) {
		(void)strbuf_addf(&line, "%s%s", i > 0 ? " " : "", words[i]);
	}
	return line.len == 0 && line.error == 0 ? strdup("") : strbuf_take(&line);
}

static const char *as_written(int code, char *const argv[])
{
	static char text[] = "-?";

	if (optopt == 0 || strncmp(argv[optind - 1], "--", 2) == 0) {
		return argv[optind - 1];
	}
	text[1] = (char)(optopt != 0 ? optopt : code);
	return text;
}

static int set_once(char **field, const char *value, int option, struct diag *diag)
{
	if (*field) {
		return diag_set(diag, -EINVAL, "conflicting command line option '-%c'", option);
	}
	*field = strdup(value);
	return *field ? 0 : -ENOMEM;
}

static int check_url(const char *url, struct diag *diag)
{
	if (!strstr(url, "://") ||
	    (strncasecmp(url, "http", 4) != 0 && strncasecmp(url, "unix", 4))) {
		return diag_set(diag, -EINVAL, "invalid value for -s '%s': value '%s' is not a URL",
				url, url);
	}
	return 0;
}

static int take_option(struct options *o, int option, char *const argv[], struct diag *diag)
{
	int r;

	switch (option) {
	case 'c':
		return set_once(&o->config_file, optarg, option, diag);
	case 's':
		r = check_url(optarg, diag);
		return r < 0 ? r : set_once(&o->url, optarg, option, diag);
	case 'u':
		return set_once(&o->username, optarg, option, diag);
	case 'p':
		return set_once(&o->password, optarg, option, diag);
	case 'r':
		return set_once(&o->history_file, optarg, option, diag);
	case 'i':
		o->interactive = true;
		return 0;
	case 'V':
		o->version = true;
		return 0;
	case ':':
		return diag_set(diag, -EINVAL, "option %s requires argument",
				as_written(option, argv));
	case '?':
		if (optopt == '?' || strcmp(argv[optind - 1], "-?") == 0) {
			o->help = true;
			return 0;
		}
		return diag_set(diag, -EINVAL, "option %s not recognized",
				as_written(option, argv));
	default:
		o->help = true;
		return 0;
	}
}

static int take_text(char **field, const char *value)
{
	if (!*field && value) {
		*field = strdup(value);
		return *field ? 0 : -ENOMEM;
	}
	return 0;
}

static int socket_url(char **ret, const char *run_dir)
{
	return asprintf(ret, "unix://%s/slotd.sock", run_dir) < 0 ? -ENOMEM : 0;
}

/* Without a word in the file: the user's own slotd where one listens, else the machine's. */
static int own_socket_url(char **ret)
{
	char run_dir[PATH_MAX];
	int r;

	if (geteuid() != 0 && config_user_run_dir(run_dir, sizeof(run_dir)) == 0) {
		r = socket_url(ret, run_dir);
		if (r < 0 || access(*ret + strlen("unix://"), F_OK) == 0) {
			return r;
		}
		free(*ret);
		*ret = NULL;
	}
	return socket_url(ret, "/run/slotd");
}

/* As Supervisor does with what the file says: "unix://~/sock" and "unix://sock" become absolute. */
static int settle_url(char **url)
{
	const char *path = strncmp(*url, "unix://", 7) == 0 ? *url + 7 : "/",
		   *home = getenv("HOME");
	auto_free char *cwd = NULL, *old = NULL;

	if (path[0] == '/') {
		return 0;
	}
	old = TAKE_PTR(*url);
	if (path[0] == '~' && path[1] == '/' && home) {
		return asprintf(url, "unix://%s%s", home, path + 1) < 0 ? -ENOMEM : 0;
	}
	cwd = getcwd(NULL, 0);
	return asprintf(url, "unix://%s/%s", cwd ? cwd : "", path) < 0 ? -ENOMEM : 0;
}

static void free_config(struct ctl_config **c)
{
	*c = config_free_ctl(*c);
}

static int take_config(struct options *o, struct diag *diag)
{
	CLEANUP(free_config) struct ctl_config *c = NULL;
	int r;

	if (o->config_file && access(o->config_file, F_OK) < 0) {
		return diag_set(diag, -ENOENT, "could not find config file %s", o->config_file);
	}
	r = config_load_ctl(o->config_file, diag, &c);
	if (r < 0) {
		return r;
	}
	o->own_socket = !o->url && !c->serverurl;
	if (!o->url && c->serverurl) {
		r = take_text(&o->url, c->serverurl);
		r = r < 0 ? r : settle_url(&o->url);
	} else if (!o->url) {
		r = c->run_dir ? socket_url(&o->url, c->run_dir) : own_socket_url(&o->url);
	}
	r = r < 0 ? r : take_text(&o->username, c->username);
	r = r < 0 ? r : take_text(&o->password, c->password);
	r = r < 0 ? r : take_text(&o->prompt, c->prompt);
	r = r < 0 ? r : take_text(&o->history_file, c->history_file);
	return r;
}

int options_init(struct options *o, int argc, char *argv[], struct diag *diag)
{
	int option, r;

	*o = (struct options){0};
	opterr = 0;
	optind = 1;
	while ((option = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		r = take_option(o, option, argv, diag);
		if (r < 0) {
			return r;
		}
	}
	o->line = join(argv + optind, argc - optind);
	if (!o->line) {
		return -ENOMEM;
	}
	o->shell = optind == argc;
	o->interactive |= o->shell;
	return o->help || o->version ? 0 : take_config(o, diag);
}

void options_done(struct options *o)
{
	free(o->config_file);
	free(o->url);
	free(o->username);
	free(o->password);
	free(o->prompt);
	free(o->history_file);
	free(o->line);
	*o = (struct options){0};
}
