#pragma once

/** Plans of core/swap.c and core/retire.c: each action carried out. */

#include "service/service.h"

/** Feeds core/swap.c and carries out its plan; text is copied. */
void service_feed(struct service *s, enum swap_event_kind kind, int code, const char *text);
void service_begin(struct service *s, enum swap_kind kind, bool warm, bool draining);
void service_retire(struct service *s, enum slot_id slot, enum retire_event_kind kind);
void service_swap_init(struct service *s, enum slot_id live);
void service_swap_done(struct service *s);
/** Can the flip be recorded? NULL: yes; else why not. */
void service_checked(struct service *s, const char *error);
/** A process of the target slot changed: is START over? */
void service_start_progress(struct service *s);
