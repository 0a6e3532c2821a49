#include "capacity.h"

#include "relay.h"
#include "service_facts.h"

#include <string.h>

#define YIELD_STEP MSECONDS(1)
#define YIELD_MOST MSECONDS(2) /* beyond that, who wants to connect has waited enough */

static void settle_all(struct relay *relay)
{
	for (size_t i = 0; i < ARRAY_SIZE(relay->services); i++) {
		for (struct relay_service *s = relay->services[i]; s; s = s->preview) {
			service_settle_soon(s);
		}
	}
}

/* ---- the other relays, which are woken up for the same connections */

void relay_tell_others(struct relay *relay)
{
	if (relay->pool) {
		atomic_store_explicit(&relay->pool->conns[relay->index], relay->n_conns,
				      memory_order_relaxed);
	}
}

bool relay_others_have_fewer(const struct relay *relay)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; relay->pool && i < relay->n_relays; i++) {
		uint32_t n = atomic_load_explicit(&relay->pool->conns[i], memory_order_relaxed);

		least = n < least ? n : least;
	}
	return relay->pool && place_leaves_to(relay->n_conns, least);
}

void relay_yield(struct relay *relay)
{
	usec_t now = usec_monotonic();

	relay->yielding = true;
	relay->yield_until = usec_add(now, YIELD_MOST);
	loop_timer_set(relay->loop, &relay->yield_timer, usec_add(now, YIELD_STEP));
	settle_all(relay);
}

static void yield_no_longer(struct relay *relay, bool fewer)
{
	relay->yielding = false;
	relay->yielded = fewer;
	loop_timer_stop(relay->loop, &relay->yield_timer);
	settle_all(relay);
}

void on_yield_timer(struct loop_timer *t)
{
	struct relay *relay = container_of(t, struct relay, yield_timer);
	const bool fewer = relay_others_have_fewer(relay);
	usec_t now = usec_monotonic();

	if (fewer && now < relay->yield_until) {
		loop_timer_set(relay->loop, t, usec_add(now, YIELD_STEP));
	} else {
		yield_no_longer(relay, fewer);
	}
}

/* ---- no descriptors */

void on_exhausted_timer(struct loop_timer *t)
{
	struct relay *relay = container_of(t, struct relay, exhausted_timer);

	relay->exhausted = relay->full = false;
	settle_all(relay);
}

static void report_exhausted(struct relay *relay, int error, usec_t now)
{
	if (log_once(&relay->exhausted_log, now, NULL)) {
		log_line(LOG_WARNING,
			 "relay %u has %u connections and cannot have more: %s; new ones wait in "
			 "the kernel's queue (LimitNOFILE= bounds them)",
			 relay->index, relay->n_conns, strerror(error));
	}
}

void relay_full(struct relay *relay, usec_t until)
{
	report_exhausted(relay, EMFILE, usec_monotonic());
	relay->full = true;
	loop_timer_set(relay->loop, &relay->exhausted_timer, until);
	settle_all(relay);
}

void relay_exhausted(struct relay *relay, int error)
{
	usec_t now = usec_monotonic();

	report_exhausted(relay, error, now);
	if (!relay->exhausted) {
		relay->exhausted = true;
		loop_timer_set(relay->loop, &relay->exhausted_timer,
			       usec_add(now, EXHAUSTED_RETRY));
		settle_all(relay);
	}
}

void relay_relieved(struct relay *relay)
{
	if (relay->retiring && !relay->n_conns) {
		loop_stop(relay->loop);
	}
	if (relay->yielding && !relay_others_have_fewer(relay)) {
		yield_no_longer(relay, false);
	}
	if (relay->exhausted || relay->full) {
		relay->exhausted = relay->full = false;
		loop_timer_stop(relay->loop, &relay->exhausted_timer);
		settle_all(relay);
	}
}
