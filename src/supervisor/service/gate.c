#include "service/gate.h"
#include "link/helpers.h"
#include "service/environment.h"
#include "service/gate_report.h"
#include "service/handoff_ops.h"
#include "service/observers.h"
#include "service/place.h"
#include "service/service.h"
#include "service/slots.h"
#include "service/vitals.h"
#include "worker/observers.h"
#include "worker/process.h"
#include "worker/process_row.h"

#include <slotd/cleanup.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* A worker that is not healthy yet is asked again soon, then ever later: up to this while a gate
 * waits for it, else up to health_interval. */
#define SOON		  MSECONDS(50)
#define GATE_INTERVAL_MAX MSECONDS(500)

/* slotd-probe answers some check within the longest health_timeout, or it hangs. */
#define PROBE_PATIENCE SECONDS(5)

/* One check on its way, by slotd-probe or a command. */
struct check {
	struct check *next;
	struct supervisor *sup;
	uint32_t id;
	uint32_t worker; /* place in the ledger */
	pid_t pid;	 /* of the worker that was asked: another's answer is void */
	bool by_command;
	struct child child;
	char output[256]; /* first line of a command's output */
	size_t len;
};

struct gate {
	struct supervisor *sup;
	struct log_once unmade; /* a check for which there is no room */
	struct check *checks;
	unsigned asked; /* of them, of slotd-probe */
	struct loop_timer silence;
};

static void on_silence(struct loop_timer *t)
{
	struct helper *h = helper_of(container_of(t, struct gate, silence)->sup, HELPER_PROBE);

	log_line(LOG_ERR, "slotd-probe (pid %d) does not answer: restarting it", (int)h->child.pid);
	child_kill(&h->child, SIGKILL);
}

/* With the first service: of a supervisor that has one it is always there. */
static int make_gate(struct supervisor *sup)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (!g) {
		return -ENOMEM;
	}
	g->sup = sup;
	loop_timer_init(&g->silence, on_silence);
	sup->gate = g;
	return 0;
}

static void expect_answer(struct gate *g)
{
	usec_t patience = PROBE_PATIENCE;

	vec_for_each (s, &g->sup->services) {
		usec_t longest = usec_add((*s)->config->health_timeout, PROBE_PATIENCE);

		patience = longest > patience ? longest : patience;
	}
	loop_timer_set(g->sup->loop, &g->silence,
		       g->asked ? usec_add(usec_monotonic(), patience) : USEC_NEVER);
}

static struct check *take_check(struct supervisor *sup, uint32_t id, bool by_command)
{
	struct gate *g = sup->gate;

	for (struct check **at = g ? &g->checks : NULL; at && *at; at = &(*at)->next) {
		if ((*at)->id == id && (*at)->by_command == by_command) {
			struct check *c = *at;

			*at = c->next;
			return c;
		}
	}
	return NULL;
}

static struct process *process_of(const struct check *c)
{
	struct process *p =
		c->worker < c->sup->processes.len ? c->sup->processes.at[c->worker] : NULL;

	return p && p->service && p->pid == c->pid ? p : NULL;
}

/* ---- the gate's judgement ---- */

/* "5/5 healthy", or what stands in the way. */
static void evaluate(struct service *s)
{
	struct slot_count count;
	char text[PLAN_TEXT_MAX];

	if (!s->gating) {
		return;
	}
	slot_count(s, s->swap.target, &count);
	switch (slot_judge(s, &count, count.healthy)) {
	case GATE_PASSED:
		(void)snprintf(text, sizeof(text), "%u/%u healthy", count.healthy, count.total);
		service_step(s, DEPLOY_EV_READY, 0, text);
		break;
	case GATE_HOPELESS:
		service_step(s, DEPLOY_EV_NOT_READY, 0, gate_report(s, text, sizeof(text)));
		break;
	default:
		break;
	}
}

/* ---- results ---- */

static struct gate_policy policy_now(const struct service *s, const struct process *p)
{
	struct gate_policy policy = s->gate_policy;
	bool waited_for =
		(s->gating && p->slot == s->swap.target) || p->roll.state == ROLL_STARTING;
	usec_t most = waited_for ? GATE_INTERVAL_MAX : policy.interval;
	usec_t grown = p->health.good ? SOON : SOON * ((usec_t)p->health.failed + 1);

	if (!p->health.healthy) {
		policy.interval = grown < most ? grown : most;
	}
	return policy;
}

static bool judge_health(struct process *p, const struct gate_policy *policy, bool ok)
{
	bool changed = health_result(&p->health, policy, ok, p->worker.started, usec_monotonic());

	process_commit(p);
	return changed;
}

/* The last one of the live slot: connections go on to all that run. */
static void say_if_none_is_left(struct service *s, const struct process *p)
{
	struct slot_count count;

	slot_count(s, p->slot, &count);
	if (p->slot == service_live(s) && !count.healthy) {
		service_say(s, LOG_ERR,
			    "no worker of the live slot is healthy: new connections go to all "
			    "that run (%u of %u)",
			    count.running, count.total);
	}
}

static void tell_change(struct service *s, struct process *p, const char *why)
{
	const bool ok = p->health.healthy;

	service_say(s, ok ? LOG_INFO : LOG_WARNING, "%s is %s%s%s", p->config->name,
		    ok ? "healthy" : "unhealthy", why ? ": " : "", why ? why : "");
	if (ok) {
		p->health_text[0] = '\0';
		s->sup->handoff->worker_again(s, p);
	} else {
		say_if_none_is_left(s, p);
	}
	process_changed(p);
	service_changed(s);
	service_settle_soon(s);
}

void gate_heard(struct process *p, bool changed, const char *why)
{
	struct service *s = p->service;

	if (why && strncmp(p->health_text, why, sizeof(p->health_text) - 1) != 0) {
		(void)snprintf(p->health_text, sizeof(p->health_text), "%s", why);
		process_changed(p);
	}
	if (changed) {
		tell_change(s, p, why);
	}
	evaluate(s);
	service_judged(s);
	gate_schedule(s);
}

static void judge(struct process *p, bool ok, const char *text)
{
	struct gate_policy policy = policy_now(p->service, p);

	p->probing = false;
	if (p->service->config->health == HEALTH_NOTIFY) {
		return; /* asked before a reload */
	}
	gate_heard(p, judge_health(p, &policy, ok), ok ? NULL : text);
	if (!ok) {
		vitals_failed(p);
	}
}

/* No answer is no result: the check is made again. */
static void no_result(struct process *p)
{
	p->probing = false;
	p->health.next = usec_add(usec_monotonic(), GATE_INTERVAL_MAX);
	gate_schedule(p->service);
}

static void say_unmade(struct process *p, int error)
{
	if (log_once(&p->sup->gate->unmade, usec_monotonic(), NULL)) {
		service_say(p->service, LOG_WARNING, "%s is not checked: %s; trying again",
			    p->config->name, strerror(-error));
	}
}

/* ---- by slotd-probe ---- */

static void join_lines(char *const *lines, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (; lines && *lines && used < size; lines++) {
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? "\n" : "", *lines);
	}
}

static int ask_probe(struct check *c, const struct process *p)
{
	const struct service_config *config = p->service->config;
	struct helper *h = helper_of(c->sup, HELPER_PROBE);
	char headers[8192];
	struct message m;

	if (!h || !channel_open(&h->channel)) {
		return -ENOTCONN;
	}
	message_init(&m, MSG_PROBE, c->id);
	message_put_u64(&m, TAG_KIND, config->health == HEALTH_HTTP ? PROBE_HTTP : PROBE_TCP);
	message_put_text(&m, TAG_ADDRESS, p->config->address);
	message_put_u64(&m, TAG_TIMEOUT, config->health_timeout);
	message_put_u64(&m, TAG_PROXY_PROTOCOL, config->proxy_protocol);
	if (config->health == HEALTH_HTTP) {
		message_put_text(&m, TAG_PATH, config->slots[p->slot].health_arg);
		message_put_text(&m, TAG_HOST, config->health_host);
		message_put_text(&m, TAG_EXPECT, config->health_status);
		join_lines(config->health_header, headers, sizeof(headers));
		message_put_text(&m, TAG_HEADER, *headers ? headers : NULL);
	}
	return helper_send(h, &m);
}

static void probe_refill(struct helper *h)
{
	(void)h; /* it is told of each check as it comes */
}

static void probe_received(struct helper *h, struct message *m)
{
	struct check *c = m->type == MSG_PROBE_RESULT ? take_check(h->sup, m->id, false) : NULL;
	struct process *p = c ? process_of(c) : NULL;
	int64_t code = message_i64(m, TAG_CODE);
	struct gate *g = h->sup->gate;

	if (!c) {
		return;
	}
	free(c);
	g->asked--;
	expect_answer(g);
	if (p && code < 0) {
		no_result(p);
	} else if (p) {
		judge(p, code == PROBE_PASSED, message_str(m, TAG_TEXT));
	}
}

/* Its crash is no answer, not a failure. */
static void probe_lost(struct helper *h)
{
	struct gate *g = h->sup->gate;
	struct check **at = g ? &g->checks : NULL;

	while (at && *at) {
		struct check *c = *at;
		struct process *p = process_of(c);

		if (c->by_command) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		free(c);
		if (p) {
			no_result(p);
		}
	}
	if (g) {
		g->asked = 0;
		expect_answer(g);
	}
}

const struct helper_ops gate_helper_ops = {
	.name = "slotd-probe",
	.refill = probe_refill,
	.received = probe_received,
	.lost = probe_lost,
};

/* ---- by a command ---- */

static void command_output(struct child *child, const char *data, size_t len)
{
	struct check *c = container_of(child, struct check, child);

	child_keep_output(c->output, sizeof(c->output), &c->len, data, len);
}

static void command_text(const struct check *c, const struct child_result *result, char *buf,
			 size_t size)
{
	char status[512], span[USEC_TEXT_MAX];
	const struct process *p = process_of(c);

	if (result->timed_out) {
		(void)snprintf(status, sizeof(status), "took longer than %s",
			       usec_format(p->service->config->health_timeout, span, sizeof(span)));
	} else if (result->report.stage != SPAWN_STAGE_NONE) {
		(void)spawn_report_text(&result->report, "/bin/sh", status, sizeof(status));
	} else {
		(void)snprintf(status, sizeof(status), "ended with ");
		(void)worker_status_text(result->status, status + strlen(status),
					 sizeof(status) - strlen(status));
	}
	(void)snprintf(buf, size, "failed its check: the command %s%s%.*s", status,
		       c->len ? "\n" : "", (int)strcspn(c->output, "\n"), c->output);
}

static void command_done(struct child *child, const struct child_result *result)
{
	struct check *c = container_of(child, struct check, child);
	struct process *p = process_of(c);
	char text[512];

	(void)take_check(c->sup, c->id, true);
	c->output[c->len] = '\0';
	if (p && result->report.stage == SPAWN_STAGE_FORK && !result->timed_out) {
		say_unmade(p, result->report.error);
		no_result(p);
	} else if (p && WIFEXITED(result->status) && WEXITSTATUS(result->status) == 0 &&
		   !result->timed_out && result->report.stage == SPAWN_STAGE_NONE) {
		judge(p, true, "");
	} else if (p) {
		command_text(c, result, text, sizeof(text));
		judge(p, false, text);
	}
	free(c);
}

static int run_command(struct check *c, const struct process *p)
{
	CLEANUP(env_done) struct env env = {0};
	const struct owner *owner = &p->config->program->user;
	struct spawn_user user = {owner->uid, owner->gid, owner->groups, owner->n_groups,
				  owner->user};
	char *argv[] = {(char *)"/bin/sh", (char *)"-c",
			p->service->config->slots[p->slot].health_arg, NULL};
	struct child_spec spec = CHILD_SPEC_INIT;
	int r = slot_environment(p->service, p->slot, p, &env);

	if (r < 0) {
		return r;
	}
	spec.spawn.argv = argv;
	spec.spawn.envp = env.at;
	spec.spawn.directory = p->config->directory;
	spec.spawn.user = owner->uid == (uid_t)-1 ? NULL : &user;
	spec.spawn.reset_signals = true;
	spec.timeout = p->service->config->health_timeout;
	spec.done = command_done;
	spec.output = command_output;
	return child_run(&c->sup->children, &c->child, &spec);
}

/* ---- when ---- */

static bool wants_check(const struct service *s, const struct process *p)
{
	if (!p->config->address || p->worker.state != WORKER_RUNNING ||
	    s->config->health == HEALTH_NOTIFY) {
		return false;
	}
	return p->slot == service_live(s) || p->slot == service_sharing(s) ||
	       (s->gating && p->slot == s->swap.target);
}

static void start_check(struct process *p)
{
	struct supervisor *sup = p->sup;
	struct gate *g = sup->gate;
	struct check *c = calloc(1, sizeof(*c));
	int r = c ? 0 : -ENOMEM;

	if (c) {
		c->sup = sup;
		c->id = helper_request_id(sup);
		c->worker = p->worker.id;
		c->pid = p->pid;
		c->by_command = p->service->config->health == HEALTH_EXEC;
		r = c->by_command ? run_command(c, p) : ask_probe(c, p);
	}
	if (r < 0) {
		free(c);
		if (r != -ENOTCONN) {
			say_unmade(p, r);
		}
		p->health.next = usec_add(usec_monotonic(), GATE_INTERVAL_MAX);
		return;
	}
	c->next = g->checks;
	g->checks = c;
	p->probing = true;
	if (!c->by_command && g->asked++ == 0) {
		expect_answer(g);
	}
}

static void on_check_timer(struct loop_timer *t)
{
	struct service *s = container_of(t, struct service, check_timer);
	usec_t now = usec_monotonic();
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		if (wants_check(s, p) && !p->probing && p->health.next <= now) {
			start_check(p);
		}
	}
	gate_schedule(s);
}

void gate_schedule(struct service *s)
{
	usec_t next = USEC_NEVER;
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		if (wants_check(s, p) && !p->probing && p->health.next < next) {
			next = p->health.next;
		}
	}
	if (s->config->health == HEALTH_TCP || s->config->health == HEALTH_HTTP) {
		helper_want(s->sup, HELPER_PROBE, true);
	}
	loop_timer_set(s->sup->loop, &s->check_timer, s->down ? USEC_NEVER : next);
}

/* ---- for the others ---- */

int gate_init(struct service *s)
{
	loop_timer_init(&s->check_timer, on_check_timer);
	return s->sup->gate ? 0 : make_gate(s->sup);
}

void gate_forget(struct process *p)
{
	struct gate *g = p->sup->gate;

	for (struct check *c = g ? g->checks : NULL; c; c = c->next) {
		if (c->worker == p->worker.id) {
			c->pid = -1; /* its answer is void */
			child_kill(&c->child, SIGKILL);
		}
	}
	p->probing = false;
}

void gate_worker_changed(struct service *s, struct process *p)
{
	if (p->worker.state == WORKER_STARTING || !p->pid) {
		gate_forget(p);
		health_reset(&p->health, usec_monotonic());
		process_commit(p);
		p->denied = p->refused = false;
		if (p->worker.state == WORKER_STARTING) {
			p->health_text[0] = '\0';
		}
	}
	evaluate(s);
	gate_schedule(s);
}

void gate_reconfigure(struct service *s)
{
	usec_t latest = usec_add(usec_monotonic(), s->config->health_interval);
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		p->health.next = p->health.next > latest ? latest : p->health.next;
	}
}

void gate_begin(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	s->gating = true;
	while ((p = service_next(s, s->swap.target, &pos))) {
		gate_forget(p);
		health_ask_again(&p->health, usec_monotonic());
		process_commit(p);
		p->health_text[0] = '\0';
	}
	evaluate(s);
	gate_schedule(s);
}

void gate_end(struct service *s)
{
	s->gating = false;
	gate_schedule(s);
}

void gate_done(struct supervisor *sup)
{
	struct gate *g = sup->gate;

	while (g && g->checks) {
		struct check *c = g->checks;

		g->checks = c->next;
		child_abandon(&c->child);
		free(c);
	}
	if (g) {
		loop_timer_stop(sup->loop, &g->silence);
	}
	free(g);
	sup->gate = NULL;
}

void gate_stop(struct service *s)
{
	s->gating = false;
	loop_timer_stop(s->sup->loop, &s->check_timer);
}
