/* Methods answered from the mirror. */
#include "control.h"
#include "describe.h"
#include "encode.h"
#include "info.h"
#include "methods.h"
#include "names.h"

#include <slotd/json_read.h>

enum call_result run_text(struct call *c)
{
	encode_text(c->out, c->method->text);
	return CALL_DONE;
}

enum call_result run_identification(struct call *c)
{
	encode_text(c->out, c->control->mirror.daemon.identifier);
	return CALL_DONE;
}

const char *daemon_statename(int64_t state)
{
	return state == 1    ? "RUNNING"
	       : state == 0  ? "RESTARTING"
	       : state == -1 ? "SHUTDOWN"
			     : "FATAL";
}

int64_t daemon_state(const struct control *c)
{
	return c->commands.nobody ? 2 : c->mirror.daemon.state;
}

enum call_result run_state(struct call *c)
{
	int64_t state = daemon_state(c->control);

	encode_struct(c->out);
	encode_member_int(c->out, "statecode", state);
	encode_member_text(c->out, "statename", daemon_statename(state));
	encode_struct_end(c->out);
	return CALL_DONE;
}

enum call_result run_pid(struct call *c)
{
	encode_int(c->out, c->control->mirror.daemon.pid);
	return CALL_DONE;
}

void encode_process_info(struct strbuf *out, const struct mirror_worker *w, uint64_t now)
{
	char text[512];

	encode_member_text(out, "name", w->name);
	encode_member_text(out, "group", w->group);
	encode_member_int(out, "start", (int64_t)(w->started / SECONDS(1)));
	encode_member_int(out, "stop", (int64_t)(w->stopped / SECONDS(1)));
	encode_member_int(out, "now", (int64_t)(now / SECONDS(1)));
	encode_member_int(out, "state", w->state);
	encode_member_text(out, "statename", worker_statename(w->state));
	encode_member_text(out, "spawnerr", w->spawnerr);
	encode_member_int(out, "exitstatus", w->status);
	encode_member_text(out, "logfile", w->stdout_path);
	encode_member_text(out, "stdout_logfile", w->stdout_path);
	encode_member_text(out, "stderr_logfile", w->stderr_path);
	encode_member_int(out, "pid", w->pid);
	encode_member_text(out, "description", worker_description(w, now, text, sizeof(text)));
}

enum call_result run_process_info(struct call *c)
{
	const char *name = call_text(c, 0);
	const struct mirror_worker *w;
	struct namespec spec;

	if (namespec_parse(name, &spec) < 0 || spec.whole) {
		return call_fault(c, FAULT_BAD_NAME, name);
	}
	w = mirror_worker(&c->control->mirror, spec.group, spec.process);
	if (!w) {
		return call_fault(c, FAULT_BAD_NAME, name);
	}
	if (!call_reads(c, w->service)) {
		return call_forbidden(c, w->service);
	}
	encode_struct(c->out);
	encode_process_info(c->out, w, usec_wall());
	encode_struct_end(c->out);
	return CALL_DONE;
}

enum call_result run_all_process_info(struct call *c)
{
	uint64_t now = usec_wall();

	encode_array(c->out);
	vec_for_each (w, &c->control->mirror.workers) {
		if (call_reads(c, (*w)->service)) {
			encode_struct(c->out);
			encode_process_info(c->out, *w, now);
			encode_struct_end(c->out);
		}
	}
	encode_array_end(c->out);
	return CALL_DONE;
}

/* What a list of a thousand needs, in a third of the bytes. */
enum call_result run_processes(struct call *c)
{
	uint64_t now = usec_wall();
	char text[512];

	encode_array(c->out);
	vec_for_each (worker, &c->control->mirror.workers) {
		const struct mirror_worker *w = *worker;

		if (!call_reads(c, w->service)) {
			continue;
		}
		encode_struct(c->out);
		encode_member_text(c->out, "name", w->name);
		encode_member_text(c->out, "group", w->group);
		encode_member_int(c->out, "state", w->state);
		encode_member_text(c->out, "statename", worker_statename(w->state));
		encode_member_text(c->out, "description",
				   worker_description(w, now, text, sizeof(text)));
		encode_struct_end(c->out);
	}
	encode_array_end(c->out);
	return CALL_DONE;
}

/* ---- configuration: slotd sends each process as a JSON object in the order of its members */

static void encode_json(struct strbuf *out, const json_t *value)
{
	const json_t *item;
	size_t i;

	switch (json_typeof(value)) {
	case JSON_INTEGER:
		encode_int(out, json_integer_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		encode_bool(out, json_is_true(value));
		break;
	case JSON_STRING:
		encode_bytes(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_ARRAY:
		encode_array(out);
		json_array_foreach(value, i, item)
		{
			encode_json(out, item);
		}
		encode_array_end(out);
		break;
	case JSON_OBJECT:
	case JSON_REAL:
	case JSON_NULL:
		encode_text(out, "none"); /* Supervisor's word for what is not set */
		break;
	}
}

/* An automatic log has its name once the worker exists. */
static void name_auto_log(json_t *root, const char *key, const char *path)
{
	const char *configured = json_string_value(json_object_get(root, key));

	if (path && *path && configured && strcmp(configured, "auto") == 0) {
		(void)json_object_set_new(root, key, json_string(path));
	}
}

static void encode_config(struct strbuf *out, const struct mirror *m, const struct mirror_config *c)
{
	const struct mirror_worker *w = mirror_worker(m, c->group, c->name);
	json_t *root, *value;
	const char *key;

	if (json_read(c->json, strlen(c->json), 0, NULL, &root) < 0 || !json_is_object(root)) {
		json_decref(root);
		return;
	}
	/* What runs is known here; the file does not say it. */
	(void)json_object_set_new(root, "inuse", json_boolean(mirror_group(m, c->group)));
	name_auto_log(root, "stdout_logfile", w ? w->stdout_path : NULL);
	name_auto_log(root, "stderr_logfile", w ? w->stderr_path : NULL);
	encode_struct(out);
	json_object_foreach(root, key, value)
	{
		encode_name(out, key);
		encode_json(out, value);
		encode_member_end(out);
	}
	encode_struct_end(out);
	json_decref(root);
}

enum call_result run_all_config_info(struct call *c)
{
	encode_array(c->out);
	vec_for_each (config, &c->control->mirror.configs) {
		encode_config(c->out, &c->control->mirror, *config);
	}
	encode_array_end(c->out);
	return CALL_DONE;
}
