#pragma once

/** A value of an XML-RPC request. */

#include <stddef.h>
#include <stdint.h>

enum rpc_type {
	RPC_STRING, /* also base64 (decoded) and dateTime.iso8601, as Supervisor gives them on */
	RPC_INT,
	RPC_BOOLEAN,
	RPC_DOUBLE,
	RPC_NIL,
	RPC_ARRAY,
	RPC_STRUCT,
	RPC_TYPE_MAX_,
	RPC_TYPE_INVALID_ = -22,
};

struct rpc_value {
	enum rpc_type type;
	int64_t number; /* INT, BOOLEAN */
	char *text;	/* STRING; DOUBLE as written. NUL-terminated, may hold more NULs */
	size_t len;
	char *name;			/* as a member of a struct */
	struct rpc_value *first, *last; /* ARRAY, STRUCT */
	struct rpc_value *next;		/* in its array or struct */
	unsigned n;			/* elements */
};

/** Frees it and all below it. Always NULL. */
struct rpc_value *rpc_value_free(struct rpc_value *v);
/** Appends; takes child. */
void rpc_value_append(struct rpc_value *to, struct rpc_value *child);
/** The member of a struct, NULL when it is none or has none. Of several, the last. */
const struct rpc_value *rpc_value_member(const struct rpc_value *v, const char *name);
