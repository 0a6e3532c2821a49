/*
 * Anything that an event listener may write to its stdout, in single bytes, in pieces or at once:
 * no event is lost or processed twice. 0xff in the input is the end of its process and the start of
 * the next one.
 */
#include <slotd/cleanup.h>
#include <slotd/event.h>
#include <slotd/plan.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EVENTS = 4 };

struct ear {
	struct pool pool;
	struct listener listener;
	struct plan plan;
	unsigned accepted, given;
};

static unsigned *accepted_now;

static void count(struct pool *p, const struct event *e)
{
	(void)p;
	(void)e;
	(*accepted_now)++;
}

static void insist(bool holds)
{
	if (!holds) {
		__builtin_trap();
	}
}

static void ear_open(struct ear *e)
{
	static char type[] = "TICK_5";
	static char *const types[] = {type, NULL};

	memset(e, 0, sizeof(*e));
	pool_init(&e->pool, 1, "p");
	insist(pool_configure(&e->pool, "slotd", types, EVENTS) == 0);
	e->pool.accepted = count;
	listener_init(&e->listener, &e->pool, 2, "l");
	insist(vec_push(&e->pool.listeners, &e->listener) == 0);
	plan_init(&e->plan);
	for (int i = 0; i < EVENTS; i++) {
		struct event *tick = event_new(EVENT_TICK_5, "when:0", 6);

		(void)pool_offer(&e->pool, tick, &e->plan);
		event_unref(tick);
	}
	listener_started(&e->listener, &e->plan);
	e->listener.running = true;
}

static void give(struct ear *e)
{
	char *envelope;
	size_t len;

	while (pool_dispatch(&e->pool, &envelope, &len)) {
		free(envelope);
		e->given++;
	}
}

/* A copy of the exact size: a sanitizer sees every byte read outside. */
static void hear(struct ear *e, const uint8_t *data, size_t len)
{
	char *copy = malloc(len ? len : 1);

	if (copy) {
		memcpy(copy, data, len);
		plan_init(&e->plan);
		listener_input(&e->listener, copy, len, &e->plan);
	}
	free(copy);
}

static void run(struct ear *e, const uint8_t *data, size_t size, size_t step)
{
	accepted_now = &e->accepted;
	ear_open(e);
	give(e);
	for (size_t at = 0, n; at < size; at += n) {
		const uint8_t *end = memchr(data + at, 0xff, size - at);
		size_t left = end ? (size_t)(end - data) - at : size - at;

		if (!left) {
			n = 1;
			plan_init(&e->plan);
			listener_lost(&e->listener, &e->plan);
			listener_started(&e->listener, &e->plan);
			continue;
		}
		n = step < left ? step : left;
		hear(e, data + at, n);
		give(e);
	}
	insist(e->listener.line_len <= LISTENER_LINE_MAX);
	insist((e->listener.state == LISTENER_BUSY) == (e->listener.event != NULL));
	insist(e->accepted + e->pool.buffer.len + !!e->listener.event <= EVENTS);
}

static void ear_close(struct ear *e)
{
	plan_init(&e->plan);
	listener_done(&e->listener, &e->plan);
	pool_done(&e->pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[] = {1, 7, SIZE_MAX};
	static struct ear ear;

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		run(&ear, data, size, steps[i]);
		ear_close(&ear);
	}
	return 0;
}
