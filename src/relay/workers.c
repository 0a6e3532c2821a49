#include "workers.h"

#include "service_facts.h"
#include "slot.h"

#include <stdlib.h>

const char *worker_label(const struct relay_worker *w)
{
	static char text[ADDRESS_TEXT_MAX];

	return w->name ? w->name : address_format(&w->address, text, sizeof(text));
}

struct relay_worker *service_find_worker(struct relay_service *s, enum slot_id slot, uint32_t key)
{
	vec_for_each (at, &s->slots[slot].table.workers) {
		if ((*at)->key == key && !worker_of(*at)->gone) {
			return worker_of(*at);
		}
	}
	return NULL;
}

int service_worker(struct relay_service *s, enum slot_id slot, uint32_t key,
		   struct relay_worker **ret)
{
	struct relay_worker *w = service_find_worker(s, slot, key);

	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w) {
			return -ENOMEM;
		}
		w->service = s;
		w->slot = slot;
		w->place.key = key;
		if (vec_push(&s->slots[slot].table.workers, &w->place) < 0) {
			free(w);
			return -ENOMEM;
		}
	}
	*ret = w;
	return 0;
}

struct relay_worker *worker_free(struct relay_worker *w)
{
	struct place_table *table = &w->service->slots[w->slot].table;

	vec_for_each (at, &table->workers) {
		if (*at == &w->place) {
			vec_remove(&table->workers, (size_t)(at - table->workers.at));
			break;
		}
	}
	free(w->name);
	free(w);
	return NULL;
}

void service_worker_gone(struct relay_service *s, enum slot_id slot, uint32_t key)
{
	struct relay_worker *w = service_find_worker(s, slot, key);

	if (w) {
		w->place.up = false;
		w->gone = true;
		worker_left(w);
		worker_released(w);
	}
}

void worker_released(struct relay_worker *w)
{
	struct relay_service *s = w->service;
	const struct relay_slot *slot = &s->slots[w->slot];

	if ((slot->n_conns == 0 && (slot->draining || slot->cut.on)) ||
	    (w->drain_id && w->n_conns == 0)) {
		slot_look_soon(s, w->slot);
	}
	if (s->unplaced[CONN_HELD].head) {
		service_settle_soon(s);
	}
	if (w->gone && !w->in_use && w->n_conns == 0) {
		worker_free(w);
	}
}

void worker_use(struct relay_worker *w)
{
	w->in_use = true;
}

void worker_unuse(struct relay_worker *w)
{
	w->in_use = false;
	if (w->gone && w->n_conns == 0) {
		worker_free(w);
	}
}
