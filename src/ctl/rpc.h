#pragma once

/** Calls over one kept connection. Blocking; a signal without SA_RESTART ends the wait. */

#include "http.h"
#include "value.h"
#include "xmlrpc.h"

#include <signal.h>
#include <slotd/diag.h>
#include <slotd/fault.h>
#include <slotd/usec.h>

/** Called each second while an answer is awaited, and with 0 at the end of such a wait. */
typedef void rpc_tick_fn(void *data, unsigned seconds);

struct rpc {
	struct http_target target;
	int fd;			   /* kept connection, or -EBADF */
	struct xmlrpc_fault fault; /* of the last -EREMOTE */
	unsigned http_status;	   /* of the last -EPROTO that had one, else 0 */
	char http_reason[64];
	bool sent;		   /* the last call may have reached the server */
	const sigset_t *wait_mask; /* signal mask while waiting; NULL: as it is */
	unsigned patience;	   /* seconds of silence that end the call; 0: none */
	usec_t until;	   /* monotonic, when a call is given up with -ETIMEDOUT; 0: never */
	rpc_tick_fn *tick; /* may be NULL */
	void *tick_data;
};

enum {
	RPC_PATIENCE = HTTP_PATIENCE,
};

void rpc_init(struct rpc *rpc);
void rpc_done(struct rpc *rpc);
/** Another server, or another user. As http_target_init. */
int rpc_open(struct rpc *rpc, const char *url, const char *user, const char *password,
	     struct diag *diag);

/**
 * One call.
 *
 * @types  one letter an argument: s text, i int, b boolean.
 * @ret    may be NULL when the result does not matter. The caller ends it with value_done.
 * Returns: 0; -EREMOTE: rpc->fault; -EPROTO: not answered with 200 (rpc->http_status) or not by
 *          HTTP; -EBADMSG: no XML-RPC; -EILSEQ: an argument cannot be sent; -EINTR: a signal;
 * -ETIMEDOUT: nobody answered a method that waits for nothing within RPC_PATIENCE seconds; another
 * -errno of the connection. In each case but -EREMOTE diag has the sentence.
 */
int rpc_call(struct rpc *rpc, struct value *ret, struct diag *diag, const char *method,
	     const char *types, ...);

/** A GET whose body is appended to ret. As rpc_call. */
int rpc_get(struct rpc *rpc, const char *path, struct strbuf *ret, struct diag *diag);

/** A GET whose body goes to body as it comes, until the server or a signal ends it. As rpc_call. */
int rpc_stream(struct rpc *rpc, const char *path, http_body_fn *body, void *data,
	       struct diag *diag);
