#include "dry_run.h"
#include "deploy/hooks.h"
#include "deploy/job_checks.h"
#include "dry_run_look.h"
#include "service/service.h"
#include "show/publish.h"
#include "show/requests.h"
#include "worker/process.h"

#include <slotd/cleanup.h>
#include <slotd/fault.h>
#include <slotd/strbuf.h>
#include <slotd/vec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RUNS_MAX = 8,
	SAID_MAX = 32 * 1024, /* by the child: some 400 ports */
	TEXT_MAX = 256 * 1024,
	LINE_SIZE = 16 * 1024, /* of an answer's item */
};

#define LOOK_PATIENCE SECONDS(20)

struct dry_run {
	struct dry_run *next;
	struct supervisor *sup;
	uint32_t request;
	int code; /* enum swap_exit, by what is known without the child */
	struct strbuf text;
	char why[DIAG_TEXT_MAX]; /* why it would be refused; "" */
	struct child child;
	char *said;
	size_t n_said;
};

/* ---- what slotd knows ---- */

static void add_heading(struct dry_run *d, const struct service *s, const struct job_request *req)
{
	const enum slot_id live = service_live(s);
	const bool named = req->release && *req->release;
	char from[128], to[128];

	(void)strbuf_addf(&d->text, "%s: %s is live; a deploy would go into %s\n", s->name,
			  service_slot_text(s, live, from, sizeof(from)),
			  service_slot_text(s, slot_other(live), to, sizeof(to)));
	(void)strbuf_addf(&d->text, "release: %s\n",
			  named ? req->release
			  : s->policy.has_hook[HOOK_RELEASE]
				  ? "what release_command prints after prepare"
				  : "without a name");
}

static void add_phases(struct dry_run *d, const struct service *s, const struct job_request *req)
{
	const struct begin begin = job_begin_as(s, req);
	struct deploy deploy;
	char span[USEC_TEXT_MAX], share[SHARE_TEXT_MAX];
	enum swap_step last = SWAP_NONE;

	service_phases(s, &begin, &deploy);
	(void)strbuf_addf(&d->text, "steps:");
	for (uint32_t i = 0; i < deploy.n; i++) {
		const struct deploy_phase *p = &deploy.phases[i];
		const bool canary = p->step == SWAP_CANARY;

		if (p->step == SWAP_PRECHECK || p->step == SWAP_RECORD ||
		    (p->step == SWAP_FLIP && last == SWAP_CHECK_RECORD)) {
			continue; /* a part of another one, to people */
		}
		(void)strbuf_addf(&d->text, "%s %s%s%s", last == SWAP_NONE ? "" : ",",
				  swap_step_name(p->step), canary ? " " : "",
				  canary ? share_format(deploy.weights[i], share) : "");
		if (p->limit != USEC_NEVER) {
			(void)strbuf_addf(&d->text, " (%s%s)",
					  p->step == SWAP_BAKE || canary ? "" : "at most ",
					  usec_format(p->limit, span, sizeof(span)));
		}
		last = p->step;
	}
	(void)strbuf_addf(&d->text, "\n");
}

static void add_commands(struct dry_run *d, const struct service_slot_config *slot)
{
	static const enum hook order[] = {HOOK_PREPARE, HOOK_RELEASE, HOOK_VERIFY, HOOK_AFTER_SWAP,
					  HOOK_ON_FAILURE};

	_Static_assert(ARRAY_SIZE(order) == HOOK_MAX_, "every hook is shown");
	for (size_t i = 0; i < ARRAY_SIZE(order); i++) {
		const char *line = slot->hooks[order[i]];

		if (line) {
			(void)strbuf_addf(&d->text, "%s:\n", hook_name(order[i]));
		}
		while (line && *line) {
			const size_t len = strcspn(line, "\n");

			(void)strbuf_addf(&d->text, "    %.*s\n", (int)len, line);
			line += len + (line[len] == '\n');
		}
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names alone: values may be secrets. */
static int add_environment(struct dry_run *d, const struct service *s, enum slot_id slot,
			   const struct process *worker)
{
	static const char *const of_jobs[] = {"SLOTD_JOB=", "SLOTD_KIND=", "SLOTD_RESULT="};
	CLEANUP(env_done) struct env env = {0};
	auto_free char **names = NULL;
	int r = hooks_environment(s, slot, worker, &env);

	for (size_t i = 0; i < ARRAY_SIZE(of_jobs) && r == 0; i++) {
		r = env_set(&env, of_jobs[i]);
	}
	if (r < 0 || !(names = calloc(env.len, sizeof(*names)))) {
		return r < 0 ? r : -ENOMEM;
	}
	memcpy(names, env.at, env.len * sizeof(*names));
	qsort(names, env.len, sizeof(*names), by_name);
	(void)strbuf_addf(&d->text, "environment:");
	for (size_t i = 0; i < env.len; i++) {
		(void)strbuf_addf(&d->text, " %.*s", (int)strcspn(names[i], "="), names[i]);
	}
	return strbuf_addf(&d->text, "\n");
}

static int describe(struct dry_run *d, struct service *s, const struct job_request *req)
{
	const enum slot_id slot = slot_other(service_live(s));
	const struct service_slot_config *config = &s->config->slots[slot];
	const struct process *worker = hooks_worker(s, slot);
	struct spawn_user user;

	add_heading(d, s, req);
	add_phases(d, s, req);
	if (!worker) {
		return d->text.error;
	}
	(void)strbuf_addf(&d->text, "user: %s\n",
			  hooks_user(worker, &user) ? user.name : "that of slotd");
	if (config->prepare_directory) {
		(void)strbuf_addf(&d->text, "directory: %s\n", config->prepare_directory);
	}
	add_commands(d, config);
	return add_environment(d, s, slot, worker);
}

/* ---- the answer ---- */

static void send_line(struct dry_run *d, const char *line, size_t len)
{
	struct message m;
	char text[LINE_SIZE];

	(void)snprintf(text, sizeof(text), "%.*s", (int)len, line);
	message_init(&m, MSG_ANSWER_ITEM, d->request);
	message_put_i64(&m, TAG_CODE, d->code);
	message_put_text(&m, TAG_TEXT, text);
	(void)publish_answer(d->sup, &m);
}

static void send_text(struct dry_run *d, const char *text)
{
	while (*text) {
		const size_t len = strcspn(text, "\n");

		send_line(d, text, len);
		text += len + (text[len] == '\n');
	}
}

/* What it has found is a reason only if there was none before. */
static void take_look(struct dry_run *d)
{
	for (const char *line = d->said; *line;) {
		const size_t len = strcspn(line, "\n");
		const bool blocks = *line == '!';

		(void)strbuf_addf(&d->text, "%.*s\n", (int)(len - blocks), line + blocks);
		if (blocks && !*d->why) {
			d->code = SWAP_EXIT_FAILED;
			(void)snprintf(d->why, sizeof(d->why), "%.*s", (int)(len - 1), line + 1);
		}
		line += len + (line[len] == '\n');
	}
}

static void dry_run_free(struct dry_run *d)
{
	struct dry_run **at = &d->sup->dry_runs;

	while (*at && *at != d) {
		at = &(*at)->next;
	}
	if (*at) {
		*at = d->next;
	}
	child_abandon(&d->child);
	strbuf_done(&d->text);
	free(d->said);
	free(d);
}

static void give(struct dry_run *d)
{
	if (*d->why) {
		(void)strbuf_addf(&d->text, "It would fail: %s\n", d->why);
	} else {
		(void)strbuf_addf(&d->text, "It would begin.\n");
	}
	if (d->text.error) {
		answer(d->sup, d->request, FAULT_FAILED, strerror(-d->text.error));
	} else {
		send_text(d, strbuf_str(&d->text));
		answer(d->sup, d->request, FAULT_SUCCESS, NULL);
	}
	dry_run_free(d);
}

static void on_output(struct child *c, const char *data, size_t len)
{
	struct dry_run *d = container_of(c, struct dry_run, child);

	child_keep_output(d->said, SAID_MAX, &d->n_said, data, len);
}

static void on_looked(struct child *c, const struct child_result *result)
{
	struct dry_run *d = container_of(c, struct dry_run, child);

	take_look(d);
	if (result->status) {
		(void)strbuf_addf(&d->text, "disk and ports: not all is known, %s\n",
				  result->timed_out ? "looking took longer than 20 s"
						    : "who looked has failed");
	}
	give(d);
}

/* ---- the child ---- */

struct ports {
	VEC(struct dry_run_port) all;
};

static void ports_done(struct ports *p)
{
	vec_done(&p->all);
}

static int list_ports(const struct service *s, enum slot_id slot, struct ports *ret)
{
	const struct process *p;
	size_t pos = 0;
	int r = 0;

	while (r == 0 && (p = service_next(s, slot, &pos))) {
		if (p->config->address) {
			r = vec_push(&ret->all,
				     ((struct dry_run_port){p->config->address, p->config->name,
							    (int)p->pid}));
		}
	}
	return r < 0 ? r : 0;
}

static int look(struct dry_run *d, const struct service *s)
{
	const enum slot_id slot = slot_other(service_live(s));
	CLEANUP(ports_done) struct ports ports = {0};
	struct child_spec spec = CHILD_SPEC_INIT;
	struct dry_run_look look;
	int r = list_ports(s, slot, &ports);

	if (r < 0) {
		return r;
	}
	look = (struct dry_run_look){
		.directory = s->config->slots[slot].prepare_directory,
		.min_free = s->config->min_free,
		.ports = ports.all.at,
		.n_ports = ports.all.len,
	};
	spec.spawn.run = dry_run_look;
	spec.spawn.data = &look;
	spec.timeout = LOOK_PATIENCE;
	spec.output = on_output;
	spec.done = on_looked;
	return child_run(&d->sup->children, &d->child, &spec);
}

/* ---- from outside ---- */

static int make(struct supervisor *sup, uint32_t request, struct dry_run **ret, struct diag *diag)
{
	struct dry_run *d;
	unsigned n = 0;

	for (d = sup->dry_runs; d; d = d->next) {
		n++;
	}
	if (n >= RUNS_MAX) {
		return diag_set(diag, -EBUSY, "%u dry runs are under way: try again later", n);
	}
	d = calloc(1, sizeof(*d));
	if (d) {
		*d = (struct dry_run){.sup = sup, .request = request, .next = sup->dry_runs};
		d->text.max = TEXT_MAX;
		d->said = calloc(1, SAID_MAX);
		sup->dry_runs = d;
	}
	if (!d || !d->said) {
		if (d) {
			dry_run_free(d);
		}
		return diag_set_errno(diag, -ENOMEM, "dry run");
	}
	*ret = d;
	return 0;
}

int dry_run_begin(struct supervisor *sup, const struct job_request *req, uint32_t request,
		  struct diag *diag)
{
	struct diag refusal = {0};
	struct dry_run *d = NULL;
	struct service *s;
	int r = request_service(sup, req, "deploy", &s, diag);

	r = r == 0 ? make(sup, request, &d, diag) : r;
	if (r < 0) {
		return r;
	}
	r = job_may_begin(s, req, &refusal);
	if (r < 0) {
		d->code = r == -EBUSY || r == -ECANCELED ? SWAP_EXIT_BUSY : SWAP_EXIT_FAILED;
		(void)snprintf(d->why, sizeof(d->why), "%s", refusal.text);
	}
	r = s->down ? 0 : describe(d, s, req);
	r = r == 0 ? look(d, s) : r;
	if (r < 0) {
		dry_run_free(d);
		return diag_set_errno(diag, r, "%s: dry run", s->name);
	}
	return 0;
}

void dry_runs_done(struct supervisor *sup)
{
	while (sup->dry_runs) {
		dry_run_free(sup->dry_runs);
	}
}
