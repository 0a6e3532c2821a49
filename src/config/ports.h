#pragma once

/** Sets of ports, as the kernel writes them in net.ipv4.ip_local_reserved_ports: "80,8001-8005". */

#include <slotd/config.h>

struct port_set {
	uint8_t bits[(UINT16_MAX + 1) / 8];
};

/** Adds the ports from first to last; what is above 65535 is left out. */
void port_set_add(struct port_set *s, unsigned first, unsigned last);
/** Adds the ports in a text, up to the first part that is not a port or range. A range may have a
 * blank instead of its -. */
void port_set_parse(struct port_set *s, const char *text);

/** Adds a warning for each program, service and server with a port that is local, not reserved. */
void config_check_ports(struct config *c, const struct port_set *local,
			const struct port_set *reserved);
