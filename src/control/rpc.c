#include "rpc.h"

#include "call.h"
#include "control.h"
#include "decode.h"
#include "encode.h"
#include "methods.h"

#include <slotd/cleanup.h>

#include <string.h>

enum {
	REPLY_MAX = 24 << 20,
};

/* A single call, or those of a multicall: always in order, one at a time. */
struct rpc {
	struct request *rq;
	struct decoder *decoder;
	struct rpc_request request;
	bool multi;
	const struct rpc_value *next; /* of a multicall: the one to run next */
	struct strbuf value;	      /* of the whole */
	struct strbuf one;	      /* of the call that runs */
	struct call call;
};

int rpc_begin(struct request *rq)
{
	struct rpc *rpc = calloc(1, sizeof(*rpc));
	int r;

	if (!rpc) {
		return -ENOMEM;
	}
	r = decoder_new(&rpc->decoder);
	if (r < 0) {
		free(rpc);
		return r;
	}
	rpc->rq = rq;
	rpc->value.max = rpc->one.max = REPLY_MAX;
	request_set_data(rq, rpc);
	return 0;
}

void rpc_body(struct request *rq, const void *data, size_t len)
{
	struct rpc *rpc = request_data(rq);

	(void)decoder_feed(rpc->decoder, data, len); /* decoder_end tells */
}

void rpc_gone(struct request *rq)
{
	struct rpc *rpc = request_data(rq);

	if (!rpc) {
		return;
	}
	if (rpc->call.control) {
		call_cancel(&rpc->call);
	}
	rpc->decoder = decoder_free(rpc->decoder);
	rpc_request_done(&rpc->request);
	strbuf_done(&rpc->value);
	strbuf_done(&rpc->one);
	free(rpc);
}

/* ---- one call after the other */

static void reply(struct rpc *rpc)
{
	struct strbuf text = {.max = REPLY_MAX + 4096};
	struct call *c = &rpc->call;

	if (rpc->value.error && !c->fault) {
		(void)call_fault(c, FAULT_FAILED, "the answer is too long");
	}
	if (!rpc->multi && c->fault) {
		encode_fault_reply(&text, c->fault, c->fault_text);
	} else if (rpc->value.error) {
		encode_fault_reply(&text, FAULT_FAILED, "FAILED: the answer is too long");
	} else {
		encode_reply(&text, &rpc->value);
	}
	strbuf_done(&rpc->value); /* a slow reader keeps the text alone */
	request_reply(rpc->rq, MHD_HTTP_OK, "text/xml", &text);
}

/* What became of one call of a multicall: its bare value or a fault's struct. */
static void collect(struct rpc *rpc)
{
	struct call *c = &rpc->call;

	if (!c->fault && rpc->one.error) {
		(void)call_fault(c, FAULT_FAILED, "the answer is too long");
	}
	if (c->fault) {
		encode_fault(&rpc->value, c->fault, c->fault_text);
	} else {
		(void)strbuf_add(&rpc->value, strbuf_str(&rpc->one), rpc->one.len);
	}
	strbuf_reset(&rpc->one);
}

static enum call_result run_element(struct rpc *rpc, const struct rpc_value *element)
{
	static const struct rpc_value none = {.type = RPC_ARRAY};
	const struct rpc_value *name = rpc_value_member(element, "methodName");
	const struct rpc_value *params = rpc_value_member(element, "params");
	struct call *c = &rpc->call;

	if (!name || name->type != RPC_STRING) {
		return call_fault(c, FAULT_INCORRECT_PARAMETERS, "No methodName");
	}
	if (params && params->type != RPC_ARRAY) {
		return call_fault(c, FAULT_INCORRECT_PARAMETERS, NULL);
	}
	return method_run(c, name->text, params ? params : &none);
}

static void advance(struct rpc *rpc)
{
	while (rpc->next && !rpc->value.error) {
		const struct rpc_value *element = rpc->next;

		rpc->next = element->next;
		if (run_element(rpc, element) == CALL_LATER) {
			return;
		}
		collect(rpc);
	}
	encode_array_end(&rpc->value);
	reply(rpc);
}

static void on_element_finished(struct call *c)
{
	struct rpc *rpc = container_of(c, struct rpc, call);

	collect(rpc);
	advance(rpc);
}

static void on_finished(struct call *c)
{
	reply(container_of(c, struct rpc, call));
}

static bool wants_brief_results(const struct request *rq)
{
	const char *results = request_header(rq, RESULTS_HEADER);

	return results && strcmp(results, RESULTS_BRIEF) == 0;
}

void rpc_run(struct request *rq)
{
	struct rpc *rpc = request_data(rq);
	int r = decoder_end(rpc->decoder, &rpc->request);
	const struct rpc_value *first = r < 0 ? NULL : rpc->request.params->first;

	if (r < 0) {
		request_reply_status(rq, r == -ENOMEM ? MHD_HTTP_SERVICE_UNAVAILABLE
						      : MHD_HTTP_BAD_REQUEST);
		return;
	}
	rpc->decoder = decoder_free(rpc->decoder);
	rpc->call.control = request_control(rq);
	rpc->call.peer = request_peer(rq);
	rpc->call.brief = wants_brief_results(rq);
	rpc->multi = strcmp(rpc->request.method, "system.multicall") == 0 && first &&
		     first->type == RPC_ARRAY && !first->next;
	rpc->call.finished = rpc->multi ? on_element_finished : on_finished;
	rpc->call.out = rpc->multi ? &rpc->one : &rpc->value;
	if (rpc->multi) {
		rpc->next = first->first;
		encode_array(&rpc->value);
		advance(rpc);
	} else if (method_run(&rpc->call, rpc->request.method, rpc->request.params) == CALL_DONE) {
		reply(rpc);
	}
}
