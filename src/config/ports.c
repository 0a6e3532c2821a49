#include "ports.h"

#include <ctype.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "messages.h"

static bool set_has(const struct port_set *s, unsigned port)
{
	return port <= UINT16_MAX && s->bits[port / 8] & 1u << port % 8;
}

void port_set_add(struct port_set *s, unsigned first, unsigned last)
{
	for (unsigned port = first; port <= last && port <= UINT16_MAX; port++) {
		s->bits[port / 8] |= (uint8_t)(1u << port % 8);
	}
}

static void set_merge(struct port_set *s, const struct port_set *other)
{
	for (size_t i = 0; i < sizeof(s->bits); i++) {
		s->bits[i] |= other->bits[i];
	}
}

static void set_print(const struct port_set *s, struct strbuf *out)
{
	const char *comma = "";

	for (unsigned port = 0; port <= UINT16_MAX; port++) {
		unsigned last = port;

		if (!set_has(s, port)) {
			continue;
		}
		while (set_has(s, last + 1)) {
			last++;
		}
		(void)strbuf_addf(out, "%s%u", comma, port);
		if (last > port) {
			(void)strbuf_addf(out, "-%u", last);
		}
		comma = ",";
		port = last;
	}
}

void port_set_parse(struct port_set *s, const char *text)
{
	while (isdigit((unsigned char)*text)) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-' || *end == '\t' || *end == ' ') {
			last = strtoul(end + 1, &end, 10);
		}
		if (first > UINT16_MAX || last > UINT16_MAX) {
			return;
		}
		port_set_add(s, (unsigned)first, (unsigned)last);
		text = end + (*end == ',');
	}
}

/* ---- slotd -t: ports that the kernel may give away before their workers are started ---------- */

/* The ports of one program, service or server that another connection may hold. */
struct exposed {
	const struct port_set *local, *reserved;
	struct port_set ports;
	unsigned n;
	struct port_set together; /* of all that were looked at, and reserved */
	bool telling;		  /* once it is known what they all are */
};

static void look_at(struct exposed *x, const char *address)
{
	struct endpoint e;

	endpoint_split(address, &e);
	if (!e.unix_socket && set_has(x->local, e.port) && !set_has(x->reserved, e.port) &&
	    !set_has(&x->ports, e.port)) {
		port_set_add(&x->ports, e.port, e.port);
		x->n++;
	}
}

/* On another machine the range is another. */
static bool is_here(const char *address)
{
	struct endpoint e;

	endpoint_split(address, &e);
	return endpoint_is_wildcard(&e) || endpoint_is_loopback(&e);
}

static void tell(struct exposed *x, struct config *c, struct config_place at, const char *what,
		 const char *name)
{
	CLEANUP(strbuf_done) struct strbuf ports = {0}, together = {0};

	if (x->n && x->telling) {
		set_print(&x->ports, &ports);
		set_print(&x->together, &together);
		config_warning(c, at,
			       "%s %s: port%s %s: the kernel uses the ports of "
			       "net.ipv4.ip_local_port_range for outgoing connections, so that a "
			       "port may be taken when it is needed; choose lower ports, or put "
			       "net.ipv4.ip_local_reserved_ports=%s into a file in /etc/sysctl.d",
			       what, name, x->n == 1 ? "" : "s", strbuf_str(&ports),
			       strbuf_str(&together));
	}
	set_merge(&x->together, &x->ports);
	x->ports = (struct port_set){0};
	x->n = 0;
}

static void check_program(struct exposed *x, struct config *c, const struct program_config *p)
{
	vec_for_each (w, &p->workers) {
		if (w->address && is_here(w->address)) {
			look_at(x, w->address);
		}
	}
	tell(x, c, p->place, "the workers of program", p->name);
}

static void check_all(struct exposed *x, struct config *c)
{
	vec_for_each (p, &c->programs) {
		check_program(x, c, *p);
	}
	vec_for_each (s, &c->services) {
		vec_for_each (address, &(*s)->listen) {
			look_at(x, *address);
		}
		tell(x, c, (*s)->place, "the public socket of service", (*s)->name);
	}
	vec_for_each (s, &c->servers) {
		look_at(x, s->address);
		tell(x, c, s->place, "the section", s->section);
	}
}

void config_check_ports(struct config *c, const struct port_set *local,
			const struct port_set *reserved)
{
	struct exposed x = {.local = local, .reserved = reserved, .together = *reserved};

	check_all(&x, c);
	x.telling = true;
	check_all(&x, c);
}
