#pragma once

/**
 * What becomes of a worker after the gate: what it says itself (health=notify), its watchdog, and
 * its restart when it is unhealthy.
 */

#include "service/service.h"

enum {
	HEALTH_WORDS_MAX = 512,
};

/** As parts of a service. */
int vitals_init(struct service *s);
void vitals_schedule(struct service *s);
void vitals_done(struct service *s);
/** As an observer of workers: it has sent a datagram to its NOTIFY_SOCKET. */
void vitals_said(struct process *p, const struct sd_message *n);
/** It runs now: its watchdog's time begins. */
void vitals_entered(struct process *p);
/** After a slotd was killed, or was upgraded: the watchdogs' times begin anew. */
void vitals_resume(struct service *s);
/** A check of it has failed: with health_restart it may be time for a restart. */
void vitals_failed(struct process *p);
/** Says why a worker that runs is not healthy: "failed its check: ...", "has not sent READY=1".
 * Returns buf. */
const char *health_words(const struct process *p, char *buf, size_t size);
