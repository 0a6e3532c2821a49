#pragma once

/** A request for a health check, as plain data. Pure. */

#include <slotd/address.h>
#include <slotd/message.h>
#include <slotd/usec.h>

struct request {
	enum probe_kind kind;
	char *address_text;
	struct address address;
	usec_t timeout;
	unsigned proxy_protocol; /* version of the header that comes first; 0: none */
	/* PROBE_HTTP */
	char *path;
	char *host;   /* NULL: the address */
	char *header; /* lines, NULL: none */
	char *expect; /* list of statuses */
};

/**
 * Reads MSG_PROBE.
 *
 * Returns: 0; -EINVAL for a kind, address, path, header or list of statuses that cannot be used,
 *          with why in *ret_why (static text); -ENOMEM.
 */
int request_read(const struct message *m, struct request *ret, const char **ret_why);
void request_done(struct request *r);

/** Writes "http://127.0.0.1:8001/", without the path, which is sent unchanged. Returns buf. */
const char *request_url(const struct request *r, char *buf, size_t size);

/** Returns the value of the Host header. */
const char *request_host(const struct request *r);
