#include "ports.h"

#include <ctype.h>
#include <stdlib.h>

bool port_set_has(const struct port_set *s, unsigned port)
{
	return port <= UINT16_MAX && s->bits[port / 8] & 1u << port % 8;
}

void port_set_add(struct port_set *s, unsigned first, unsigned last)
{
	for (unsigned port = first; port <= last && port <= UINT16_MAX; port++) {
		s->bits[port / 8] |= (uint8_t)(1u << port % 8);
	}
}

void port_set_merge(struct port_set *s, const struct port_set *other)
{
	for (size_t i = 0; i < sizeof(s->bits); i++) {
		s->bits[i] |= other->bits[i];
	}
}

void port_set_print(const struct port_set *s, struct strbuf *out)
{
	const char *comma = "";

	for (unsigned port = 0; port <= UINT16_MAX; port++) {
		unsigned last = port;

		if (!port_set_has(s, port)) {
			continue;
		}
		while (port_set_has(s, last + 1)) {
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
