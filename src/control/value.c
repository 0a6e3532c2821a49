#include "value.h"

#include <stdlib.h>
#include <string.h>

/* Deep values are freed without recursion: children are moved behind their parent. */
struct rpc_value *rpc_value_free(struct rpc_value *v)
{
	while (v) {
		struct rpc_value *next = v->next;

		if (v->first) {
			v->last->next = next;
			next = v->first;
		}
		free(v->text);
		free(v->name);
		free(v);
		v = next;
	}
	return NULL;
}

void rpc_value_append(struct rpc_value *to, struct rpc_value *child)
{
	if (to->last) {
		to->last->next = child;
	} else {
		to->first = child;
	}
	to->last = child;
	to->n++;
}

const struct rpc_value *rpc_value_member(const struct rpc_value *v, const char *name)
{
	const struct rpc_value *found = NULL;

	if (v->type != RPC_STRUCT) {
		return NULL;
	}
	for (const struct rpc_value *m = v->first; m; m = m->next) {
		found = strcmp(m->name, name) == 0 ? m : found;
	}
	return found;
}
