#include "reload/reload.h"
#include "deploy/schedules.h"
#include "link/directories.h"
#include "link/lookout.h"
#include "link/ownlog.h"
#include "link/servers.h"
#include "reload/reload_groups.h"
#include "reload/service_reload.h"
#include "service/service.h"
#include "service/services.h"
#include "show/publish.h"
#include "show/requests.h"
#include "show/systemd.h"
#include "supervisor.h"
#include "worker/groups.h"
#include "worker/process.h"
#include "worker/processes.h"

#include <slotd/cleanup.h>
#include <slotd/notify.h>
#include <slotd/strbuf.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * A reload reads, checks and looks up everything in a child, makes the configuration of what that
 * found, and only then changes anything: all or nothing. What is unchanged keeps running and merely
 * points into the new configuration. A configuration lives as long as a worker, a group or the
 * services point into it.
 */

#define READING_PATIENCE SECONDS(300)

static void on_idle(struct loop_idle *idle);

int reload_init(struct supervisor *sup)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (!r) {
		return -ENOMEM;
	}
	r->sup = sup;
	loop_idle_init(&r->idle, on_idle);
	sup->reload = r;
	return 0;
}

void reload_log_messages(const struct config *config)
{
	char line[DIAG_TEXT_MAX + DIAG_FILE_MAX + 16];

	vec_for_each (m, &config->messages) {
		log_line(m->error ? LOG_ERR : LOG_WARNING, "%s",
			 diag_format(&m->diag, line, sizeof(line)));
	}
}

/* ---- answering */

void reload_item(struct reload *r, enum reload_item kind, const char *group, const char *name,
		 const char *text)
{
	struct message m;

	if (!r->request) {
		return;
	}
	message_init(&m, MSG_ANSWER_ITEM, r->request);
	message_put_u64(&m, TAG_CODE, kind);
	message_put_text(&m, TAG_GROUP, group);
	message_put_text(&m, TAG_NAME, name);
	message_put_text(&m, TAG_TEXT, text);
	(void)publish_answer(r->sup, &m);
}

static void send_messages(struct reload *r, const struct config *config)
{
	char line[DIAG_TEXT_MAX + DIAG_FILE_MAX + 16];

	vec_for_each (m, &config->messages) {
		reload_item(r, RELOAD_ITEM_MESSAGE, NULL, NULL,
			    diag_format(&m->diag, line, sizeof(line)));
	}
}

static void finish(struct reload *r, int code, const char *text)
{
	uint32_t request = r->request;

	r->busy = false;
	r->request = 0;
	strbuf_done(&r->answers);
	reload_forget_diffs(r);
	r->next = config_free(r->next);
	if (r->kind == RELOAD_APPLY && r->sup->mood == MOOD_RUNNING) {
		notify_send("READY=1");
		supervisor_notify_status(r->sup);
	}
	answer(r->sup, request, code, text);
	reload_sweep(r->sup);
	if (r->again) {
		r->again = false;
		reload_begin(r->sup, RELOAD_APPLY, 0, false);
	}
}

static void refuse(struct reload *r, const struct diag *diag)
{
	static const char *const names[] = {"reread", "reload", "restart"};
	char line[DIAG_TEXT_MAX + DIAG_FILE_MAX + 16];

	diag_format(diag, line, sizeof(line));
	log_line(LOG_ERR, "%s: nothing was changed: %s", names[r->kind], line);
	finish(r, FAULT_CANT_REREAD, line);
}

static void refuse_errors(struct reload *r, const struct config *config)
{
	struct diag first = {.text = "the configuration has errors"};

	reload_log_messages(config);
	vec_for_each (m, &config->messages) {
		if (m->error) {
			first = m->diag;
			break;
		}
	}
	if (config->n_errors > 1) {
		size_t used = strlen(first.text);

		(void)snprintf(first.text + used, sizeof(first.text) - used,
			       " (and %u more: slotd -t -c %s)", config->n_errors - 1,
			       r->sup->config->file);
	}
	send_messages(r, config);
	refuse(r, &first);
}

/* ---- the steps */

static void make_available(struct reload *r)
{
	struct supervisor *sup = r->sup;

	directories_keep(sup, r->next);
	if (vec_push(&r->old, sup->config) < 0) {
		log_line(LOG_ERR, "out of memory: the old configuration stays in memory");
	}
	sup->config = TAKE_PTR(r->next);
	publish_configs(sup);
	publish_daemon(sup);
}

static void report_services(struct reload *r)
{
	vec_for_each (c, &r->next->services) {
		const struct service *s = service_find(r->sup, (*c)->name);

		if (!s) {
			reload_item(r, RELOAD_ITEM_SERVICE_ADDED, NULL, (*c)->name, NULL);
		} else if (!config_service_equal(s->config, *c)) {
			reload_item(r, RELOAD_ITEM_SERVICE_CHANGED, NULL, (*c)->name, NULL);
		}
	}
	vec_for_each (s, &r->sup->services) {
		if (!config_service(r->next, (*s)->name)) {
			reload_item(r, RELOAD_ITEM_SERVICE_REMOVED, NULL, (*s)->name, NULL);
		}
	}
}

static void say_pending(void *arg, const char *text)
{
	log_line(LOG_WARNING, "%s", text);
	reload_item(arg, RELOAD_ITEM_MESSAGE, NULL, NULL, text);
}

static void apply(struct reload *r)
{
	struct supervisor *sup = r->sup;
	struct diag diag = {0};

	if (services_reload_prepare(sup, r->next, r->force, &diag) < 0) {
		refuse(r, &diag);
		return;
	}
	if (reload_report_groups(r) < 0) {
		services_reload_abandon(sup);
		refuse(r, &(struct diag){.text = "out of memory"});
		return;
	}
	report_services(r);
	send_messages(r, r->next);
	servers_pending(sup, r->next, say_pending, r);
	services_reload_commit(sup, r->next);
	sup->services_config = r->next;
	reload_apply_groups(r);
	schedules_look_soon(sup);
	make_available(r);
	ownlog_configure(sup);
	servers_reconfigure(sup);
	lookout_look(sup);
	log_line(LOG_NOTICE, "the configuration was reloaded");
	finish(r, FAULT_SUCCESS, NULL);
}

/* The answer is the last: who has it sees that slotd restarts. */
static void restart(struct reload *r)
{
	struct supervisor *sup = r->sup;
	uint32_t request = r->request;

	r->request = 0;
	finish(r, FAULT_SUCCESS, NULL);
	sup->restart(sup);
	answer(sup, request, FAULT_SUCCESS, NULL);
}

/* The configuration is good: what was it wanted for? */
static void go_on(struct reload *r)
{
	if (r->kind == RELOAD_APPLY) {
		reload_log_messages(r->next);
		apply(r);
	} else if (r->kind == RELOAD_RESTART) {
		restart(r);
	} else if (reload_report_groups(r) < 0) {
		refuse(r, &(struct diag){.text = "out of memory"});
	} else {
		make_available(r);
		finish(r, FAULT_SUCCESS, NULL);
	}
}

static void asked(struct child *c, const struct child_result *result)
{
	struct reload *r = c->owner;
	const struct supervisor_options *o = &r->sup->options;
	struct diag diag = {0};
	int error;

	if (r->cancelled) {
		finish(r, FAULT_SHUTDOWN_STATE, NULL);
		return;
	}
	if (result->status != 0 || r->answers.error) {
		(void)diag_set(&diag, -EIO,
			       result->timed_out ? "reading the configuration took too long"
						 : "reading the configuration failed");
		refuse(r, &diag);
		return;
	}
	error = config_load_answers(o->config_path, o->overrides, strbuf_str(&r->answers),
				    r->answers.len, &diag, &r->next);
	if (error == -EINVAL && r->next) {
		refuse_errors(r, r->next);
	} else if (error < 0) {
		refuse(r, &diag);
	} else {
		go_on(r);
	}
}

static void collect(struct child *c, const char *data, size_t len)
{
	struct reload *r = c->owner;

	(void)strbuf_add(&r->answers, data, len);
}

static int ask(void *data)
{
	const struct supervisor_options *o = data;

	return config_ask(o->config_path, o->overrides, STDOUT_FILENO) < 0 ? 1 : 0;
}

static void ask_in_child(struct reload *r)
{
	struct child_spec spec = CHILD_SPEC_INIT;
	struct diag diag = {0};
	int error;

	spec.spawn.run = ask;
	spec.spawn.data = &r->sup->options;
	spec.timeout = READING_PATIENCE;
	spec.done = asked;
	spec.output = collect;
	spec.owner = r;
	error = child_run(&r->sup->children, &r->child, &spec);
	if (error < 0) {
		(void)diag_set_errno(&diag, error, "cannot read the configuration");
		refuse(r, &diag);
	}
}

static bool is_free(struct reload *r, enum reload_kind kind, uint32_t request)
{
	if (!r->busy) {
		return true;
	}
	if (request) {
		answer(r->sup, request, FAULT_BUSY, "a reload is going on");
	} else {
		r->again = kind == RELOAD_APPLY;
	}
	return false;
}

void reload_begin(struct supervisor *sup, enum reload_kind kind, uint32_t request, bool force)
{
	struct reload *r = sup->reload;

	if (!is_free(r, kind, request)) {
		return;
	}
	r->busy = true;
	r->kind = kind;
	r->request = request;
	r->force = force;
	if (kind == RELOAD_APPLY) {
		notify_reloading("reloading");
		notify_extend(usec_add(READING_PATIENCE, SECONDS(30)));
	}
	ask_in_child(r);
}

/* ---- afterwards */

static bool is_needed(const struct supervisor *sup, const struct config *config)
{
	if (sup->config == config || sup->services_config == config) {
		return true;
	}
	vec_for_each (g, &sup->groups) {
		if ((*g)->origin == config) {
			return true;
		}
	}
	vec_for_each (p, &sup->processes) {
		if (*p && ((*p)->origin == config || (*p)->next_origin == config)) {
			return true;
		}
	}
	return false;
}

static void free_old_configs(struct reload *r)
{
	for (size_t i = 0; i < r->old.len;) {
		if (is_needed(r->sup, r->old.at[i])) {
			i++;
		} else {
			config_free(r->old.at[i]);
			vec_remove(&r->old, i);
		}
	}
}

static void finish_processes(struct supervisor *sup)
{
	for (size_t i = 0; i < sup->processes.len; i++) {
		struct process *p = sup->processes.at[i];

		if (!p || !process_ended(p)) {
			continue;
		}
		if (p->removed && !p->group->removed) {
			group_remove_process(p);
		} else if (p->restart) {
			p->restart = false;
			if (sup->mood == MOOD_RUNNING) {
				process_start(p);
			}
		}
	}
}

void reload_sweep(struct supervisor *sup)
{
	struct reload *r = sup->reload;

	finish_processes(sup);
	for (size_t i = sup->groups.len; i > 0; i--) {
		struct group *g = sup->groups.at[i - 1];

		if (g->removed && group_ended(g)) {
			group_remove(g);
		}
	}
	if (r && !r->busy) {
		free_old_configs(r);
	}
}

static void on_idle(struct loop_idle *idle)
{
	reload_sweep(container_of(idle, struct reload, idle)->sup);
}

void reload_process_entered(struct process *p, const struct plan_action *a)
{
	(void)a;
	if (p->removed || p->restart) {
		loop_idle_queue(p->sup->loop, &p->sup->reload->idle);
	}
}

void reload_cancel(struct supervisor *sup)
{
	struct reload *r = sup->reload;

	if (r && r->busy) {
		r->cancelled = true;
		r->again = false;
		child_kill(&r->child, SIGKILL);
	}
}

void reload_done(struct supervisor *sup)
{
	struct reload *r = sup->reload;

	if (!r) {
		return;
	}
	child_abandon(&r->child);
	loop_idle_cancel(sup->loop, &r->idle);
	strbuf_done(&r->answers);
	reload_forget_diffs(r);
	config_free(r->next);
	vec_for_each (old, &r->old) {
		config_free(*old);
	}
	vec_done(&r->old);
	free(r);
	sup->reload = NULL;
}
