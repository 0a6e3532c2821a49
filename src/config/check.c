/* What only shows when everything is there: addresses and files that two want at once. */
#include "check.h"

#include "endpoint.h"
#include "messages.h"

#include <slotd/cleanup.h>

/* Somebody's wish for an address. */
struct claim {
	struct endpoint endpoint;
	const char *address;
	const char *who;   /* "worker payinv-a_8001" */
	const void *owner; /* of several claims that are told once: program, service, server */
	struct config_place place;
};

struct claims {
	struct loader *l;
	VEC(struct claim) list;
};

static int add_claim(struct claims *claims, const char *address, const void *owner,
		     struct config_place place, const char *what, const char *name)
{
	CLEANUP(strbuf_done) struct strbuf who = {0};
	struct claim c = {.address = address, .owner = owner, .place = place};

	(void)strbuf_addf(&who, "%s%s", what, name);
	c.who = arena_strbuf(claims->l->config->memory, &who);
	if (!c.who) {
		return -ENOMEM;
	}
	endpoint_split(address, &c.endpoint);
	if (strcmp(c.endpoint.host, "localhost") == 0) {
		(void)snprintf(c.endpoint.host, sizeof(c.endpoint.host), "127.0.0.1");
	}
	return vec_push(&claims->list, c);
}

/* The line that decides about the ports of a program. */
static struct config_place ports_place(const struct loader *l, const struct service_config *service,
				       const struct program_config *p)
{
	char name[2 * DOCUMENT_NAME_MAX];
	const struct section *s;

	(void)snprintf(name, sizeof(name), "program:%s", p->name);
	s = document_section(&l->document, name);
	if (s) {
		return loader_place(s, "numprocs_start");
	}
	(void)snprintf(name, sizeof(name), "service:%s", service->name);
	s = document_section(&l->document, name);
	return s ? loader_place(s, p->slot == SLOT_A ? "ports_a" : "ports_b") : p->place;
}

static int claim_workers(struct claims *claims, const struct service_config *service,
			 const struct program_config *p)
{
	struct config_place place = ports_place(claims->l, service, p);
	int r = 0;

	vec_for_each (w, &p->workers) {
		if (r == 0 && w->address) {
			r = add_claim(claims, w->address, p, place, "worker ", w->name);
		}
	}
	return r;
}

static int claim_service(struct claims *claims, const struct service_config *service)
{
	char name[2 * DOCUMENT_NAME_MAX];
	const struct section *s;
	struct config_place place = service->place;
	int r = 0;

	(void)snprintf(name, sizeof(name), "service:%s", service->name);
	s = document_section(&claims->l->document, name);
	for (size_t i = 0; r == 0 && i < service->listen.len; i++) {
		const bool preview = service_is_preview(service, i);

		if (s) {
			place = loader_place(s, preview ? "preview_listen" : "listen");
		}
		r = add_claim(claims, service->listen.at[i], service, place,
			      preview ? "the preview of service " : "the public socket of service ",
			      service->name);
	}
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		for (size_t i = 0; r == 0 && i < service->slots[slot].programs.len; i++) {
			r = claim_workers(claims, service, service->slots[slot].programs.at[i]);
		}
	}
	return r;
}

static int claim_servers(struct claims *claims)
{
	struct config *c = claims->l->config;
	CLEANUP(strbuf_done) struct strbuf own = {0};
	const char *copy;
	int r = 0;

	vec_for_each (s, &c->servers) {
		const struct section *section = document_section(&claims->l->document, s->section);

		if (r == 0) {
			r = add_claim(claims, s->address, s,
				      loader_place(section, s->unix_socket ? "file" : "port"), "",
				      s->section);
		}
	}
	if (r < 0 || !c->supervisord.run_dir) {
		return r;
	}
	(void)strbuf_addf(&own, "unix:%s/slotd.sock", c->supervisord.run_dir);
	copy = arena_strbuf(c->memory, &own);
	return copy ? add_claim(claims, copy, c, (struct config_place){.file = c->files.at[0]},
				"slotd's own socket in run_dir", "")
		    : -ENOMEM;
}

static int compare_keys(const struct claim *x, const struct claim *y)
{
	if (x->endpoint.unix_socket != y->endpoint.unix_socket) {
		return x->endpoint.unix_socket ? 1 : -1;
	}
	if (x->endpoint.unix_socket) {
		return strcmp(x->endpoint.path, y->endpoint.path);
	}
	return (x->endpoint.port > y->endpoint.port) - (x->endpoint.port < y->endpoint.port);
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int r = compare_keys(x, y);

	if (r == 0) {
		r = strcmp(x->place.file, y->place.file);
	}
	if (r == 0) {
		r = (x->place.line > y->place.line) - (x->place.line < y->place.line);
	}
	return r ? r : strcmp(x->who, y->who);
}

/* Of one port or path. A wildcard takes the port on every address of its own family (V6ONLY). */
static bool clash(const struct claim *x, const struct claim *y)
{
	bool v6_x = strchr(x->endpoint.host, ':'), v6_y = strchr(y->endpoint.host, ':');

	if (x->endpoint.unix_socket) {
		return true;
	}
	return strcmp(x->endpoint.host, y->endpoint.host) == 0 ||
	       (v6_x == v6_y &&
		(endpoint_is_wildcard(&x->endpoint) || endpoint_is_wildcard(&y->endpoint)));
}

static int tell_clash(struct claims *claims, struct map *told, const struct claim *earlier,
		      const struct claim *later)
{
	char pair[64];

	(void)snprintf(pair, sizeof(pair), "%p %p", earlier->owner, later->owner);
	if (map_get(told, pair)) {
		return 0;
	}
	config_error(claims->l->config, later->place,
		     "%s of %s overlaps %s of %s (%s:%u); choose another", later->address,
		     later->who, earlier->address, earlier->who, earlier->place.file,
		     earlier->place.line);
	return map_set(told, pair, claims);
}

static int check_addresses(struct claims *claims)
{
	struct claim *c = claims->list.at;
	struct map told = {0};
	size_t first = 0;
	int r = 0;

	if (claims->list.len) {
		qsort(c, claims->list.len, sizeof(*c), compare_claims);
	}
	for (size_t i = 1; r == 0 && i < claims->list.len; i++) {
		if (compare_keys(&c[first], &c[i]) != 0) {
			first = i;
		}
		for (size_t j = first; j < i; j++) {
			if (clash(&c[j], &c[i])) {
				r = tell_clash(claims, &told, &c[j], &c[i]);
				break;
			}
		}
	}
	map_done(&told);
	return r;
}

static int claim_all(struct claims *claims)
{
	int r = claim_servers(claims);

	vec_for_each (s, &claims->l->config->services) {
		r = r < 0 ? r : claim_service(claims, *s);
	}
	return r;
}

static int check_file(struct loader *l, struct map *seen, const struct service_config *s,
		      const char *option, const char *path)
{
	const struct service_config *other = path ? map_get(seen, path) : NULL;
	char name[2 * DOCUMENT_NAME_MAX];

	if (!path) {
		return 0;
	}
	if (other) {
		(void)snprintf(name, sizeof(name), "service:%s", s->name);
		config_error(l->config, loader_place(document_section(&l->document, name), option),
			     "[service:%s] %s: %s is that of service %s; each needs its own",
			     s->name, option, path, other->name);
	}
	return map_set(seen, path, (void *)s);
}

static int check_live_files(struct loader *l)
{
	struct map seen = {0};
	int r = 0;

	vec_for_each (s, &l->config->services) {
		r = r < 0 ? r : check_file(l, &seen, *s, "live_file", (*s)->live_file);
		r = r < 0 ? r : check_file(l, &seen, *s, "live_link", (*s)->live_link);
	}
	map_done(&seen);
	return r;
}

/* Whoever reaches such a server may run commands as slotd's user. */
static void check_open_servers(struct loader *l)
{
	struct endpoint e;

	vec_for_each (s, &l->config->servers) {
		endpoint_split(s->address, &e);
		if (!s->password && !endpoint_is_loopback(&e)) {
			config_error(
				l->config,
				loader_place(document_section(&l->document, s->section), "port"),
				"[%s] port: other machines reach %s, and no password is "
				"asked for; add username= and password=, or use "
				"port=127.0.0.1:%u",
				s->section, s->address, e.port);
		}
	}
}

static void check_exclusive(struct loader *l)
{
	vec_for_each (p, &l->config->programs) {
		if ((*p)->exclusive && (*p)->service < 0) {
			config_warning(l->config, (*p)->place,
				       "program %s: exclusive=true: it is in no slot, where the "
				       "option has no effect; name it in slot_a= or slot_b= of a "
				       "service, or remove the line",
				       (*p)->name);
		}
	}
}

int load_cross_checks(struct loader *l)
{
	struct claims claims = {.l = l};
	int r = claim_all(&claims);

	if (r == 0) {
		r = check_addresses(&claims);
	}
	vec_done(&claims.list);
	check_open_servers(l);
	check_exclusive(l);
	return r < 0 ? r : check_live_files(l);
}
