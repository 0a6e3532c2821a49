#pragma once

/** Listeners: accepting, in batches. */

#include "relay_service.h"

struct listener {
	struct relay_service *service;
	uint32_t index; /* slotd's number for it */
	int fd;
	struct loop_io io;
	bool closing; /* accept what is queued, then close and answer done_id */
	uint32_t done_id;
};

/** Takes fd. Returns 0 or -ENOMEM. */
int listener_new(struct relay_service *s, uint32_t index, int fd);
/** Closes it at once. Accepts NULL, and returns it. */
struct listener *listener_free(struct listener *l);
/** Accepts what is queued, then closes and answers DONE to id. */
void listener_close(struct listener *l, uint32_t id);
/** Starts or stops watching, as service_accepting says. */
void listener_update(struct listener *l);
/** Frees all of its listeners. */
void service_close_listeners(struct relay_service *s);
/**
 * Another relay accepts in its place from now on, with its index: it closes its listeners, whose
 * queues are shared, serves the connections that it has, and ends the loop with the last of them.
 */
void relay_retire(struct relay *relay);
