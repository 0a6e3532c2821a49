#include "metrics_table.h"

#include "exposition.h"

#include <slotd/cleanup.h>
#include <slotd/handoff.h>
#include <slotd/service_names.h>
#include <slotd/worker_state.h>

#include <string.h>
#include <sys/wait.h>

#define COUNTER "counter"
#define GAUGE	"gauge"

static int64_t int_at(const void *object, size_t field)
{
	int64_t value;

	memcpy(&value, (const char *)object + field, sizeof(value));
	return value;
}

/* ---- slotd itself */

static void one(struct sampler *s, int64_t value)
{
	exposition_begin(s->out, s->metric->name);
	exposition_end(s->out, value);
}

static void build_info(struct sampler *s)
{
	exposition_begin(s->out, s->metric->name);
	exposition_label(s->out, "version", s->from->mirror->daemon.version);
	exposition_end(s->out, 1);
}

static void slotd_is_up(struct sampler *s)
{
	one(s, s->from->alive);
}

static void slotd_start(struct sampler *s)
{
	exposition_begin(s->out, s->metric->name);
	exposition_end_time(s->out, s->from->mirror->daemon.since);
}

static void slotd_upgrades(struct sampler *s)
{
	one(s, (int64_t)s->from->mirror->daemon.upgrades);
}

static void slotd_upgrade_failed(struct sampler *s)
{
	const char *note = s->from->mirror->daemon.note;

	one(s, note && *note);
}

/* ---- processes */

static void process_labels(struct sampler *s, const struct mirror_worker *w)
{
	exposition_begin(s->out, s->metric->name);
	exposition_label(s->out, "group", w->group);
	exposition_label(s->out, "process", w->name);
	exposition_label(s->out, "service", w->service);
	exposition_label(s->out, "slot", w->slot >= 0 ? slot_name((enum slot_id)w->slot) : NULL);
}

static void process_int(struct sampler *s, const struct mirror_worker *w, int64_t value)
{
	process_labels(s, w);
	exposition_end(s->out, value);
}

static void process_time(struct sampler *s, const struct mirror_worker *w, uint64_t wall)
{
	process_labels(s, w);
	exposition_end_time(s->out, wall);
}

static void process_field(struct sampler *s, const struct mirror_worker *w)
{
	process_int(s, w, int_at(w, s->metric->field));
}

static bool is_alive(const struct mirror_worker *w)
{
	return worker_state_info(worker_state_of_code(w->state))->alive;
}

static void process_up(struct sampler *s, const struct mirror_worker *w)
{
	process_int(s, w, is_alive(w));
}

static void process_start(struct sampler *s, const struct mirror_worker *w)
{
	if (is_alive(w) && w->started) {
		process_time(s, w, w->started);
	}
}

static void process_exit_status(struct sampler *s, const struct mirror_worker *w)
{
	const int status = (int)w->exit;

	if (status >= 0 && WIFEXITED(status)) {
		process_int(s, w, WEXITSTATUS(status));
	}
}

static void process_exit_signal(struct sampler *s, const struct mirror_worker *w)
{
	const int status = (int)w->exit;

	if (status >= 0) {
		process_int(s, w, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	}
}

static void process_next_run(struct sampler *s, const struct mirror_worker *w)
{
	if (w->next_run) {
		process_time(s, w, w->next_run);
	}
}

/* ---- workers of services */

static void worker_connections(struct sampler *s, const struct mirror_worker *w)
{
	static const struct {
		const char *state;
		size_t field;
	} states[] = {
		{"queued", offsetof(struct slot_counts, queued)},
		{"silent", offsetof(struct slot_counts, silent)},
		{"request", offsetof(struct slot_counts, active)},
		{"idle", offsetof(struct slot_counts, idle)},
		{"pinned", offsetof(struct slot_counts, pinned)},
	};
	struct slot_counts counts;

	counts_worker(s->from->counts, w->index, &counts);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		process_labels(s, w);
		exposition_label(s->out, "state", states[i].state);
		exposition_end(s->out, int_at(&counts, states[i].field));
	}
}

static void worker_total(struct sampler *s, const struct mirror_worker *w)
{
	process_int(s, w, (int64_t)counts_total(s->from->counts, w->index, s->metric->total));
}

/* ---- services */

static void service_begin(struct sampler *s, const struct mirror_service *v)
{
	exposition_begin(s->out, s->metric->name);
	exposition_label(s->out, "service", v->service);
}

static void service_accepted(struct sampler *s, const struct mirror_service *v)
{
	service_begin(s, v);
	exposition_end(s->out, (int64_t)counts_accepted(s->from->counts, v->index));
}

static void service_waiting(struct sampler *s, const struct mirror_service *v)
{
	struct service_counts counts;

	counts_service(s->from->counts, v->index, &counts);
	service_begin(s, v);
	exposition_end(s->out, counts.waiting);
}

static void service_held(struct sampler *s, const struct mirror_service *v)
{
	struct service_counts counts;

	counts_service(s->from->counts, v->index, &counts);
	service_begin(s, v);
	exposition_end(s->out, counts.held);
}

static void service_troubles(struct sampler *s, const struct mirror_service *v)
{
	for (int t = 0; t < TROUBLE_MAX_; t++) {
		service_begin(s, v);
		exposition_label(s->out, "trouble", trouble_name((enum trouble)t));
		exposition_end(s->out, (v->troubles & trouble_bit((enum trouble)t)) != 0);
	}
}

static void service_job(struct sampler *s, const struct mirror_service *v)
{
	service_begin(s, v);
	exposition_end(s->out, v->job != 0);
}

static void service_job_info(struct sampler *s, const struct mirror_service *v)
{
	const struct job *j = v->job ? jobs_find(s->from->jobs, v->job) : NULL;

	if (v->job) {
		service_begin(s, v);
		exposition_label(s->out, "kind",
				 j ? swap_kind_name((enum swap_kind)j->kind) : NULL);
		exposition_label(s->out, "step", swap_step_name((enum swap_step)v->step));
		exposition_end(s->out, 1);
	}
}

static void service_last_swap(struct sampler *s, const struct mirror_service *v)
{
	if (v->since) {
		service_begin(s, v);
		exposition_end_time(s->out, v->since);
	}
}

static void service_last_status(struct sampler *s, const struct mirror_service *v)
{
	const struct job *j = jobs_last_done(s->from->jobs, v->service);

	if (j) {
		service_begin(s, v);
		exposition_label(s->out, "kind", swap_kind_name((enum swap_kind)j->kind));
		exposition_end(s->out, j->code);
	}
}

static void service_last_end(struct sampler *s, const struct mirror_service *v)
{
	const struct job *j = jobs_last_done(s->from->jobs, v->service);

	if (j && j->ended) {
		service_begin(s, v);
		exposition_label(s->out, "kind", swap_kind_name((enum swap_kind)j->kind));
		exposition_end_time(s->out, j->ended);
	}
}

/* ---- slots */

static const struct mirror_slot *mirror_of(const struct sampler *s, const struct mirror_service *v,
					   enum slot_id slot)
{
	return &s->from->mirror->slots[v->index][slot];
}

static void slot_begin(struct sampler *s, const struct mirror_service *v, enum slot_id slot)
{
	service_begin(s, v);
	exposition_label(s->out, "slot", slot_name(slot));
}

static void slot_info(struct sampler *s, const struct mirror_service *v, enum slot_id slot)
{
	slot_begin(s, v, slot);
	exposition_label(s->out, "name", mirror_of(s, v, slot)->name);
	exposition_label(s->out, "release", mirror_of(s, v, slot)->release);
	exposition_end(s->out, 1);
}

static void slot_live(struct sampler *s, const struct mirror_service *v, enum slot_id slot)
{
	slot_begin(s, v, slot);
	exposition_end(s->out, v->live == (int64_t)slot);
}

static void slot_states(struct sampler *s, const struct mirror_service *v, enum slot_id slot)
{
	for (int state = 0; state < SLOT_STATE_MAX_; state++) {
		slot_begin(s, v, slot);
		exposition_label(s->out, "state", slot_state_word((enum slot_state)state));
		exposition_end(s->out, mirror_of(s, v, slot)->state == state);
	}
}

static void slot_field(struct sampler *s, const struct mirror_service *v, enum slot_id slot)
{
	slot_begin(s, v, slot);
	exposition_end(s->out, int_at(mirror_of(s, v, slot), s->metric->field));
}

static void slot_share(struct sampler *s, const struct mirror_service *v, enum slot_id slot)
{
	slot_begin(s, v, slot);
	exposition_end_ratio(s->out, mirror_of(s, v, slot)->share, PLACEMENT_WHOLE);
}

static void slot_deadline(struct sampler *s, const struct mirror_service *v, enum slot_id slot)
{
	if (mirror_of(s, v, slot)->deadline) {
		slot_begin(s, v, slot);
		exposition_end_time(s->out, mirror_of(s, v, slot)->deadline);
	}
}

/* ---- the rows */

#define OF_WORKER(member) offsetof(struct mirror_worker, member)
#define OF_SLOT(member)	  offsetof(struct mirror_slot, member)

/* clang-format off */
static const struct metric metrics[] = {
	{ "slotd_build_info", GAUGE, "1, with the version of slotd as a label.", .slotd = build_info },
	{ "slotd_up", GAUGE, "1 if slotd itself runs; 0 if this is what it said last.",
	  .slotd = slotd_is_up },
	{ "slotd_start_time_seconds", GAUGE, "When slotd started, in seconds since 1970.",
	  .slotd = slotd_start },
	{ "slotd_upgrades_total", COUNTER, "Upgrades of this process of slotd.",
	  .slotd = slotd_upgrades },
	{ "slotd_upgrade_failed", GAUGE, "1 if the last upgrade did not succeed.",
	  .slotd = slotd_upgrade_failed },

	{ "slotd_process_up", GAUGE, "1 if the process exists: STARTING, RUNNING or STOPPING.",
	  .process = process_up },
	{ "slotd_process_state", GAUGE,
	  "State as a number of Supervisor: 0 STOPPED, 10 STARTING, 20 RUNNING, 30 BACKOFF, "
	  "40 STOPPING, 100 EXITED, 200 FATAL, 1000 UNKNOWN.",
	  .process = process_field, .field = OF_WORKER(state) },
	{ "slotd_process_start_time_seconds", GAUGE,
	  "When a process that exists was started, in seconds since 1970.",
	  .process = process_start },
	{ "slotd_process_restarts_total", COUNTER,
	  "Starts by slotd itself after an end that nobody asked for.",
	  .process = process_field, .field = OF_WORKER(restarts) },
	{ "slotd_process_last_exit_status", GAUGE,
	  "Exit status of the last run, unless a signal ended it.",
	  .process = process_exit_status },
	{ "slotd_process_last_exit_signal", GAUGE,
	  "Number of the signal that ended the last run; 0: none did.",
	  .process = process_exit_signal },
	{ "slotd_process_lost_log_lines_total", COUNTER,
	  "Lines of output that could not be written to the log.",
	  .process = process_field, .field = OF_WORKER(lost_lines) },
	{ "slotd_process_settings_pending", GAUGE,
	  "1 if changed settings apply at the next deploy only.",
	  .process = process_field, .field = OF_WORKER(pending) },
	{ "slotd_process_next_run_time_seconds", GAUGE,
	  "When a process with a schedule runs next, in seconds since 1970.",
	  .process = process_next_run },

	{ "slotd_worker_healthy", GAUGE, "1 if the worker has passed its health check.",
	  .worker = process_field, .field = OF_WORKER(healthy) },
	{ "slotd_worker_open_connections", GAUGE,
	  "Connections that a worker has now: not connected yet, without a byte, in a request, "
	  "between requests, not followed.",
	  .worker = worker_connections },
	{ "slotd_worker_connections_total", COUNTER, "Connections that a worker has taken.",
	  .worker = worker_total, .total = TOTAL_CONNECTIONS },
	{ "slotd_worker_failed_connections_total", COUNTER,
	  "Connections that ended without a byte from the worker, though the client had sent one.",
	  .worker = worker_total, .total = TOTAL_FAILED },
	{ "slotd_worker_refused_connections_total", COUNTER,
	  "Connections that a worker has not taken.",
	  .worker = worker_total, .total = TOTAL_REFUSED },
	{ "slotd_worker_answered_requests_total", COUNTER,
	  "Requests that a worker has answered; of what is not HTTP/1, connections.",
	  .worker = worker_total, .total = TOTAL_ANSWERED },
	{ "slotd_worker_error_answers_total", COUNTER,
	  "Answers with a status of 500 or more.",
	  .worker = worker_total, .total = TOTAL_ERRORS },
	{ "slotd_worker_lost_requests_total", COUNTER,
	  "Requests whose worker was gone before it answered, and that no other worker got.",
	  .worker = worker_total, .total = TOTAL_LOST },
	{ "slotd_worker_retried_requests_total", COUNTER,
	  "Requests that a worker did not answer and another one got.",
	  .worker = worker_total, .total = TOTAL_RETRIED },
	{ "slotd_worker_received_bytes_total", COUNTER, "Bytes from clients to a worker.",
	  .worker = worker_total, .total = TOTAL_BYTES_IN },
	{ "slotd_worker_sent_bytes_total", COUNTER, "Bytes from a worker to clients.",
	  .worker = worker_total, .total = TOTAL_BYTES_OUT },

	{ "slotd_service_accepted_connections_total", COUNTER,
	  "Connections that were accepted for a service.", .service = service_accepted },
	{ "slotd_service_waiting_connections", GAUGE,
	  "Connections without a worker: no byte yet, between requests, held.",
	  .service = service_waiting },
	{ "slotd_service_held_connections", GAUGE,
	  "Connections with a request that wait for a worker.", .service = service_held },
	{ "slotd_service_trouble", GAUGE, "1 if the service has this trouble.",
	  .service = service_troubles },
	{ "slotd_service_job_running", GAUGE, "1 while a deploy, swap or other job runs.",
	  .service = service_job },
	{ "slotd_service_job_info", GAUGE, "1 while a job runs, with its kind and step.",
	  .service = service_job_info },
	{ "slotd_service_last_swap_time_seconds", GAUGE,
	  "When the live slot became live, in seconds since 1970.", .service = service_last_swap },
	{ "slotd_service_last_job_exit_status", GAUGE,
	  "How the last job ended: 0 done, 10 failed, 11 flipped back, 13 unknown.",
	  .service = service_last_status },
	{ "slotd_service_last_job_end_time_seconds", GAUGE,
	  "When the last job ended, in seconds since 1970.", .service = service_last_end },

	{ "slotd_slot_info", GAUGE, "1, with the name of a slot and its release as labels.",
	  .slot = slot_info },
	{ "slotd_slot_live", GAUGE, "1 if the slot is live.", .slot = slot_live },
	{ "slotd_slot_state", GAUGE, "1 for the state that the slot is in.", .slot = slot_states },
	{ "slotd_slot_workers", GAUGE, "Workers of a slot.",
	  .slot = slot_field, .field = OF_SLOT(total) },
	{ "slotd_slot_ready_workers", GAUGE, "Workers of a slot that pass their health check.",
	  .slot = slot_field, .field = OF_SLOT(ready) },
	{ "slotd_slot_share_ratio", GAUGE, "Share of the new connections that a slot gets, 0 to 1.",
	  .slot = slot_share },
	{ "slotd_slot_deadline_time_seconds", GAUGE,
	  "When the slot changes by itself: its drain, warm time or canary ends.",
	  .slot = slot_deadline },
};
/* clang-format on */

const struct metric *metric_at(size_t i)
{
	return i < ARRAY_SIZE(metrics) ? &metrics[i] : NULL;
}
