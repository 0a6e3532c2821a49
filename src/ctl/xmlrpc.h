#pragma once

/** XML-RPC on the wire: calls are written, replies are read. Pure. */

#include "value.h"

#include <slotd/diag.h>
#include <slotd/strbuf.h>
#include <stdarg.h>

/** A fault, as the server raised it. */
struct xmlrpc_fault {
	int code;
	char *text; /* never NULL when code is not 0 */
};

void xmlrpc_fault_done(struct xmlrpc_fault *f);

/**
 * Writes a call.
 *
 * @types  one letter an argument: s const char *, i int, b int as boolean.
 * Returns: 0, -ENOMEM, -E2BIG; or -EILSEQ: a text is not UTF-8, or has control characters.
 */
int xmlrpc_encode(struct strbuf *to, const char *method, const char *types, va_list ap);

/**
 * Reads a reply.
 *
 * Returns: 0 with *ret set; -EREMOTE with *ret_fault set; -EBADMSG and diag (with expat's sentence)
 *          when it is no reply that we can trust; -ENOMEM.
 */
int xmlrpc_decode(const char *data, size_t len, struct diag *diag, struct value *ret,
		  struct xmlrpc_fault *ret_fault);
