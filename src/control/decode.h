#pragma once

/**
 * XML-RPC requests: bytes in, a call out. Everything is bounded, whatever the client sends: the
 * number of values, the depth, and through the size of the body all texts. A document type
 * declaration (and so every entity but XML's own five) ends the reading.
 */

#include "value.h"

enum {
	DECODE_VALUES_MAX = 20000,
	DECODE_DEPTH_MAX = 64,
	DECODE_METHOD_MAX = 200,
};

struct rpc_request {
	char *method;
	struct rpc_value *params; /* an ARRAY, never NULL */
};

void rpc_request_done(struct rpc_request *r);

struct decoder;

/** 0 or -ENOMEM. */
int decoder_new(struct decoder **ret);
/** Always NULL. */
struct decoder *decoder_free(struct decoder *d);
/** The next bytes of the body. 0; -EBADMSG, -E2BIG or -ENOMEM, and so from then on. */
int decoder_feed(struct decoder *d, const void *data, size_t len);
/** The body ends here. 0 with *ret set; else as decoder_feed. */
int decoder_end(struct decoder *d, struct rpc_request *ret);
