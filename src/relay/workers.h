#pragma once

/** The workers of a service. */

#include "relay_service.h"
#include "relay_worker.h"

/** Returns the worker of that key; NULL: there is none. */
struct relay_worker *service_find_worker(struct relay_service *s, enum slot_id slot, uint32_t key);
/** Finds or makes a worker. Returns 0 or -ENOMEM. */
int service_worker(struct relay_service *s, enum slot_id slot, uint32_t key,
		   struct relay_worker **ret);
/** slotd has removed the worker: its connections leave it, and with the last one it is freed. */
void service_worker_gone(struct relay_service *s, enum slot_id slot, uint32_t key);
/** Takes it off its slot and frees it; it must have no connection. Returns NULL. */
struct relay_worker *worker_free(struct relay_worker *w);
/** A connection was taken off its worker; frees a worker that was kept only for it. */
void worker_released(struct relay_worker *w);
/** To be called around code that walks its lists and may take its last connection off. */
void worker_use(struct relay_worker *w);
/** The end of that: frees a worker that was kept only for its connections. */
void worker_unuse(struct relay_worker *w);
/** Returns "payinv-a:payinv-a_8001", or its address. */
const char *worker_label(const struct relay_worker *w);
