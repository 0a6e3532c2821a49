#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

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

char *options_join(char *const words[], int n)
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

/* An unprivileged user's own slotd is nearer than the machine's, where there is one. */
static char *own_socket_url(void)
{
	CLEANUP(strbuf_done) struct strbuf url = {0};
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (geteuid() != 0 && runtime && runtime[0] == '/') {
		(void)strbuf_addf(&url, "unix://%s/slotd/slotd.sock", runtime);
		if (url.error == 0 && stat(strbuf_str(&url) + strlen("unix://"), &st) == 0) {
			return strbuf_take(&url);
		}
	}
	return strdup("unix:///run/slotd/slotd.sock");
}

static int fill_defaults(struct options *o)
{
	if (!o->url) {
		o->url = own_socket_url();
		o->own_socket = true;
	}
	if (!o->prompt) {
		o->prompt = strdup("slotd");
	}
	return o->url && o->prompt ? 0 : -ENOMEM;
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
	o->line = options_join(argv + optind, argc - optind);
	if (!o->line) {
		return -ENOMEM;
	}
	if (optind == argc) {
		o->interactive = true;
	}
	return fill_defaults(o);
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
