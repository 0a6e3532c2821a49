#include "call.h"

#include "control.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>

/* ---- results */

enum call_result call_fault(struct call *c, int code, const char *extra)
{
	const char *name = fault_name(code);
	size_t len = strlen(name);

	c->fault = code;
	if (!extra) {
		(void)snprintf(c->fault_text, sizeof(c->fault_text), "%s", name);
	} else if (strncmp(extra, name, len) == 0 && (extra[len] == ':' || !extra[len])) {
		(void)snprintf(c->fault_text, sizeof(c->fault_text), "%s", extra);
	} else {
		(void)snprintf(c->fault_text, sizeof(c->fault_text), "%s: %s", name, extra);
	}
	return CALL_DONE;
}

bool call_failed(struct call *c, const struct answer *a, const char *extra)
{
	if (a->code == FAULT_SUCCESS || a->code == 0) {
		return false;
	}
	extra = extra && *extra ? extra : NULL;
	if (*c->target && strcmp(a->text, c->target) == 0) {
		extra = call_text(c, 0);
	} else if (*a->text) {
		extra = a->text;
	}
	(void)call_fault(c, a->code > 0 && a->code < INT32_MAX ? (int)a->code : FAULT_FAILED,
			 extra);
	return true;
}

void call_finish(struct call *c)
{
	call_cancel(c);
	c->finished(c);
}

void call_cancel(struct call *c)
{
	command_cancel(&c->control->commands, &c->pending);
	loop_timer_stop(c->control->loop, &c->timer);
	if (c->left) {
		TAKE_PTR(c->left)(c);
	}
}

/* ---- arguments */

static bool is_integer(const struct rpc_value *v)
{
	char *end;

	if (v->type == RPC_INT) {
		return true;
	}
	if (v->type != RPC_STRING || !v->len || strlen(v->text) != v->len) {
		return false;
	}
	errno = 0;
	(void)strtoll(v->text, &end, 10);
	return !errno && !*end && end != v->text;
}

static bool fits(const struct rpc_value *v, enum param_type type)
{
	switch (type) {
	case PARAM_TEXT:
		return v->type == RPC_STRING;
	case PARAM_SCALAR:
	case PARAM_FLAG: /* Supervisor takes whatever Python can judge */
		return v->type != RPC_ARRAY && v->type != RPC_STRUCT && v->type != RPC_NIL;
	case PARAM_INT:
		return is_integer(v);
	case PARAM_LIST:
		return v->type == RPC_ARRAY;
	case PARAM_TYPE_MAX_:
		break;
	}
	return false;
}

static bool take_args(struct call *c, const struct rpc_value *params)
{
	const struct rpc_value *v = params->first;
	unsigned i = 0;

	for (const struct param *p = c->method->params; p->name; p++, i++) {
		if (!v && !p->optional) {
			return false;
		}
		if (v && !fits(v, p->type)) {
			return false;
		}
		c->args[i] = v;
		v = v ? v->next : NULL;
	}
	return !v;
}

bool call_has(const struct call *c, unsigned i)
{
	return c->args[i] != NULL;
}

const char *call_text(const struct call *c, unsigned i)
{
	return c->args[i] && c->args[i]->text ? c->args[i]->text : "";
}

int64_t call_int(const struct call *c, unsigned i)
{
	const struct rpc_value *v = c->args[i];

	return v->type == RPC_STRING ? strtoll(v->text, NULL, 10) : v->number;
}

bool call_flag(const struct call *c, unsigned i, bool otherwise)
{
	const struct rpc_value *v = c->args[i];

	if (!v) {
		return otherwise;
	}
	return v->type == RPC_DOUBLE   ? strtod(v->text, NULL) != 0
	       : v->type == RPC_STRING ? v->len != 0
				       : v->number != 0;
}

/* ---- who may read what is answered here; slotd judges the rest */

enum call_result call_forbidden(struct call *c, const char *service)
{
	char text[256];

	(void)snprintf(
		text, sizeof(text),
		"to read this takes the role read: use sudo, or add allow=read:USER to [%s%s]",
		service && *service ? "service:" : "slotd", service ? service : "");
	return call_fault(c, FAULT_FORBIDDEN, text);
}

bool call_reads(const struct call *c, const char *service)
{
	return access_reads(&c->control->access, c->peer, service);
}

static bool may_run(const struct call *c)
{
	const enum command_right may = command_row(c->command)->may;

	if (c->method->kind == METHOD_ALL_CONFIG_INFO) {
		return call_reads(c, NULL);
	}
	return may != MAY_ALL || access_has(&c->control->access, c->peer, ROLE_READ);
}

/* ---- running */

enum call_result call_run(struct call *c, const struct method *method, const struct method_way *way,
			  const struct rpc_value *params)
{
	c->fault = FAULT_NONE;
	memset(c->args, 0, sizeof(c->args));
	c->group = false;
	c->target[0] = '\0';
	if (!method) {
		return call_fault(c, FAULT_UNKNOWN_METHOD, NULL);
	}
	c->method = method;
	c->way = way;
	if (c->control->mirror.daemon.state != 1 && !way->always) {
		return call_fault(c, FAULT_SHUTDOWN_STATE, NULL);
	}
	if (!may_run(c)) {
		return call_forbidden(c, NULL);
	}
	if (!take_args(c, params)) {
		return call_fault(c, FAULT_INCORRECT_PARAMETERS, NULL);
	}
	return way->run(c);
}

/* ---- commands */

void call_message(struct call *c, struct message *m, enum message_type type)
{
	message_init(m, type, command_id(&c->control->commands));
	peer_put(c->peer, m);
}

static void on_answer(struct pending *p, struct answer *a)
{
	struct call *c = container_of(p, struct call, pending);

	if (a->code == FAULT_LOST && strncmp(c->method->name, "slotd.", 6) != 0) {
		a->code = FAULT_FAILED; /* Supervisor's clients stop at a number they do not know */
	}
	if (c->answered(c, a) == CALL_DONE) {
		call_finish(c);
	}
}

enum call_result call_command(struct call *c, struct message *m, call_answered_fn *answered)
{
	int r;

	c->answered = answered;
	r = command_send(&c->control->commands, &c->pending, m, on_answer);
	if (r == -EMSGSIZE) {
		return call_fault(c, FAULT_BAD_ARGUMENTS, "too long");
	}
	if (r < 0) {
		return call_fault(c, FAULT_FAILED,
				  r == -ENOTCONN ? "slotd is not running" : "slotd is busy");
	}
	return CALL_LATER;
}
