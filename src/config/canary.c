/* What the options of canaries mean, and whether they can work. */

#include "canary.h"

#include "messages.h"

#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/network.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static void read_steps(struct service_making *m)
{
	struct canary_config *c = &m->service->canary;
	struct diag diag = {0};
	int n;

	if (!m->service->canary_steps) {
		return;
	}
	n = canary_steps_parse(m->service->canary_steps, c->steps, &diag);
	if (n < 0) {
		service_error(m, "canary_steps", "canary_steps: %s", diag.text);
	} else {
		c->n_steps = (unsigned)n;
	}
}

/* Clients that are told apart by what they say must say it before they are placed. */
static void check_cookie(struct service_making *m)
{
	const struct service_config *s = m->service;

	if (s->connect != CONNECT_LATE) {
		service_error(m, "canary_by",
			      "canary_by: a cookie is known once the client has spoken; set "
			      "connect=late as well");
	} else if (s->protocol == PROTOCOL_TCP) {
		service_error(m, "canary_by",
			      "canary_by: with protocol=tcp no request is read, so there are no "
			      "cookies; remove that, or use canary_by=source");
	}
}

static bool is_loopback(const char *text)
{
	struct address a;

	if (address_parse(text, &a) < 0) {
		return false;
	}
	switch (address_family(&a)) {
	case AF_UNIX:
		return true;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(
			&((const struct sockaddr_in6 *)(const void *)&a.sa)->sin6_addr);
	default:
		return ntohl(((const struct sockaddr_in *)(const void *)&a.sa)->sin_addr.s_addr) >>
			       24 ==
		       IN_LOOPBACKNET;
	}
}

/* Who connects there is a proxy on this machine, which does not tell its clients' addresses. */
static void warn_of_loopback(struct service_making *m, const char *option)
{
	vec_for_each (text, &m->service->listen) {
		if (!is_loopback(*text)) {
			return;
		}
	}
	if (m->service->listen.len) {
		config_warning(m->l->config, loader_place(m->section, option),
			       "[%s] %s: listen= is on this machine alone, so that all clients of "
			       "a proxy in front have the same address; use "
			       "canary_by=cookie:NAME or canary_by=connection",
			       m->section->name, option);
	}
}

static int read_by(struct service_making *m)
{
	static const char cookie[] = "cookie:";
	struct canary_config *c = &m->service->canary;
	const char *text = m->service->canary_by;

	if (!text || strcmp(text, "connection") == 0) {
		c->by = CANARY_BY_CONNECTION;
	} else if (strcmp(text, "source") == 0) {
		c->by = CANARY_BY_SOURCE;
		warn_of_loopback(m, "canary_by");
	} else if (strncmp(text, cookie, strlen(cookie)) == 0 &&
		   cookie_name_ok(text + strlen(cookie))) {
		c->by = CANARY_BY_COOKIE;
		c->cookie = arena_text(m->l->config->memory, text + strlen(cookie));
		check_cookie(m);
		return c->cookie ? 0 : -ENOMEM;
	} else {
		service_error(m, "canary_by",
			      "canary_by: '%.100s' is none of connection, source and cookie:NAME",
			      text);
	}
	return 0;
}

static void check_from(struct service_making *m)
{
	char **from = m->service->canary_from;
	struct diag diag = {0};
	struct network network;
	unsigned n = 0;

	for (; from && from[n]; n++) {
		if (network_parse(from[n], &network, &diag) < 0) {
			service_error(m, "canary_from", "canary_from: %s", diag.text);
		}
	}
	if (n > NETWORKS_MAX) {
		service_error(m, "canary_from", "canary_from: there are more than %d networks",
			      NETWORKS_MAX);
	} else if (n) {
		warn_of_loopback(m, "canary_from");
	}
}

static void read_failures(struct service_making *m)
{
	struct diag diag = {0};

	if (m->service->canary_failures &&
	    share_parse(m->service->canary_failures, &m->service->canary.failures, &diag) < 0) {
		service_error(m, "canary_failures", "canary_failures: %s", diag.text);
	}
}

int service_canary(struct service_making *m)
{
	read_steps(m);
	check_from(m);
	read_failures(m);
	return read_by(m);
}
