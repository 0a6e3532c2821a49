#include <slotd/health.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- checks ---- */

/* One that has just been started may fail, until it has passed once. */
static bool counts(const struct health *h, const struct gate_policy *p, usec_t started, usec_t now)
{
	return h->passed || h->good || now >= usec_add(started, p->start_period);
}

bool health_result(struct health *h, const struct gate_policy *p, bool ok, usec_t started,
		   usec_t now)
{
	bool was = h->healthy;

	h->bad = ok ? 0 : h->bad + counts(h, p, started, now);
	h->failed = ok ? 0 : h->failed + 1;
	h->good = ok ? h->good + 1 : 0;
	if (h->good >= p->rise) {
		h->healthy = h->passed = true;
	}
	if (h->bad >= p->fall) {
		h->healthy = false;
	}
	h->next = usec_add(now, p->interval);
	return h->healthy != was;
}

void health_reset(struct health *h, usec_t now)
{
	*h = (struct health){.next = now, .restarts = h->restarts};
}

void health_ask_again(struct health *h, usec_t now)
{
	h->good = h->bad = h->failed = 0;
	h->healthy = h->notifies && h->ready && !h->stopping && !h->late;
	h->next = now;
}

/* ---- restarts ---- */

bool health_coming_up(const struct health *h, const struct gate_policy *p, usec_t started,
		      usec_t now)
{
	usec_t span = p->start_period ? p->start_period : p->ready_timeout;

	return !h->healthy && !h->passed && now < usec_add(started, span);
}

/* From its last start on. */
static usec_t backoff(const struct health *h)
{
	unsigned shift = h->restarts ? h->restarts - 1 : 0;
	usec_t most = SECONDS(HEALTH_BACKOFF_MAX_S);

	if (!h->restarts) {
		return 0;
	}
	return shift < 6 && SECONDS(1) << shift < most ? SECONDS(1) << shift : most;
}

bool health_wants_restart(const struct health *h, const struct gate_policy *p, usec_t started,
			  bool others_come_up, usec_t now)
{
	return !h->healthy && h->bad >= p->fall && !others_come_up &&
	       !health_coming_up(h, p, started, now) && now >= usec_add(started, backoff(h));
}

void health_note_restart(struct health *h, usec_t started, usec_t now)
{
	bool helped = h->passed && now >= usec_add(started, SECONDS(HEALTH_BACKOFF_MAX_S));

	h->restarts = helped ? 1 : h->restarts + 1;
}

/* ---- what a worker says itself ---- */

/* Anew; one that is to have no watchdog, or is late already, is never late again. */
static void wind_up(struct health *h, usec_t now)
{
	bool watched = h->watchdog && h->ready && !h->late && !h->stopping;

	h->late_at = watched ? usec_add(now, h->watchdog) : USEC_NEVER;
}

static bool take_status(struct health *h, const struct sd_message *n)
{
	if (!n->has_status || strcmp(h->status, n->status) == 0) {
		return false;
	}
	memcpy(h->status, n->status, sizeof(h->status));
	return true;
}

enum sd_effect health_told(struct health *h, const struct sd_message *n, usec_t now)
{
	bool healthy = h->healthy, reloading = h->reloading;
	bool shown = take_status(h, n);

	if (n->reloading) {
		h->reloading = true;
	}
	if (n->ready) {
		h->ready = true;
		h->reloading = false;
	}
	h->stopping = h->stopping || n->stopping;
	if (n->trigger && h->watchdog && h->ready && !h->late) {
		h->late_at = now;
	} else if (n->ready || n->watchdog || n->stopping) {
		wind_up(h, now);
	}
	if (n->ready || n->stopping) {
		h->healthy = h->ready && !h->stopping && !h->late;
		h->passed = h->passed || h->healthy;
	}
	if (h->healthy != healthy) {
		return SD_HEALTH;
	}
	return shown || h->reloading != reloading ? SD_SHOWN : SD_NOTHING;
}

void health_watch(struct health *h, usec_t now)
{
	wind_up(h, now);
}

bool health_is_late(struct health *h, usec_t now)
{
	if (!h->late_at || now < h->late_at || h->late) {
		return false;
	}
	h->late = true;
	h->late_at = USEC_NEVER;
	h->healthy = false;
	return true;
}

/* ---- the gate ---- */

int gate_min_ready(const char *text, unsigned total)
{
	unsigned long n;
	char *end;

	if (strcmp(text, "all") == 0) {
		return (int)total;
	}
	if (!isdigit((unsigned char)*text)) {
		return -EINVAL;
	}
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || n > GATE_WORKERS_MAX) {
		return -EINVAL;
	}
	if (strcmp(end, "%") == 0 && n <= 100) {
		n = (n * total + 99) / 100;
	} else if (*end) {
		return -EINVAL;
	}
	if (n == 0 && total) {
		n = 1;
	}
	return (int)(n < total ? n : total);
}

enum gate_verdict gate_judge(const struct gate_policy *p, const struct gate_count *count)
{
	if (count->ready >= p->min_ready) {
		return GATE_PASSED;
	}
	return p->total - count->lost < p->min_ready ? GATE_HOPELESS : GATE_WAIT;
}
