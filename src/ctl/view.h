#pragma once

/** What status and slots print, made of what the server sends. Pure, but for view_print. */

#include "value.h"

#include <slotd/service_names.h>
#include <slotd/strbuf.h>
#include <slotd/usec.h>
#include <slotd/worker_state.h>
#include <stdio.h>

/** "idle, stopped"; "?" for a number that is none. */
const char *slot_words(int64_t state);
/** What there is to say of a slot besides slot_words; "" for nothing. Borrowed. */
const char *slot_note(const struct value *slot);
/** A line for each thing that is wrong with a service; how many. */
unsigned view_troubles(struct strbuf *to, const struct value *service);

/** The state of a worker of slotd.status or getProcessInfo. */
enum worker_state worker_state_of(const struct value *worker);
/** Is it of the class that makes status exit with 3? */
bool worker_is_stopped(enum worker_state state);

/** supervisorctl's table of the given workers. 0 or -ENOMEM. */
int view_plain(struct strbuf *to, const struct value *const *workers, size_t n);

/**
 * What a person sees of the whole machine: services with the workers that need him, then everything
 * else, then what to type. now is the wall clock. 0 or -ENOMEM.
 */
int view_status(struct strbuf *to, const struct value *status, usec_t now);

/** The two slots of each service. 0 or -ENOMEM. */
int view_slots(struct strbuf *to, const struct value *const *services, size_t n, usec_t now);

/** Writes text; to a terminal with control characters (but newline and tab) replaced by '?'. */
void view_print(FILE *to, const char *text, bool terminal);

/* ---- for the views -----------------------------------------------------------------------------
 */

/** Characters, as Python counts them. */
size_t view_width(const char *text);
/** Appends text and blanks up to width. */
void view_pad(struct strbuf *to, const char *text, size_t width);
/** The same, with a blank also behind what is wider. */
void view_column(struct strbuf *to, const char *text, size_t width);
/** How long ago seconds since the epoch were, for people; "" for 0. Returns buf. */
const char *view_ago(int64_t since, usec_t now, char *buf, size_t size);
