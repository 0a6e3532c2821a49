/* Methods that slotd carries out. */
#include "control.h"
#include "encode.h"
#include "methods.h"
#include "names.h"

#include <slotd/reload_item.h>

#include <stdio.h>
#include <string.h>

/* ---- names */

static bool known_group(const struct mirror *m, const char *group)
{
	return mirror_group(m, group) != NULL;
}

static bool resolve(struct call *c, enum about about, const char *name)
{
	const struct mirror *mirror = &c->control->mirror;
	struct namespec spec;

	if (about == ABOUT_GROUP) {
		(void)snprintf(c->target, sizeof(c->target), "%s:*", name);
		c->group = true;
		return known_group(mirror, name);
	}
	if (namespec_parse(name, &spec) < 0) {
		return false;
	}
	if (spec.whole) {
		(void)snprintf(c->target, sizeof(c->target), "%s:*", spec.group);
		c->group = true;
		return about == ABOUT_WORKER_OR_GROUP && known_group(mirror, spec.group);
	}
	(void)namespec_format(spec.group, spec.process, c->target, sizeof(c->target));
	return mirror_worker(mirror, spec.group, spec.process) != NULL;
}

bool resolve_target(struct call *c, enum about about)
{
	const char *name = call_text(c, 0);

	if (about == ABOUT_ALL) {
		(void)snprintf(c->target, sizeof(c->target), "all");
		return true;
	}
	if (!resolve(c, about, name)) {
		(void)call_fault(c, FAULT_BAD_NAME, name);
		return false;
	}
	return true;
}

/* ---- sending */

static void put_scalar(struct message *m, enum message_tag tag, const struct rpc_value *v)
{
	char text[32];

	if (v->text) {
		message_put_text(m, tag, v->text);
		return;
	}
	(void)snprintf(text, sizeof(text), "%lld", (long long)v->number);
	message_put_text(m, tag, text);
}

static void put_args(struct call *c, struct message *m, unsigned from)
{
	for (unsigned i = from; c->method->params[i].name; i++) {
		const struct param *p = &c->method->params[i];

		if (p->type == PARAM_FLAG) {
			message_put_u64(m, p->tag, call_flag(c, i, p->otherwise));
		} else if (call_has(c, i) && !(p->optional && !*call_text(c, i))) {
			put_scalar(m, p->tag, c->args[i]);
		}
	}
}

enum call_result run_command(struct call *c)
{
	bool named = c->method->about != ABOUT_NOTHING;
	struct message m;

	if (named && !resolve_target(c, c->method->about)) {
		return CALL_DONE;
	}
	call_message(c, &m, MSG_COMMAND);
	message_put_u64(&m, TAG_COMMAND, c->command);
	message_put_text(&m, TAG_NAME, named ? c->target : NULL);
	put_args(c, &m, named && c->method->about != ABOUT_ALL ? 1 : 0);
	return call_command(c, &m, c->way->answered);
}

/* ---- what answers mean */

enum call_result answer_true(struct call *c, struct answer *a)
{
	if (c->group) {
		return answer_results(c, a);
	}
	if (!call_failed(c, a, call_text(c, 0))) {
		encode_bool(c->out, true);
	}
	return CALL_DONE;
}

static bool is_good(const struct answer_item *item)
{
	return item->code == FAULT_SUCCESS || item->code == 0;
}

static void encode_result(struct strbuf *out, const struct answer_item *item, int64_t status,
			  const char *description)
{
	encode_struct(out);
	encode_member_text(out, "name", item->name);
	encode_member_text(out, "group", item->group);
	encode_member_int(out, "status", status);
	encode_member_text(out, "description", description);
	encode_struct_end(out);
}

static void encode_failure(struct strbuf *out, const struct answer_item *item)
{
	char name[CALL_TARGET_MAX];
	struct call text = {0};

	(void)call_fault(&text, (int)item->code,
			 *item->text
				 ? item->text
				 : namespec_format(item->group, item->name, name, sizeof(name)));
	encode_result(out, item, item->code, text.fault_text);
}

static void encode_success(struct strbuf *out, const struct answer_item *item, bool brief)
{
	char name[CALL_TARGET_MAX];

	if (brief) {
		encode_text(out, namespec_format(item->group, item->name, name, sizeof(name)));
	} else {
		encode_result(out, item, FAULT_SUCCESS, "OK");
	}
}

static bool same_process(const struct answer_item *x, const struct answer_item *y)
{
	return strcmp(x->name, y->name) == 0 && strcmp(x->group, y->group) == 0;
}

/* A process whose two logs were cleared has two items in a row: the one that failed is told. */
static bool spoken_for(const struct answer *a, size_t i)
{
	const struct answer_item *item = &a->items[i];

	if (i + 1 < a->n_items && same_process(item, item + 1) && is_good(item)) {
		return true;
	}
	return i > 0 && same_process(item, item - 1) && !is_good(item - 1);
}

enum call_result answer_results(struct call *c, struct answer *a)
{
	if (call_failed(c, a, call_text(c, 0))) {
		return CALL_DONE;
	}
	encode_array(c->out);
	for (size_t i = 0; i < a->n_items; i++) {
		const struct answer_item *item = &a->items[i];

		if (spoken_for(a, i)) {
			continue;
		}
		if (is_good(item)) {
			encode_success(c->out, item, c->brief);
		} else {
			encode_failure(c->out, item);
		}
	}
	encode_array_end(c->out);
	return CALL_DONE;
}

static void encode_items(struct strbuf *out, const struct answer *a, enum reload_item kind)
{
	encode_array(out);
	for (size_t i = 0; i < a->n_items; i++) {
		const struct answer_item *item = &a->items[i];
		char name[CALL_TARGET_MAX];

		if (item->code != kind) {
			continue;
		}
		encode_text(out,
			    kind == RELOAD_ITEM_MESSAGE ? item->text
			    : !*item->group		? item->name
			    : kind == RELOAD_ITEM_RESTARTED
				    ? namespec_format(item->group, item->name, name, sizeof(name))
				    : item->group);
	}
	encode_array_end(out);
}

/* [[added, changed, removed]]: the outer array is Supervisor's. */
enum call_result answer_reread(struct call *c, struct answer *a)
{
	if (call_failed(c, a, NULL)) {
		return CALL_DONE;
	}
	encode_array(c->out);
	encode_array(c->out);
	for (int kind = RELOAD_ITEM_ADDED; kind <= RELOAD_ITEM_REMOVED; kind++) {
		encode_items(c->out, a, (enum reload_item)kind);
	}
	encode_array_end(c->out);
	encode_array_end(c->out);
	return CALL_DONE;
}

enum call_result answer_reload(struct call *c, struct answer *a)
{
	if (call_failed(c, a, NULL)) {
		return CALL_DONE;
	}
	encode_struct(c->out);
	for (int kind = 0; kind < RELOAD_ITEM_MAX_; kind++) {
		encode_name(c->out, reload_item_name((enum reload_item)kind));
		encode_items(c->out, a, (enum reload_item)kind);
		encode_member_end(c->out);
	}
	encode_struct_end(c->out);
	return CALL_DONE;
}

enum call_result answer_text(struct call *c, struct answer *a)
{
	if (!call_failed(c, a, call_has(c, 0) ? call_text(c, 0) : NULL)) {
		encode_text(c->out, a->text);
	}
	return CALL_DONE;
}

enum call_result answer_job(struct call *c, struct answer *a)
{
	if (!call_failed(c, a, call_text(c, 0))) {
		/* The caller may follow it before slotd has said more of it. */
		(void)jobs_take(&c->control->jobs, a->job);
		encode_int(c->out, a->job);
	}
	return CALL_DONE;
}

enum call_result answer_lines(struct call *c, struct answer *a)
{
	if (call_failed(c, a, call_text(c, 0))) {
		return CALL_DONE;
	}
	encode_struct(c->out);
	encode_member_int(c->out, "code", a->n_items ? a->items[0].code : 0);
	encode_name(c->out, "lines");
	encode_array(c->out);
	for (size_t i = 0; i < a->n_items; i++) {
		encode_text(c->out, a->items[i].text);
	}
	encode_array_end(c->out);
	encode_member_end(c->out);
	encode_struct_end(c->out);
	return CALL_DONE;
}

/* ---- bytes for a worker, and events */

static enum call_result stdin_answered(struct call *c, struct answer *a);

/* As many messages as it takes, each after the answer to the one before. */
static enum call_result send_some(struct call *c)
{
	size_t left = c->args[1]->len - c->sent;
	size_t len = left > MESSAGE_BYTES_MAX ? MESSAGE_BYTES_MAX : left;
	struct message m;

	if (!resolve_target(c, ABOUT_WORKER)) {
		return CALL_DONE;
	}
	call_message(c, &m, MSG_STDIN);
	message_put_text(&m, TAG_NAME, c->target);
	message_put_bytes(&m, TAG_BYTES, c->args[1]->text + c->sent, len);
	c->sent += len;
	return call_command(c, &m, stdin_answered);
}

static enum call_result stdin_answered(struct call *c, struct answer *a)
{
	if (call_failed(c, a, call_text(c, 0))) {
		return CALL_DONE;
	}
	if (c->sent < c->args[1]->len) {
		return send_some(c);
	}
	encode_bool(c->out, true);
	return CALL_DONE;
}

enum call_result run_send_stdin(struct call *c)
{
	c->sent = 0;
	return send_some(c);
}

enum call_result run_send_event(struct call *c)
{
	const struct rpc_value *data = c->args[1];
	struct message m;
	char text[32];

	(void)snprintf(text, sizeof(text), "%lld", (long long)data->number);
	call_message(c, &m, MSG_EVENT);
	put_scalar(&m, TAG_NAME, c->args[0]);
	message_put_bytes(&m, TAG_BYTES, data->text ? data->text : text,
			  data->text ? data->len : strlen(text));
	return call_command(c, &m, answer_true);
}
