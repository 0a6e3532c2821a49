/* [unix_http_server] and [inet_http_server]. */
#include <slotd/cleanup.h>

#include "endpoint.h"
#include "file.h"
#include "load.h"
#include "messages.h"

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
