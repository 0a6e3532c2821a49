#include "show/config_json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* getAllConfigInfo's struct. Unset texts are "none", an automatic log is "auto". */

static json_t *text_or_none(const char *text)
{
	return json_string(text ? text : "none");
}

static json_t *log_name(const struct log_config *log)
{
	return log->kind == LOG_KIND_AUTO ? json_string("auto") : text_or_none(log->path);
}

static void put_log(json_t *o, const char *channel, const struct log_config *log)
{
	const struct {
		const char *name;
		json_t *value;
	} fields[] = {
		{"capture_maxbytes", json_integer((json_int_t)log->capture_maxbytes)},
		{"events_enabled", json_boolean(log->events_enabled)},
		{"logfile", log_name(log)},
		{"logfile_backups", json_integer(log->backups)},
		{"logfile_maxbytes", json_integer((json_int_t)log->maxbytes)},
		{"syslog", json_boolean(log->syslog)},
	};
	char key[64];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		(void)snprintf(key, sizeof(key), "%s_%s", channel, fields[i].name);
		(void)json_object_set_new(o, key, fields[i].value);
	}
}

static json_t *exit_codes(const struct worker_policy *policy)
{
	json_t *list = json_array();

	for (unsigned code = 0; code < 256; code++) {
		if (policy->exitcodes[code / 32] & (1u << code % 32)) {
			(void)json_array_append_new(list, json_integer(code));
		}
	}
	return list;
}

static const char *autorestart_name(enum autorestart a)
{
	return a == AUTORESTART_ALWAYS ? "true" : a == AUTORESTART_NEVER ? "false" : "unexpected";
}

static json_t *seconds(usec_t span)
{
	return json_integer((json_int_t)(span / SECONDS(1)));
}

/* "http://ana:***@host": who may ask what runs need not know what it asks with. */
static json_t *url_or_none(const char *url)
{
	const char *scheme = url ? strstr(url, "://") : NULL;
	const char *user = scheme ? scheme + 3 : NULL;
	const char *host = user ? strrchr(user, '@') : NULL;
	const char *colon = host ? memchr(user, ':', (size_t)(host - user)) : NULL;

	return colon ? json_sprintf("%.*s:***%s", (int)(colon - url), url, host)
		     : text_or_none(url);
}

char *config_json(const struct worker_config *w, const struct group_config *g)
{
	const struct program_config *program = w->program;
	const struct worker_policy *policy = &program->policy;
	const struct {
		const char *name;
		json_t *value;
	} fields[] = {
		{"autostart", json_boolean(program->autostart)},
		{"autorestart", json_string(autorestart_name(policy->autorestart))},
		{"directory", text_or_none(w->directory)},
		{"uid", program->user.user ? json_integer((json_int_t)program->user.uid)
					   : json_string("none")},
		{"command", text_or_none(w->command)},
		{"exitcodes", exit_codes(policy)},
		{"group", json_string(g->name)},
		{"group_prio", json_integer(g->priority)},
		{"killasgroup", json_boolean(policy->killasgroup)},
		{"name", json_string(w->name)},
		{"process_prio", json_integer(program->priority)},
		{"redirect_stderr", json_boolean(program->redirect_stderr)},
		{"startretries", json_integer(policy->startretries)},
		{"startsecs", seconds(policy->startsecs)},
		{"stopsignal", json_integer(policy->stopsignal)},
		{"stopwaitsecs", seconds(policy->stopwaitsecs)},
		{"serverurl", url_or_none(program->serverurl)},
	};
	json_t *o = json_object();
	char *text;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		(void)json_object_set_new(o, fields[i].name, fields[i].value);
	}
	put_log(o, "stdout", &w->logs[0]);
	put_log(o, "stderr", &w->logs[1]);
	text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(o);
	return text;
}
