#include "requests.h"

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

/* Groups come from few configurations, mostly one: each is compared once. */
struct known_diff {
	const struct config *from;
	struct config_diff diff;
};

struct reload {
	struct supervisor *sup;
	bool busy, cancelled;
	bool again; /* another signal came meanwhile */
	enum reload_kind kind;
	uint32_t request;
	bool force;
	struct config *next;
	struct child child;
	struct strbuf answers; /* to config_ask, so far */
	struct loop_idle idle;
	VEC(struct config *) old;     /* that something may still point into */
	VEC(struct known_diff) diffs; /* of this reload */
};

/* What a reload reports; the numbers are the answer items' codes. */
enum item_kind {
	ITEM_ADDED,
	ITEM_CHANGED,
	ITEM_REMOVED,
	ITEM_RESTARTED,
	ITEM_MESSAGE,
};

static void on_idle(struct loop_idle *idle);

static struct reload *reload_of(struct supervisor *sup)
{
	struct reload *r = sup->reload;

	if (!r) {
		r = calloc(1, sizeof(*r));
		if (!r) {
			return NULL;
		}
		r->sup = sup;
		loop_idle_init(&r->idle, on_idle);
		sup->reload = r;
	}
	return r;
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

static void item(struct reload *r, enum item_kind kind, const char *group, const char *name,
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
		item(r, ITEM_MESSAGE, NULL, NULL, diag_format(&m->diag, line, sizeof(line)));
	}
}

static void forget_diffs(struct reload *r)
{
	vec_for_each (d, &r->diffs) {
		config_diff_done(&d->diff);
	}
	vec_done(&r->diffs);
}

static void finish(struct reload *r, int code, const char *text)
{
	uint32_t request = r->request;

	r->busy = false;
	r->request = 0;
	strbuf_done(&r->answers);
	forget_diffs(r);
	r->next = config_free(r->next);
	if (r->kind == RELOAD_APPLY) {
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
	const struct diag *first = NULL;

	reload_log_messages(config);
	vec_for_each (m, &config->messages) {
		if (m->error && !first) {
			first = &m->diag;
		}
	}
	send_messages(r, config);
	refuse(r, first ? first : &(struct diag){.text = "the configuration has errors"});
}

/* ---- what is different, seen from what runs */

/* NULL without memory. */
static const struct config_diff *diff_from(struct reload *r, const struct config *from)
{
	struct known_diff known = {.from = from};

	vec_for_each (d, &r->diffs) {
		if (d->from == from) {
			return &d->diff;
		}
	}
	if (config_diff(from, r->next, &known.diff) < 0) {
		return NULL;
	}
	if (vec_push(&r->diffs, known) < 0) {
		config_diff_done(&known.diff);
		return NULL;
	}
	return &r->diffs.at[r->diffs.len - 1].diff;
}

static bool listed(const struct config_diff *diff, const char *group, const char *worker,
		   enum change change)
{
	if (!worker) {
		vec_for_each (c, &diff->groups) {
			if (c->change == change && strcmp(c->group, group) == 0) {
				return true;
			}
		}
		return false;
	}
	vec_for_each (c, &diff->workers) {
		if (c->change == change && strcmp(c->group, group) == 0 &&
		    strcmp(c->worker, worker) == 0) {
			return true;
		}
	}
	return false;
}

/* Makes the diffs that change_processes looks into: nothing can fail there any more. */
static int compare_processes(struct reload *r, const struct group *g)
{
	vec_for_each (p, &g->processes) {
		if (!diff_from(r, (*p)->origin)) {
			return -ENOMEM;
		}
	}
	return 0;
}

/* Supervisor's reread: groups only, in its order. */
static int report_groups(struct reload *r)
{
	vec_for_each (g, &r->next->groups) {
		if (!group_find(r->sup, (*g)->name)) {
			item(r, ITEM_ADDED, (*g)->name, NULL, NULL);
		}
	}
	vec_for_each (g, &r->sup->groups) {
		const struct config_diff *diff = diff_from(r, (*g)->origin);

		if (!diff || compare_processes(r, *g) < 0) {
			return -ENOMEM;
		}
		if ((*g)->removed) {
			continue;
		}
		if (!config_group(r->next, (*g)->name)) {
			item(r, ITEM_REMOVED, (*g)->name, NULL, NULL);
		} else if (listed(diff, (*g)->name, NULL, CHANGE_DIFFERENT)) {
			item(r, ITEM_CHANGED, (*g)->name, NULL, NULL);
		}
	}
	return 0;
}

/* ---- applying */

static struct worker_config *find_worker(const struct group_config *g, const char *name)
{
	vec_for_each (w, &g->workers) {
		if (strcmp((*w)->name, name) == 0) {
			return *w;
		}
	}
	return NULL;
}

static void remove_process(struct process *p)
{
	p->removed = true;
	p->restart = false;
	process_stop(p);
}

/*
 * A worker that clients are connected to (its slot is live, or still drains) goes on with what it
 * has until its next start: a deploy, or a restart by hand.
 */
static void change_process(struct reload *r, struct process *p, const struct worker_config *config)
{
	if (process_ended(p)) {
		process_set_config(p, config, r->next);
		return;
	}
	p->next_config = config;
	p->next_origin = r->next;
	if (service_serves(p)) {
		p->pending = true;
	} else if (p->worker.state != WORKER_STOPPING) { /* who is asked to stop stays stopped */
		item(r, ITEM_RESTARTED, p->group->name, p->config->name, NULL);
		p->restart = true;
		process_stop(p);
	}
}

/* What differs is judged by what the worker runs with, which may be older than the group's. */
static void change_processes(struct reload *r, struct group *g, const struct group_config *config)
{
	for (size_t i = 0; i < g->processes.len; i++) {
		struct process *p = g->processes.at[i];
		const struct worker_config *w = find_worker(config, p->config->name);

		if (!w) {
			remove_process(p);
			continue;
		}
		p->restart = p->restart || p->removed;
		if (p->removed ||
		    listed(diff_from(r, p->origin), g->name, w->name, CHANGE_DIFFERENT)) {
			p->removed = false;
			change_process(r, p, w);
		} else {
			process_set_config(p, w, r->next);
		}
		publish_process(p);
	}
}

static void start_process(struct process *p)
{
	if (p->config->program->autostart && !service_passes_by(p)) {
		process_start(p);
	}
}

/* Its place among the group's processes; their number when there is none. */
static size_t place_of(const struct group *g, const char *name)
{
	size_t i = 0;

	while (i < g->processes.len && strcmp(g->processes.at[i]->config->name, name) != 0) {
		i++;
	}
	return i;
}

static void add_processes(struct reload *r, struct group *g, const struct group_config *config)
{
	struct diag diag = {0};
	struct process *p;

	vec_for_each (w, &config->workers) {
		if (place_of(g, (*w)->name) < g->processes.len) {
			continue;
		}
		if (group_add_process(g, *w, r->next, &diag, &p) < 0) {
			(void)log_diag(LOG_ERR, -ENOMEM, &diag);
			continue;
		}
		start_process(p);
	}
}

/* The order in which they start: the configuration's; what is removed comes last. */
static void order_processes(struct group *g)
{
	size_t at = 0;

	vec_for_each (w, &g->config->workers) {
		size_t from = place_of(g, (*w)->name);

		if (from < g->processes.len) {
			struct process *p = g->processes.at[from];

			memmove(&g->processes.at[at + 1], &g->processes.at[at],
				(from - at) * sizeof(struct process *));
			g->processes.at[at++] = p;
		}
	}
}

static void change_group(struct reload *r, struct group *g, const struct group_config *config)
{
	g->removed = false;
	change_processes(r, g, config);
	g->config = config;
	g->origin = r->next;
	g->priority = config->priority;
	add_processes(r, g, config);
	order_processes(g);
	publish_group(g);
}

static void apply_groups(struct reload *r)
{
	struct supervisor *sup = r->sup;
	struct diag diag = {0};
	struct group *added;

	for (size_t i = 0; i < sup->groups.len; i++) {
		struct group *g = sup->groups.at[i];
		const struct group_config *config = config_group(r->next, g->name);

		if (config) {
			change_group(r, g, config);
			continue;
		}
		g->removed = true;
		vec_for_each (p, &g->processes) {
			remove_process(*p);
		}
	}
	groups_sort(sup);
	vec_for_each (g, &r->next->groups) {
		if (group_find(sup, (*g)->name)) {
			continue;
		}
		if (group_add(sup, *g, r->next, &diag, &added) < 0) {
			(void)log_diag(LOG_ERR, -ENOMEM, &diag);
		} else {
			group_autostart(added);
		}
	}
}

/* ---- the steps */

static void make_available(struct reload *r)
{
	struct supervisor *sup = r->sup;

	if (vec_push(&r->old, sup->config) < 0) {
		log_line(LOG_ERR, "out of memory: the old configuration stays in memory");
	}
	sup->config = TAKE_PTR(r->next);
	publish_configs(sup);
	publish_daemon(sup);
}

static void apply(struct reload *r)
{
	struct supervisor *sup = r->sup;
	struct diag diag = {0};

	if (services_reload_prepare(sup, r->next, r->force, &diag) < 0) {
		refuse(r, &diag);
		return;
	}
	if (report_groups(r) < 0) {
		services_reload_abandon(sup);
		refuse(r, &(struct diag){.text = "out of memory"});
		return;
	}
	send_messages(r, r->next);
	services_reload_commit(sup, r->next);
	sup->services_config = r->next;
	apply_groups(r);
	make_available(r);
	ownlog_configure(sup);
	servers_reconfigure(sup);
	log_line(LOG_NOTICE, "the configuration was reloaded");
	finish(r, FAULT_SUCCESS, NULL);
}

/* The configuration is good: what was it wanted for? */
static void go_on(struct reload *r)
{
	if (r->kind == RELOAD_APPLY) {
		reload_log_messages(r->next);
		apply(r);
	} else if (r->kind == RELOAD_RESTART) {
		finish(r, FAULT_SUCCESS, NULL);
		supervisor_shutdown(r->sup, MOOD_RESTARTING);
	} else if (report_groups(r) < 0) {
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
	struct reload *r = reload_of(sup);

	if (!r) {
		answer(sup, request, FAULT_FAILED, "out of memory");
		return;
	}
	if (!is_free(r, kind, request)) {
		return;
	}
	r->busy = true;
	r->kind = kind;
	r->request = request;
	r->force = force;
	if (kind == RELOAD_APPLY) {
		notify_send("RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=reloading",
			    (unsigned long long)usec_monotonic());
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

void reload_continue(struct supervisor *sup)
{
	struct reload *r = reload_of(sup);

	if (r) {
		loop_idle_queue(sup->loop, &r->idle);
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
	forget_diffs(r);
	config_free(r->next);
	vec_for_each (old, &r->old) {
		config_free(*old);
	}
	vec_done(&r->old);
	free(r);
	sup->reload = NULL;
}
