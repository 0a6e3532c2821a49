#include "service/services.h"
#include "deploy/jobs.h"
#include "deploy/live_watch.h"
#include "deploy/prepare.h"
#include "deploy/records.h"
#include "deploy/service_swap.h"
#include "handoff/relays.h"
#include "service/gate.h"
#include "service/service.h"
#include "service/slots.h"
#include "service/sockets.h"
#include "show/publish.h"
#include "worker/process.h"
#include "worker/processes.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>

/* ---- words about a service ---- */

void service_say(struct service *s, int priority, const char *fmt, ...)
{
	const struct log_field fields[] = {
		{LOG_FIELD_SERVICE, s->name},
		{LOG_FIELD_SLOT, slot_name(service_live(s))},
	};
	char text[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_fields(priority, fields, ARRAY_SIZE(fields), "%s: %s", s->name, text);
}

void service_set_note(struct service *s, const char *fmt, ...)
{
	char note[SERVICE_NOTE_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(note, sizeof(note), fmt, ap);
	va_end(ap);
	if (strcmp(note, s->note) != 0) {
		memcpy(s->note, note, sizeof(note));
		publish_service(s);
	}
}

const char *service_slot_label(const struct service *s, enum slot_id slot)
{
	const char *name = s->config->slots[slot].name;

	return name ? name : slot_name(slot);
}

const char *service_slot_text(const struct service *s, enum slot_id slot, char *buf, size_t size)
{
	const char *release = s->slots[slot].release;

	(void)snprintf(buf, size, *release ? "%s (%s)" : "%s", slot_name(slot), release);
	return buf;
}

struct process *service_next(const struct service *s, enum slot_id slot, size_t *pos)
{
	while (*pos < s->sup->processes.len) {
		struct process *p = s->sup->processes.at[(*pos)++];

		if (p && p->service == s && (slot == SLOT_MAX_ || p->slot == slot)) {
			return p;
		}
	}
	return NULL;
}

/* ---- the switchboard and the ledger ---- */

static struct switch_entry *entry(const struct service *s)
{
	return &s->sup->switchboard->services[s->index];
}

struct switch_word service_word(const struct service *s)
{
	return switch_unpack(atomic_load_explicit(&entry(s)->word, memory_order_acquire));
}

void service_write_ledger(struct service *s)
{
	const struct switch_word word = service_word(s);
	struct ledger_service row = {
		.swap = s->swap,
		.duty = {.live = (uint32_t)word.live,
			 .generation = word.generation,
			 .next_socket = s->next_socket,
			 .down = s->down,
			 .holding = s->holding},
	};

	row.swap.policy = NULL; /* plain data only */
	memcpy(row.duty.stopper, s->stopper, sizeof(s->stopper));
	for (int i = 0; i < SLOT_MAX_; i++) {
		const struct service_slot *slot = &s->slots[i];

		row.retire[i] = slot->retire;
		row.slots[i] = (struct ledger_slot){.since = slot->since,
						    .clearing = slot->clearing,
						    .proven = slot->proven,
						    .touched = slot->touched};
		memcpy(row.slots[i].release, slot->release, sizeof(slot->release));
	}
	ledger_put_service(s->sup->ledger, s->index, &row);
}

void service_store(struct service *s, enum slot_id live, enum switch_mode mode)
{
	struct switch_word word = service_word(s);

	if (word.live != live) {
		s->flipped_at = usec_monotonic();
		atomic_store_explicit(&entry(s)->flipped_at, s->flipped_at, memory_order_release);
	}
	word.generation++;
	word.live = live;
	word.mode = mode;
	atomic_store_explicit(&entry(s)->word, switch_pack(word), memory_order_release);
	service_write_ledger(s);
}

/* ---- who is live ---- */

/* As it was when the configuration was read. */
static int live_by_file(const struct service_config *c, enum slot_id *ret, struct diag *diag)
{
	const struct live_found *found = &c->live_found;

	if (!c->live_file || found->code == -ENOENT) {
		return -ENOENT;
	}
	if (found->code == 0) {
		*ret = found->live;
		return 0;
	}
	if (found->code == -EINVAL) {
		return diag_set(diag, -EINVAL,
				"%s says \"%.32s\", not who is live: write \"a\" or \"b\" into it, "
				"then slotctl reload",
				c->live_file, found->text ? found->text : "");
	}
	return diag_set_errno(diag, found->code, "%s", c->live_file);
}

/* The state file decides; live_file only where there is no record of the service yet. */
static int find_live(struct service *s, enum slot_id *ret, struct diag *diag)
{
	const struct service_config *c = s->config;
	struct record record = {0};
	enum slot_id written;
	int r = records_find(s->sup, s->name, &record, diag);

	if (r == -EUCLEAN) {
		return r;
	}
	if (r == 0) {
		*ret = record.live;
		for (int slot = 0; slot < SLOT_MAX_; slot++) {
			memcpy(s->slots[slot].release, record.release[slot],
			       sizeof(record.release[slot]));
			s->slots[slot].since = record.since ? record.since : usec_wall();
			s->slots[slot].proven = record.proven[slot];
		}
		if (live_by_file(c, &written, NULL) == 0 && written != *ret) {
			service_say(
				s, LOG_WARNING,
				"%s says %s, but %s is live: put right (slotctl swap changes it)",
				c->live_file, slot_name(written), slot_name(*ret));
		}
		return 0;
	}
	r = live_by_file(c, ret, diag);
	if (r == -ENOENT) {
		*ret = SLOT_A;
		r = 0;
	}
	if (r == 0) {
		s->slots[*ret].proven = true; /* the other one was never live, as far as is known */
	}
	return r;
}

/* ---- a service's life ---- */

static void on_settle(struct loop_idle *idle)
{
	struct service *s = container_of(idle, struct service, settle);

	service_judge_mode(s);
	relays_workers(s);
}

void service_settle_soon(struct service *s)
{
	loop_idle_queue(s->sup->loop, &s->settle);
}

void service_move_times(struct service *s, int64_t by)
{
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		s->slots[slot].since = clock_move(s->slots[slot].since, by);
	}
	service_write_ledger(s);
	publish_service(s);
}

static void set_policies(struct service *s)
{
	const struct service_config *c = s->config;

	s->policy = (struct swap_policy){
		.has_prepare = c->slots[SLOT_A].prepare || c->slots[SLOT_B].prepare,
		.prepare_timeout = c->prepare_timeout,
		.ready_timeout = c->ready_timeout,
		.drain_timeout = c->drain_timeout,
		.drain_spread = c->drain_spread,
		.drain_by_worker = c->drain.mode == DRAIN_WORKER,
		.idle_keep = c->idle_keep,
	};
	s->gate_policy.rise = c->health_rise ? c->health_rise : 1;
	s->gate_policy.fall = c->health_fall ? c->health_fall : 1;
	s->gate_policy.interval = c->health_interval;
}

static void disown_processes(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		gate_forget(p);
		process_set_live(p, false);
		p->service = NULL;
		publish_process(p);
	}
}

static struct service *service_free(struct service *s)
{
	if (!s) {
		return NULL;
	}
	disown_processes(s);
	jobs_forget(s);
	prepare_stop(s);
	gate_stop(s);
	records_forget(s);
	live_watch_stop(s);
	service_swap_done(s);
	loop_timer_stop(s->sup->loop, &s->record_timer);
	loop_idle_cancel(s->sup->loop, &s->settle);
	relays_service_gone(s);
	sockets_close(s);
	ledger_drop(s->sup->ledger, LEDGER_TABLE_SERVICE, s->index);
	free(s->name);
	free(s);
	return NULL;
}

static int make(struct supervisor *sup, const struct service_config *config, struct config *origin,
		struct service **ret)
{
	struct service *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		return -ENOMEM;
	}
	s->sup = sup;
	s->config = config;
	s->origin = origin;
	s->watch_fd = -EBADF;
	s->name = strdup(config->name);
	r = s->name ? ledger_take(sup->ledger, LEDGER_TABLE_SERVICE, s->name) : -ENOMEM;
	if (r < 0) {
		free(s->name);
		free(s);
		return r;
	}
	s->index = (uint32_t)r;
	sockets_init(s);
	loop_idle_init(&s->settle, on_settle);
	gate_init(s);
	set_policies(s);
	r = sockets_add(s);
	if (r < 0) {
		return service_free(s), r;
	}
	*ret = s;
	return 0;
}

static void set_live_workers(struct service *s)
{
	struct process *p;
	size_t pos = 0;

	while ((p = service_next(s, SLOT_MAX_, &pos))) {
		process_set_live(p, p->slot == service_live(s));
	}
}

/* Decides who is live and opens for business; a service that cannot says so and stays down. */
static void open_service(struct service *s)
{
	enum slot_id live = SLOT_A;
	struct diag diag = {0};

	s->slots[SLOT_A].since = s->slots[SLOT_B].since = usec_wall();
	s->down = find_live(s, &live, &diag) < 0;
	service_swap_init(s, live);
	service_store(s, live, s->down ? SWITCH_HOLD : SWITCH_OPEN);
	if (s->down) {
		service_say(s, LOG_ERR, "not started: %s", diag.text);
		service_set_note(s, "not started: %s", diag.text);
		return;
	}
	set_live_workers(s);
	relays_service(s);
	sockets_open(s);
	records_write(s);
	live_watch_start(s);
}

int service_add(struct supervisor *sup, const struct service_config *config, struct config *origin,
		struct diag *diag)
{
	struct service *s = NULL;
	int r = make(sup, config, origin, &s);

	if (r == 0 && (r = vec_push(&sup->services, s)) < 0) {
		service_free(s);
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "service %s", config->name);
	}
	open_service(s);
	publish_service(s);
	return 0;
}

void service_reconfigure(struct service *s, const struct service_config *config,
			 struct config *origin)
{
	s->config = config;
	s->origin = origin;
	set_policies(s);
	live_watch_stop(s);
	sockets_drop(s);
	if (sockets_add(s) < 0) {
		service_say(s, LOG_ERR, "out of memory: not all addresses are listened on");
	}
	memset(s->told, 0, sizeof(s->told)); /* addresses may have changed */
	if (s->down) {
		open_service(s);
	} else {
		relays_service(s);
		sockets_open(s);
		records_write(s);
		live_watch_start(s);
	}
	gate_schedule(s);
	service_settle_soon(s);
	publish_service(s);
}

void service_remove(struct service *s)
{
	struct supervisor *sup = s->sup;

	for (size_t i = 0; i < sup->services.len; i++) {
		if (sup->services.at[i] == s) {
			vec_remove(&sup->services, i);
			break;
		}
	}
	jobs_forget(s); /* before: whoever follows one is told how it ends */
	publish_service_gone(sup, s, s->index);
	service_free(s);
}

int services_init(struct supervisor *sup, struct diag *diag)
{
	int r = records_init(sup, diag);

	vec_for_each (config, &sup->config->services) {
		if (r == 0) {
			r = service_add(sup, *config, sup->config, diag);
		}
	}
	return r;
}

void services_done(struct supervisor *sup)
{
	vec_for_each (s, &sup->services) {
		service_free(*s);
	}
	vec_done(&sup->services);
	gate_done(sup);
	jobs_done(sup);
	relays_done(sup);
	records_done(sup);
}

struct supervisor *service_supervisor(const struct service *s)
{
	return s->sup;
}

struct service *service_find(struct supervisor *sup, const char *name)
{
	vec_for_each (s, &sup->services) {
		if (strcmp((*s)->name, name) == 0) {
			return *s;
		}
	}
	return NULL;
}

const char *services_summary(struct supervisor *sup, char *buf, size_t size)
{
	size_t used = 0;

	if (size) {
		buf[0] = '\0';
	}
	vec_for_each (s, &sup->services) {
		int n = snprintf(buf + used, size - used, "%s%s %s", used ? ", " : "", (*s)->name,
				 (*s)->down ? "down" : slot_name(service_live(*s)));

		if (n < 0 || (size_t)n >= size - used) {
			break;
		}
		used += (size_t)n;
	}
	return buf;
}

/* ---- its workers ---- */

void services_join(struct process *p)
{
	const struct program_config *program = p->config->program;

	if (program->service >= 0) {
		p->slot = program->slot;
		p->service = service_find(p->sup, p->origin->services.at[program->service]->name);
	}
	if (p->service) {
		service_process_added(p->service, p);
	}
}

void services_leave(struct process *p)
{
	if (p->service) {
		service_process_removed(p->service, p);
	}
}

void service_process_added(struct service *s, struct process *p)
{
	process_set_live(p, !s->down && p->slot == service_live(s));
	service_settle_soon(s);
	publish_service(s);
}

void service_process_removed(struct service *s, struct process *p)
{
	gate_forget(p);
	relays_worker_gone(s, p);
	if (s->culprit == p) {
		s->culprit = NULL;
	}
	p->service = NULL;
	service_settle_soon(s);
	publish_service(s);
}

bool service_passes_by(const struct process *p)
{
	const struct service *s = p->service;

	return s && (s->down || p->slot != service_live(s));
}

bool service_serves(const struct process *p)
{
	return p->service && (!service_passes_by(p) || slot_is_draining(p->service, p->slot));
}

/* The slot a job works on, or SLOT_INVALID_. */
static enum slot_id slot_in_use(const struct service *s)
{
	return swap_busy(&s->swap) && s->swap.step != SWAP_BAKE ? s->swap.target : SLOT_INVALID_;
}

int service_may_change(const struct process *p, struct diag *diag)
{
	const struct service *s = p->service;
	char job[512];

	if (s && s->job && p->slot == slot_in_use(s)) {
		return diag_set(diag, -EBUSY, "%s", job_describe(s->job, job, sizeof(job)));
	}
	return 0;
}

void service_note_stop(struct process *p, const char *who)
{
	if (p->service && p->slot == service_live(p->service)) {
		(void)snprintf(p->service->stopper, sizeof(p->service->stopper), "%s", who);
		service_settle_soon(p->service);
	}
}

void services_shutdown(struct supervisor *sup)
{
	vec_for_each (s, &sup->services) {
		service_feed(*s, SWAP_EV_ABORT, 0, "slotd is shutting down");
	}
}

/* An emptied slot that was on its way out has arrived. */
static void check_stopped(struct service *s, enum slot_id slot)
{
	struct slot_count count;

	if (s->slots[slot].retire.state == RETIRE_NONE) {
		return;
	}
	slot_count(s, slot, &count);
	if (count.alive == 0) {
		service_retire(s, slot, RETIRE_EV_STOPPED);
	}
}

void services_process_entered(struct process *p, const struct plan_action *a)
{
	struct service *s = p->service;

	(void)a;
	if (!s) {
		return;
	}
	if (p->config->address) {
		gate_worker_changed(s, p);
	}
	check_stopped(s, p->slot);
	service_start_progress(s);
	service_settle_soon(s);
	publish_service(s);
}
