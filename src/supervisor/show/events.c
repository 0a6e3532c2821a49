#include "show/events.h"
#include "link/ownlog.h"
#include "worker/process.h"
#include "worker/stdin.h"

#include <slotd/cleanup.h>
#include <slotd/lognote.h>
#include <slotd/strbuf.h>
#include <slotd/utf8.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum {
	READ_SIZE = 4096,
	READS_PER_TURN = 16, /* of one listener */
	PRINT_AT_ONCE = 16 * 1024,
	PERIODS = 3,
};

/* The ear of one listener process: its stdout comes by tap_fd and goes on to log_fd. */
struct ear {
	struct listener listener;
	struct process *process;
	int tap_fd, log_fd;
	struct loop_io io;
};

struct ear_pool {
	struct pool pool;
	char *identifier; /* the pool's */
	struct group *group;
	VEC(struct ear *) ears;
};

struct events {
	struct supervisor *sup;
	VEC(struct ear_pool *) pools;
	uint64_t next_serial;
	struct loop_idle dispatch_idle;
	struct loop_timer tick;
	uint64_t slices[PERIODS]; /* the last one of each period that was told */
	struct strbuf output;	  /* of an event that comes in several messages, so far */
};

static const struct {
	enum event_type type;
	unsigned seconds;
} periods[PERIODS] = {
	{EVENT_TICK_5, 5},
	{EVENT_TICK_60, 60},
	{EVENT_TICK_3600, 3600},
};

static struct events *events_of(const struct supervisor *sup)
{
	return sup->events;
}

static void log_plan(const struct plan *plan)
{
	for (unsigned i = 0; i < plan->len; i++) {
		log_line(plan->actions[i].arg, "%s", plan->actions[i].text);
	}
}

/* ---- giving events away */

static void deliver(struct ear_pool *ep)
{
	struct listener *l;
	struct plan plan;
	char *text;
	size_t len;

	while ((l = pool_dispatch(&ep->pool, &text, &len))) {
		struct ear *ear = container_of(l, struct ear, listener);
		uint64_t serial = l->event->serial;

		if (stdin_write(ear->process, text, len) < 0) {
			plan_init(&plan);
			listener_lost(l, &plan); /* the next one that is ready gets it */
			log_plan(&plan);
		} else {
			log_line(LOG_DEBUG, "event %llu sent to listener %s",
				 (unsigned long long)serial, l->name);
		}
		free(text);
	}
}

static void on_dispatch(struct loop_idle *idle)
{
	struct events *ev = container_of(idle, struct events, dispatch_idle);

	vec_for_each (ep, &ev->pools) {
		deliver(*ep);
	}
}

void events_emit(struct supervisor *sup, enum event_type type, const void *payload, size_t len)
{
	struct events *ev = events_of(sup);
	struct event *e = NULL;

	vec_for_each (ep, &ev->pools) {
		struct plan plan;

		if (!pool_wants(&(*ep)->pool, type)) {
			continue;
		}
		if (!e) {
			e = event_new(type, payload, len);
			if (!e) {
				log_line(LOG_ERR, "no memory for an event %s",
					 event_type_name(type));
				return;
			}
			e->serial = ev->next_serial++;
		}
		plan_init(&plan);
		if (pool_offer(&(*ep)->pool, e, &plan) < 0) {
			log_line(LOG_ERR, "no memory in pool %s for event %llu", (*ep)->pool.name,
				 (unsigned long long)e->serial);
		}
		log_plan(&plan);
		loop_idle_queue(sup->loop, &ev->dispatch_idle);
	}
	event_unref(e);
}

void events_emitf(struct supervisor *sup, enum event_type type, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= 0) {
		events_emit(sup, type, text,
			    (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
	}
}

/* ---- ticks: a timer only while somebody wants them */

static usec_t wall_seconds(void)
{
	return usec_wall() / SECONDS(1);
}

static unsigned shortest_period(const struct events *ev)
{
	for (int i = 0; i < PERIODS; i++) {
		vec_for_each (ep, &ev->pools) {
			if (pool_wants(&(*ep)->pool, periods[i].type)) {
				return periods[i].seconds;
			}
		}
	}
	return 0;
}

static void arm_tick(struct events *ev)
{
	unsigned period = shortest_period(ev);
	usec_t wall = usec_wall(), next;

	if (!period) {
		loop_timer_stop(ev->sup->loop, &ev->tick);
		return;
	}
	next = (wall / SECONDS(period) + 1) * SECONDS(period);
	loop_timer_set(ev->sup->loop, &ev->tick, usec_add(usec_monotonic(), next - wall));
}

static void on_tick(struct loop_timer *t)
{
	struct events *ev = container_of(t, struct events, tick);
	uint64_t now = wall_seconds();

	for (int i = 0; i < PERIODS; i++) {
		uint64_t slice = now - now % periods[i].seconds;

		if (slice != ev->slices[i]) {
			ev->slices[i] = slice;
			events_emitf(ev->sup, periods[i].type, "when:%llu",
				     (unsigned long long)slice);
		}
	}
	arm_tick(ev);
}

/* ---- what supervisor_stdout's Python does under Supervisor: output that an event carries, with
 * the worker's name before each line, on slotd's stdout */

static void print_output(struct pool *pool, const struct event *e)
{
	struct supervisor *sup = container_of(pool, struct ear_pool, pool)->group->sup;
	CLEANUP(strbuf_done) struct strbuf sb = {0};
	const char *line, *end = e->payload + e->len;
	char name[256], channel[8];
	int head = 0;

	if (sscanf(e->payload, "processname:%255s groupname:%*s pid:%*d channel:%7s%n", name,
		   channel, &head) != 2) {
		return; /* no output */
	}
	for (line = e->payload + head + 1; line < end;) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *stop = newline ? newline : end;

		(void)strbuf_addf(&sb, "%s %s | ", name, channel);
		(void)strbuf_add(&sb, line, (size_t)(stop - line));
		(void)strbuf_addc(&sb, '\n');
		if (sb.len >= PRINT_AT_ONCE) {
			ownlog_print(sup, strbuf_str(&sb), sb.len);
			strbuf_reset(&sb);
		}
		line = stop + 1;
	}
	ownlog_print(sup, strbuf_str(&sb), sb.len);
}

/* ---- listeners and their pools */

static struct ear_pool *pool_of(const struct events *ev, const struct group *g)
{
	vec_for_each (ep, &ev->pools) {
		if ((*ep)->group == g) {
			return *ep;
		}
	}
	return NULL;
}

static struct ear *ear_of(const struct process *p)
{
	struct ear_pool *ep = pool_of(events_of(p->sup), p->group);

	if (ep) {
		vec_for_each (ear, &ep->ears) {
			if ((*ear)->process == p) {
				return *ear;
			}
		}
	}
	return NULL;
}

static void close_tap(struct ear *ear)
{
	loop_io_stop(ear->process->sup->loop, &ear->io);
	cleanup_closep(&ear->tap_fd);
	cleanup_closep(&ear->log_fd);
}

/* The log may have less than was said when slotd-log cannot keep up: supervision does not wait. */
static void pass_on(struct ear *ear, const char *data, size_t len)
{
	ssize_t n = ear->log_fd < 0 ? 0 : write(ear->log_fd, data, len);

	if (n < 0 && errno == EPIPE) {
		cleanup_closep(&ear->log_fd);
	}
}

static void on_tap(struct loop_io *io, unsigned happened)
{
	struct ear *ear = container_of(io, struct ear, io);
	struct events *ev = events_of(ear->process->sup);
	char data[READ_SIZE];
	struct plan plan;

	(void)happened;
	for (int i = 0; i < READS_PER_TURN; i++) {
		ssize_t n = read(ear->tap_fd, data, sizeof(data));

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			close_tap(ear);
		}
		if (n <= 0) {
			break;
		}
		pass_on(ear, data, (size_t)n);
		plan_init(&plan);
		listener_input(&ear->listener, data, (size_t)n, &plan);
		log_plan(&plan);
	}
	loop_idle_queue(ev->sup->loop, &ev->dispatch_idle);
	if (ev->sup->mood != MOOD_RUNNING) {
		loop_idle_queue(ev->sup->loop, &ev->sup->shutdown_idle);
	}
}

bool events_unheard(const struct process *p)
{
	const struct ear *ear = ear_of(p);

	return ear && listener_owed(&ear->listener);
}

int events_tap(struct process *p, int *child)
{
	struct ear *ear = ear_of(p);
	int ends[2], r;

	if (!ear) {
		return 0;
	}
	r = process_pipe(p, ends);
	if (r < 0) {
		return r;
	}
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 || fcntl(*child, F_SETFL, O_NONBLOCK) < 0) {
		r = -errno;
		(void)close(ends[0]);
		(void)close(ends[1]);
		return r;
	}
	close_tap(ear);
	ear->tap_fd = ends[0];
	ear->log_fd = *child;
	*child = ends[1];
	loop_io_set(p->sup->loop, &ear->io, ear->tap_fd, LOOP_READ);
	return 0;
}

static struct ear *ear_new(struct ear_pool *ep, struct process *p)
{
	struct ear *ear = calloc(1, sizeof(*ear));
	const char *colon = strchr(p->namespec, ':');

	if (!ear) {
		return NULL;
	}
	ear->process = p;
	ear->tap_fd = ear->log_fd = -EBADF;
	loop_io_init(&ear->io, on_tap);
	/* The process's name, from a text that outlives its configuration. */
	listener_init(&ear->listener, &ep->pool, p->worker.id, colon ? colon + 1 : p->namespec);
	if (vec_push(&ep->ears, ear) < 0) {
		free(ear);
		return NULL;
	}
	if (vec_push(&ep->pool.listeners, &ear->listener) < 0) {
		ep->ears.len--;
		free(ear);
		return NULL;
	}
	return ear;
}

static void ear_free(struct ear *ear)
{
	struct plan plan;

	close_tap(ear);
	plan_init(&plan);
	listener_done(&ear->listener, &plan);
	log_plan(&plan);
	free(ear);
}

static void pool_free(struct ear_pool *ep)
{
	vec_for_each (ear, &ep->ears) {
		ear_free(*ear);
	}
	vec_done(&ep->ears);
	pool_done(&ep->pool);
	free(ep->identifier);
	free(ep);
}

static const struct program_config *listener_program(const struct group *g)
{
	const struct program_config *program =
		g->config->programs.len ? g->config->programs.at[0] : NULL;

	return program && program->kind == PROGRAM_EVENTLISTENER ? program : NULL;
}

/* What the group's configuration says now; that of the time before may be freed. */
static int configure_pool(struct ear_pool *ep, const struct program_config *program)
{
	char *identifier = strdup(ep->group->origin->supervisord.identifier);

	if (!identifier) {
		return -ENOMEM;
	}
	free(ep->identifier);
	ep->identifier = identifier;
	ep->pool.rule = strcmp(program->result_handler, RESULT_HANDLER_DEFAULT) == 0
				? RESULT_OK_ACCEPTS
				: RESULT_FAIL_REJECTS;
	ep->pool.accepted =
		strcmp(program->result_handler, RESULT_HANDLER_STDOUT) == 0 ? print_output : NULL;
	return pool_configure(&ep->pool, identifier, program->events, program->buffer_size);
}

static int make_pool(struct events *ev, struct group *g, const struct program_config *program)
{
	struct ear_pool *ep = calloc(1, sizeof(*ep));
	int r;

	if (!ep) {
		return -ENOMEM;
	}
	ep->group = g;
	pool_init(&ep->pool, 0, g->name);
	r = configure_pool(ep, program);
	if (r < 0) {
		pool_free(ep);
		return r;
	}
	vec_for_each (p, &g->processes) {
		if (!ear_new(ep, *p)) {
			pool_free(ep);
			return -ENOMEM;
		}
	}
	r = vec_push(&ev->pools, ep);
	if (r < 0) {
		pool_free(ep);
		return r;
	}
	return 0;
}

static void drop_pool(struct events *ev, struct ear_pool *ep)
{
	for (size_t i = 0; i < ev->pools.len; i++) {
		if (ev->pools.at[i] == ep) {
			vec_remove(&ev->pools, i);
			pool_free(ep);
			return;
		}
	}
}

void events_group_changed(struct group *g)
{
	struct events *ev = events_of(g->sup);
	struct ear_pool *ep = pool_of(ev, g);
	const struct program_config *program = listener_program(g);
	int r = 0;

	if (program) {
		r = ep ? configure_pool(ep, program) : make_pool(ev, g, program);
	} else if (ep) {
		drop_pool(ev, ep);
	}
	if (r < 0) {
		log_line(LOG_ERR, "event listener %s gets no events: %s", g->name, strerror(-r));
	}
	arm_tick(ev);
}

void events_group_added(struct group *g)
{
	events_group_changed(g);
	events_emitf(g->sup, EVENT_PROCESS_GROUP_ADDED, "groupname:%s\n", g->name);
}

void events_group_removed(struct group *g)
{
	struct events *ev = events_of(g->sup);

	events_emitf(g->sup, EVENT_PROCESS_GROUP_REMOVED, "groupname:%s\n", g->name);
	drop_pool(ev, pool_of(ev, g));
	arm_tick(ev);
}

int events_process_added(struct process *p)
{
	struct ear_pool *ep = pool_of(events_of(p->sup), p->group);

	if (ep && !ear_new(ep, p)) {
		log_line(LOG_ERR, "event listener %s gets no events: out of memory", p->namespec);
	}
	return 0;
}

void events_process_gone(struct process *p)
{
	struct ear_pool *ep = pool_of(events_of(p->sup), p->group);

	for (size_t i = 0; ep && i < ep->ears.len; i++) {
		if (ep->ears.at[i]->process == p) {
			ear_free(ep->ears.at[i]);
			vec_remove(&ep->ears, i);
			return;
		}
	}
}

/* The listener protocol follows its process: ACKNOWLEDGED from each start, events once RUNNING. */
void events_follow(struct process *p, enum worker_state state)
{
	struct ear *ear = ear_of(p);
	struct plan plan;

	if (!ear) {
		return;
	}
	plan_init(&plan);
	if (state == WORKER_STARTING) {
		listener_started(&ear->listener, &plan);
	} else if (state == WORKER_RUNNING) {
		ear->listener.running = true;
		loop_idle_queue(p->sup->loop, &events_of(p->sup)->dispatch_idle);
	} else if (state != WORKER_STOPPING) {
		listener_lost(&ear->listener, &plan);
		/* What it had in hand is another's, who may be waiting already. */
		loop_idle_queue(p->sup->loop, &events_of(p->sup)->dispatch_idle);
	} else {
		ear->listener.running = false;
	}
	log_plan(&plan);
}

/* ---- what slotd-log tells */

void events_output(struct supervisor *sup, const char *group, const char *name,
		   const struct message *m)
{
	static const enum event_type types[2][2] = {
		{EVENT_PROCESS_LOG_STDOUT, EVENT_PROCESS_LOG_STDERR},
		{EVENT_PROCESS_COMMUNICATION_STDOUT, EVENT_PROCESS_COMMUNICATION_STDERR},
	};
	struct strbuf *output = &events_of(sup)->output;
	CLEANUP(strbuf_done) struct strbuf sb = {0};
	bool is_stderr = message_u64(m, TAG_CHANNEL) == 1;
	bool is_log = message_u64(m, TAG_KIND) == LOG_EVENT_LOG;
	size_t len;
	const char *data = message_bytes(m, TAG_BYTES, &len);

	(void)strbuf_add(output, data, len); /* beyond its bound: the beginning alone */
	if (message_u64(m, TAG_COUNT)) {
		return; /* the rest follows at once */
	}
	(void)strbuf_addf(&sb, "processname:%s groupname:%s pid:%lld", name, group,
			  (long long)message_i64(m, TAG_PID));
	if (is_log) {
		(void)strbuf_addf(&sb, " channel:%s", is_stderr ? "stderr" : "stdout");
	}
	(void)strbuf_addc(&sb, '\n');
	(void)utf8_add(&sb, strbuf_str(output), output->len);
	strbuf_done(output);
	if (!sb.error) {
		events_emit(sup, types[!is_log][is_stderr], sb.data, sb.len);
	}
}

/* ---- all */

int events_init(struct supervisor *sup)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (!ev) {
		return -ENOMEM;
	}
	ev->sup = sup;
	ev->output.max = EVENT_PAYLOAD_MAX;
	loop_idle_init(&ev->dispatch_idle, on_dispatch);
	loop_timer_init(&ev->tick, on_tick);
	for (int i = 0; i < PERIODS; i++) {
		uint64_t now = wall_seconds();

		ev->slices[i] = now - now % periods[i].seconds;
	}
	sup->events = ev;
	return 0;
}

void events_done(struct supervisor *sup)
{
	struct events *ev = sup->events;

	if (!ev) {
		return;
	}
	loop_timer_stop(sup->loop, &ev->tick);
	loop_idle_cancel(sup->loop, &ev->dispatch_idle);
	vec_for_each (ep, &ev->pools) {
		pool_free(*ep);
	}
	vec_done(&ev->pools);
	strbuf_done(&ev->output);
	free(ev);
	sup->events = NULL;
}
