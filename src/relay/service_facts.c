#include "service_facts.h"

#include "relay.h"

struct switch_word service_word(const struct relay_service *s)
{
	const struct switch_entry *entry = &s->relay->board->services[s->index];

	struct switch_word word =
		switch_unpack(atomic_load_explicit(&entry->word, memory_order_acquire));

	if (s->is_preview) {
		word.live = slot_other(word.live);
		word.weight = 0;
		word.mode = SWITCH_OPEN;
	}
	return word;
}

bool service_is_offline(const struct relay_service *s)
{
	return service_word(s).mode == SWITCH_OFFLINE;
}

bool service_gave_up(const struct relay_service *s)
{
	return s->holding_since && s->hold_timeout != USEC_NEVER &&
	       usec_add(s->holding_since, s->hold_timeout) <= usec_monotonic();
}

bool service_answers(const struct relay_service *s)
{
	if (s->is_preview) {
		return s->complete && !place_any_up(&s->slots[service_word(s).live].table);
	}
	return service_is_offline(s) || (service_gave_up(s) && s->page);
}

bool service_accepting(const struct relay_service *s)
{
	const struct switch_word word = service_word(s);

	if (!s->complete || s->relay->exhausted || s->relay->full || s->relay->yielding) {
		return false;
	}
	return service_answers(s) || service_gave_up(s) ||
	       (word.mode == SWITCH_OPEN && !s->unplaced[CONN_HELD].head &&
		place_any_up(&s->slots[word.live].table));
}

bool worker_is_left(const struct relay_worker *w)
{
	const struct switch_word word = service_word(w->service);

	if (w->gone || !w->place.up || w->place.leaving || word.mode == SWITCH_OFFLINE) {
		return true;
	}
	return w->slot != word.live && word.weight == 0 &&
	       (w->service->is_preview || w->service->drain != DRAIN_CONNECTIONS ||
		w->service->slots[w->slot].cut.on);
}

void service_settle_soon(struct relay_service *s)
{
	s->held_news = true; /* also for those that were tried before it came */
	loop_idle_queue(s->relay->loop, &s->settle);
}
