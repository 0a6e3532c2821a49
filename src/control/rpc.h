#pragma once

/** /RPC2: XML-RPC over POST. The functions of its route (http.h). */

#include "http.h"

int rpc_begin(struct request *rq);
void rpc_body(struct request *rq, const void *data, size_t len);
void rpc_run(struct request *rq);
void rpc_gone(struct request *rq);
