/* system.*: what there is to call. */
#include "encode.h"
#include "methods.h"

enum call_result run_list_methods(struct call *c)
{
	const struct method *m;

	encode_array(c->out);
	for (size_t i = 0; (m = method_at(i)); i++) {
		encode_text(c->out, m->name);
	}
	encode_array_end(c->out);
	return CALL_DONE;
}

enum call_result run_method_help(struct call *c)
{
	const struct method *m = method_find(call_text(c, 0), NULL);

	if (!m) {
		return call_fault(c, FAULT_SIGNATURE_UNSUPPORTED, NULL);
	}
	encode_text(c->out, m->help);
	return CALL_DONE;
}

enum call_result run_method_signature(struct call *c)
{
	const struct method *m = method_find(call_text(c, 0), NULL);

	if (!m) {
		return call_fault(c, FAULT_SIGNATURE_UNSUPPORTED, NULL);
	}
	encode_array(c->out);
	encode_text(c->out, method_way(m->kind)->returns);
	for (const struct param *p = m->params; p->name; p++) {
		encode_text(c->out, param_type_name(p->type));
	}
	encode_array_end(c->out);
	return CALL_DONE;
}

enum call_result run_multicall(struct call *c)
{
	return call_fault(c, FAULT_INCORRECT_PARAMETERS, "Recursive system.multicall forbidden");
}
