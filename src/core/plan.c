#include <slotd/plan.h>
#include <slotd/swap_names.h>
#include <slotd/worker.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void plan_init(struct plan *p)
{
	p->len = 0;
}

struct plan_action *plan_add(struct plan *p, enum plan_kind kind, uint32_t object)
{
	struct plan_action *a = &p->actions[p->len];

	assert(kind != PLAN_NONE && p->len < PLAN_ACTIONS_MAX);
	p->len++;
	*a = (struct plan_action){.kind = kind, .object = object, .slot = -1};
	return a;
}

void plan_log(struct plan *p, uint32_t object, int priority, const char *fmt, ...)
{
	struct plan_action *a = plan_add(p, PLAN_LOG, object);
	va_list ap;

	a->arg = priority;
	va_start(ap, fmt);
	(void)vsnprintf(a->text, sizeof(a->text), fmt, ap);
	va_end(ap);
}

/* What an action prints beside its verb and object. */
enum shows {
	SHOWS_SIGNAL = 1,
	SHOWS_TIME = 2,
	SHOWS_WORKER_STATE = 4,
	SHOWS_PRIORITY = 8,
	SHOWS_ARG = 16,
	SHOWS_STEP = 32,
	SHOWS_TEXT = 64,
	SHOWS_SET = 128, /* arg, unless it is 0 */
	SHOWS_HOOK = 256,
};

static const struct {
	const char *verb;
	unsigned shows;
} kinds[PLAN_KIND_MAX_] = {
	[PLAN_SPAWN] = {"spawn", 0},
	[PLAN_SIGNAL] = {"signal", SHOWS_SIGNAL},
	[PLAN_TIMER] = {"timer", SHOWS_TIME},
	[PLAN_STATE] = {"state", SHOWS_WORKER_STATE},
	[PLAN_LOG] = {"log", SHOWS_PRIORITY | SHOWS_TEXT},
	[PLAN_TOUCH] = {"touch", 0},
	[PLAN_RUN] = {"run", SHOWS_HOOK},
	[PLAN_STOP_RUN] = {"stop-run", 0},
	[PLAN_SLOT_START] = {"slot-start", SHOWS_ARG},
	[PLAN_SLOT_STOP] = {"slot-stop", SHOWS_SET},
	[PLAN_GATE] = {"gate", 0},
	[PLAN_GATE_END] = {"gate-end", 0},
	[PLAN_CHECK_RECORD] = {"check-record", 0},
	[PLAN_READY] = {"ready", 0},
	[PLAN_FLIP] = {"flip", 0},
	[PLAN_LIVE] = {"live", 0},
	[PLAN_PROVE] = {"prove", 0},
	[PLAN_STATUS] = {"status", 0},
	[PLAN_RECORD] = {"record", 0},
	[PLAN_RECALL] = {"recall", 0},
	[PLAN_RETIRE] = {"retire", SHOWS_SET},
	[PLAN_QUEUE_WORKERS] = {"queue-workers", 0},
	[PLAN_CHECKS] = {"checks", 0},
	[PLAN_BAKE] = {"bake", 0},
	[PLAN_WATCH_DRAIN] = {"watch-drain", 0},
	[PLAN_DRAIN] = {"drain", 0},
	[PLAN_CUT] = {"cut", SHOWS_SET},
	[PLAN_STEP] = {"step", SHOWS_STEP | SHOWS_TEXT},
	[PLAN_BACK] = {"back", SHOWS_TEXT},
	[PLAN_FAILED] = {"failed", SHOWS_TEXT},
	[PLAN_FINISH] = {"finish", SHOWS_ARG | SHOWS_TEXT},
	[PLAN_CLOSE] = {"close", SHOWS_TEXT},
	[PLAN_ROLL] = {"roll", 0},
	[PLAN_SETTLE] = {"settle", 0},
	[PLAN_WORKER_DRAIN] = {"worker-drain", 0},
	[PLAN_WORKER_CUT] = {"worker-cut", 0},
	[PLAN_WORKER_STOP] = {"worker-stop", SHOWS_SET},
	[PLAN_WORKER_START] = {"worker-start", 0},
	[PLAN_WORKER_STAYS] = {"worker-stays", 0},
	[PLAN_ROLLED] = {"rolled", SHOWS_SET},
	[PLAN_VERIFY_AT] = {"verify-at", SHOWS_TIME},
	[PLAN_VERIFY] = {"verify", SHOWS_ARG},
	[PLAN_SHARE] = {"share", SHOWS_ARG},
	[PLAN_STAND] = {"stand", SHOWS_ARG},
};

struct out {
	char *buf;
	size_t size, used;
};

static void out(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void out(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (o->used >= o->size) {
		return;
	}
	va_start(ap, fmt);
	n = vsnprintf(o->buf + o->used, o->size - o->used, fmt, ap);
	va_end(ap);
	o->used += n > 0 ? (size_t)n : 0;
}

static void out_time(struct out *o, usec_t at, usec_t now)
{
	if (at == USEC_NEVER) {
		out(o, " off");
	} else {
		out(o, " +%gs", (double)usec_sub(at, now) / 1e6);
	}
}

static void out_action(struct out *o, const struct plan_action *a, usec_t now)
{
	static const char *const priorities[] = {"emerg",   "alert",  "crit", "err",
						 "warning", "notice", "info", "debug"};
	unsigned shows = kinds[a->kind].shows;
	char buf[32];

	out(o, "%s %u", kinds[a->kind].verb, a->object);
	if (a->slot >= 0) {
		out(o, " %s", slot_name((enum slot_id)a->slot));
	}
	if (shows & SHOWS_SIGNAL) {
		out(o, " %s%s", worker_signal_name(a->arg, buf, sizeof(buf)),
		    a->group ? " group" : "");
	}
	if (shows & SHOWS_TIME) {
		out_time(o, a->at, now);
	}
	if (shows & SHOWS_WORKER_STATE) {
		out(o, " %s -> %s", worker_state_info((enum worker_state)a->from)->name,
		    worker_state_info((enum worker_state)a->arg)->name);
	}
	if (shows & SHOWS_PRIORITY) {
		out(o, " %s", priorities[a->arg & 7]);
	}
	if (shows & SHOWS_ARG || (shows & SHOWS_SET && a->arg)) {
		out(o, " %d", a->arg);
	}
	if (shows & SHOWS_STEP) {
		out(o, " %s", swap_state_name((enum swap_step)a->arg));
	}
	if (shows & SHOWS_HOOK) {
		out(o, " %s", hook_name((enum hook)a->arg));
	}
	if (a->code) {
		out(o, " code %d", a->code);
	}
	if (a->position) {
		out(o, " #%u", a->position);
	}
	if ((shows & SHOWS_TEXT) && a->text[0]) {
		out(o, " \"%s\"", a->text);
	}
}

const char *plan_format(const struct plan *p, usec_t now, char *buf, size_t size)
{
	struct out o = {.buf = buf, .size = size};

	if (size) {
		buf[0] = '\0';
	}
	for (unsigned i = 0; i < p->len; i++) {
		out(&o, "%s", i ? "; " : "");
		out_action(&o, &p->actions[i], now);
	}
	return buf;
}
