/* [supervisord], [slotd], and the servers of either. */
#include "supervisord.h"

#include "endpoint.h"
#include "environment.h"
#include "file.h"
#include "messages.h"
#include "options_supervisord.h"
#include "unknown.h"
#include "values.h"

#include <slotd/cleanup.h>
#include <slotd/notice.h>

#include <limits.h>
#include <string.h>

/* For root: what systemd made for the unit (systemd.exec(5), StateDirectory= and its like), else
 * the usual place. */
static char *system_path(struct loader *l, const char *variable, const char *usual)
{
	const char *given = getenv(variable);

	return arena_text(l->config->memory,
			  given && given[0] == '/' && !strchr(given, ':') ? given : usual);
}

/* Below the state directory of a user other than root; where there is no home, in $TMPDIR. */
static int user_state(char *buf, size_t size, const char *rest)
{
	const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME"), *tmp;
	int n;

	if (base && base[0] == '/') {
		n = snprintf(buf, size, "%s/slotd%s", base, rest);
	} else if (home && home[0] == '/') {
		n = snprintf(buf, size, "%s/.local/state/slotd%s", home, rest);
	} else {
		tmp = getenv("TMPDIR");
		n = snprintf(buf, size, "%s/slotd-%u%s", tmp && tmp[0] == '/' ? tmp : "/tmp",
			     (unsigned)geteuid(), rest);
	}
	return (size_t)n >= size ? -ENOENT : 0;
}

int config_user_run_dir(char *buf, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	int n;

	if (!runtime || runtime[0] != '/') {
		return user_state(buf, size, "/run");
	}
	n = snprintf(buf, size, "%s/slotd", runtime);
	return (size_t)n < size ? 0 : -ENOENT;
}

static char *user_path(struct loader *l, const char *option, int found, const char *path)
{
	if (found < 0) {
		config_error(l->config, (struct config_place){.file = l->config->files.at[0]},
			     "[slotd] %s: the path that the environment gives is too long; add %s=",
			     option, option);
	}
	return arena_text(l->config->memory, found < 0 ? "/nonexistent" : path);
}

static char *path_in(struct loader *l, const char *directory, const char *name)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};

	(void)strbuf_addf(&path, "%s/%s", directory, name);
	return arena_strbuf(l->config->memory, &path);
}

static int default_directories(struct loader *l)
{
	struct supervisord_config *s = &l->config->supervisord;
	bool root = geteuid() == 0;
	char path[PATH_MAX];

	s->directories_given = s->state_dir || s->run_dir || s->log_dir;
	if (!s->state_dir) {
		s->state_dir =
			root ? system_path(l, "STATE_DIRECTORY", "/var/lib/slotd")
			     : user_path(l, "state_dir", user_state(path, sizeof(path), ""), path);
	}
	if (!s->run_dir) {
		s->run_dir = root ? system_path(l, "RUNTIME_DIRECTORY", "/run/slotd")
				  : user_path(l, "run_dir", config_user_run_dir(path, sizeof(path)),
					      path);
	}
	if (!s->log_dir) {
		s->log_dir = root ? system_path(l, "LOGS_DIRECTORY", "/var/log/slotd")
				  : user_path(l, "log_dir", user_state(path, sizeof(path), "/log"),
					      path);
	}
	return s->state_dir && s->run_dir && s->log_dir ? 0 : -ENOMEM;
}

static bool given(const struct loader *l, const char *option)
{
	static const char *const sections[] = {"supervisord", "slotd"};

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		const struct section *s = document_section(&l->document, sections[i]);

		if (s && section_option(s, option)) {
			return true;
		}
	}
	return false;
}

static int default_path(struct loader *l, const char *option, char **path, const char *directory,
			const char *name)
{
	if (given(l, option)) {
		return 0;
	}
	*path = path_in(l, directory, name);
	return *path ? 0 : -ENOMEM;
}

/* A file without [supervisord] was not written for Supervisor: nothing goes into the directory in
 * which slotd happens to be started. */
static int own_defaults(struct loader *l)
{
	struct supervisord_config *s = &l->config->supervisord;
	int r = default_path(l, "logfile", &s->log.path, s->log_dir, "slotd.log");

	if (r == 0) {
		r = default_path(l, "pidfile", &s->pidfile, s->run_dir, "slotd.pid");
	}
	if (!given(l, "childlogdir")) {
		s->childlogdir = s->log_dir;
	}
	return r;
}

static int absolute(struct loader *l, char **path)
{
	auto_free char *cwd = NULL;

	if (!*path || (*path)[0] == '/') {
		return 0;
	}
	cwd = getcwd(NULL, 0);
	*path = path_in(l, cwd ? cwd : "/", *path);
	return *path ? 0 : -ENOMEM;
}

static int settle_paths(struct loader *l)
{
	struct supervisord_config *s = &l->config->supervisord;
	char **const paths[] = {&s->log.path,  &s->pidfile, &s->childlogdir,
				&s->state_dir, &s->run_dir, &s->log_dir};
	const char *tmp = getenv("TMPDIR");
	int r = default_directories(l);

	if (r == 0 && s->for_slotd) {
		r = own_defaults(l);
	}
	if (r == 0 && !s->childlogdir) {
		s->childlogdir = arena_text(l->config->memory, tmp && tmp[0] == '/' ? tmp : "/tmp");
		r = s->childlogdir ? 0 : -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(paths); i++) {
		r = absolute(l, paths[i]);
	}
	return r;
}

/* Its names are known as ENV_X everywhere else. */
static int name_variables(struct loader *l)
{
	vec_for_each (pair, &l->environment.pairs) {
		char name[256];

		(void)snprintf(name, sizeof(name), "ENV_%s", pair->key);
		if (map_set(&l->environ, name, (void *)pair->value) < 0) {
			return -ENOMEM;
		}
	}
	return 0;
}

/* What stands in [slotd] wins. */
static int environment(struct loader *l, const struct section *theirs, const struct section *ours)
{
	const struct section *const sections[] = {theirs, ours};
	const struct option_def *def = supervisord_options;

	while (def->type != OPT_ENVIRONMENT) {
		def++;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		struct keyvalues found = {0};
		int r = 0;

		if (sections[i] && section_option(sections[i], def->name)) {
			r = loader_environment(l, sections[i], def, &l->base, true, &found);
		}
		if (r == -ENOMEM) {
			return r;
		}
		if (r > 0) {
			keyvalues_done(&l->environment);
			l->environment = found;
		}
	}
	l->config->supervisord.environment =
		keyvalues_environment(&l->environment, l->config->memory);
	return l->config->supervisord.environment ? name_variables(l) : -ENOMEM;
}

static int read_section(struct loader *l, const struct section *s, bool with_defaults)
{
	for (const struct option_def *def = supervisord_options; def->name; def++) {
		if ((with_defaults || section_option(s, def->name)) && def->type != OPT_SPECIAL &&
		    def->type != OPT_ENVIRONMENT &&
		    loader_option(l, s, def, &l->base, &l->config->supervisord) == -ENOMEM) {
			return -ENOMEM;
		}
	}
	return 0;
}

static void check_loglevel(struct loader *l)
{
	struct supervisord_config *s = &l->config->supervisord;
	const struct section *from = document_section(&l->document, "slotd");
	struct diag diag;

	if (value_loglevel(s->loglevel, &s->log_priority, &diag) == 0) {
		return;
	}
	if (!from || !section_option(from, "loglevel")) {
		from = document_section(&l->document, "supervisord");
	}
	config_error(l->config, from ? loader_place(from, "loglevel") : (struct config_place){0},
		     "[%s] loglevel: %s", from ? from->name : "supervisord", diag.text);
}

/* The line of an option that either section may have. */
static struct config_place place_of(struct loader *l, const char *option)
{
	const struct section *from = document_section(&l->document, "slotd");

	if (!from || !section_option(from, option)) {
		from = document_section(&l->document, "supervisord");
	}
	return from && section_option(from, option) ? loader_place(from, option)
						    : l->config->supervisord.place;
}

static void check_people(struct loader *l)
{
	struct supervisord_config *s = &l->config->supervisord;

	s->allow_place = place_of(l, "allow");
	for (char **event = s->notify_on; event && *event; event++) {
		if ((int)notice_find(*event) < 0) {
			config_error(l->config, place_of(l, "notify_on"),
				     "[slotd] notify_on: there is no event '%s': see notify_on in "
				     "slotd.conf(5)",
				     *event);
		}
	}
}

int load_supervisord(struct loader *l)
{
	const struct section *theirs = document_section(&l->document, "supervisord");
	const struct section *ours = document_section(&l->document, "slotd");
	const struct section none = {
		.name = "supervisord",
		.place = ours ? ours->place : (struct config_place){.file = l->config->files.at[0]},
	};
	int r;

	l->config->supervisord.place = theirs ? theirs->place : none.place;
	l->config->supervisord.for_slotd = !theirs;
	r = read_section(l, theirs ? theirs : &none, true);
	if (r == 0 && ours) {
		r = read_section(l, ours, false);
	}
	if (r == 0) {
		r = environment(l, theirs, ours);
	}
	if (r == 0) {
		r = settle_paths(l);
	}
	if (r == 0 && l->config->supervisord.loglevel) {
		check_people(l);
		check_loglevel(l);
	}
	return r;
}

/* ---- [unix_http_server] and [inet_http_server] ----------------------------------------------- */

static void no_value(struct loader *l, const struct section *s, const char *option)
{
	char text[DIAG_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "section [%s] has no %s value", s->name, option);
	loader_missing(l, s, option, text);
}

static int unix_address(struct loader *l, const struct section *s, struct server_config *server)
{
	struct option_def file = {.name = "file", .type = OPT_PATH};
	CLEANUP(strbuf_done) struct strbuf text = {0};
	char *path = NULL;
	int r = loader_option(l, s, &file, &l->base, &path);

	if (r == 0) {
		no_value(l, s, "file");
	}
	if (r <= 0) {
		return r;
	}
	path = file_absolute(l->config->memory, path);
	if (!path) {
		return -ENOMEM;
	}
	(void)strbuf_addf(&text, "unix:%s", path);
	server->address = arena_strbuf(l->config->memory, &text);
	return server->address ? 1 : -ENOMEM;
}

static int inet_address(struct loader *l, const struct section *s, struct server_config *server)
{
	const struct option_def port = {.name = "port", .type = OPT_TEXT};
	struct diag diag = {0};
	char *text = NULL;
	int r = loader_option(l, s, &port, &l->base, &text);

	if (r == 0) {
		no_value(l, s, "port");
	}
	if (r <= 0) {
		return r;
	}
	r = endpoint_parse(text, l->config->memory, &server->address, &diag);
	if (r == -EINVAL) {
		config_error(l->config, loader_place(s, "port"), "[%s] port: %s", s->name,
			     diag.text);
	}
	return r < 0 ? r : 1;
}

static void check_login(struct loader *l, const struct section *s,
			const struct server_config *server)
{
	if (!server->username != !server->password) {
		config_error(
			l->config, s->place,
			"Section [%s] contains incomplete authentication: If a username or a "
			"password is specified, both the username and password must be specified",
			s->name);
	}
}

static int load_server(struct loader *l, const struct section *s, bool is_unix)
{
	struct server_config server = {
		.section = arena_text(l->config->memory, s->name),
		.place = s->place,
		.unix_socket = is_unix,
		.owner = {.uid = (uid_t)-1, .gid = (gid_t)-1},
	};
	int r = server.section ? 0 : -ENOMEM;

	if (r == 0) {
		r = loader_options(l, s, is_unix ? unix_server_options : inet_server_options,
				   TARGET_SECTION, &l->base, &server);
	}
	if (r == 0) {
		check_login(l, s, &server);
		r = is_unix ? unix_address(l, s, &server) : inet_address(l, s, &server);
	}
	if (r > 0) {
		r = vec_push(&l->config->servers, server);
	}
	return r == -ENOMEM ? r : 0;
}

int load_servers(struct loader *l)
{
	static const char *const prefixes[] = {"inet_http_server", "unix_http_server"};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
		vec_for_each (s, &l->document.sections) {
			if (r == 0 && strncmp((*s)->name, prefixes[i], strlen(prefixes[i])) == 0) {
				r = load_server(l, *s, i == 1);
			}
		}
	}
	return r;
}
