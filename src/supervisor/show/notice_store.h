#pragma once

/** One notice, and the memfd with those that are not delivered yet. */

#include <slotd/notice.h>

#include <jansson.h>
#include <stdint.h>

struct notice {
	uint64_t id;
	enum notice_event event;
	char *json, *text, *worker; /* the body, a line; its sentence; "": of no worker */
};

/** Fills json, text and worker from the body. Returns 0 or -ENOMEM. */
int notice_fill(struct notice *n, const json_t *body);
void notice_done(struct notice *n);
/** Returns an id that no notice had before, of this slotd or a former one. */
uint64_t notice_next_id(uint64_t last);
/** Returns it as text, in a static buffer. */
const char *notice_id_text(uint64_t id);

/* A file only grows until nothing is left, or another takes its place, so that a slotd that is
 * killed loses nothing: a line for each notice, and one for each that was delivered. fd negative:
 * there is none. */
void notice_store_add(int fd, const struct notice *n);
void notice_store_delivered(int fd, uint64_t id);
void notice_store_clear(int fd);
/** Returns its size in bytes. */
uint64_t notice_store_size(int fd);
/** Calls fn for each that is not delivered; it may take what n holds. */
void notice_store_each(int fd, void (*fn)(void *data, struct notice *n), void *data);
