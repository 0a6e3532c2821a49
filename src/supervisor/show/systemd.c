#include "show/systemd.h"
#include "service/services.h"

#include <slotd/cleanup.h>
#include <slotd/notify.h>

#include <stdlib.h>

/*
 * What systemd is told, and how long it is asked to wait. Its own time-outs know nothing of
 * stopwaitsecs= or of a name server that hangs: while slotd waits for something within that one's
 * time it asks for EXTENSION more, and asks again long before that is over. What has used up its
 * time is waited for no longer than the unit says.
 */

#define EXTENSION SECONDS(30)
#define RENEWAL	  SECONDS(5)

struct systemd {
	struct supervisor *sup;
	struct loop_timer watchdog;
	usec_t watchdog_interval;
	struct loop_timer patience; /* it is asked for more time */
};

void supervisor_notify_status(struct supervisor *sup)
{
	char services[512];
	unsigned workers = 0;

	vec_for_each (p, &sup->processes) {
		workers += *p != NULL;
	}
	services_summary(sup, services, sizeof(services));
	notify_send("STATUS=%s%s%s%u worker%s configured", *services ? "live: " : "", services,
		    *services ? "; " : "", workers, workers == 1 ? "" : "s");
}

void systemd_service_live(struct service *s)
{
	supervisor_notify_status(s->sup);
}

/* ---- the watchdog */

static void on_watchdog(struct loop_timer *t)
{
	struct systemd *d = container_of(t, struct systemd, watchdog);

	notify_send("WATCHDOG=1");
	loop_timer_set(d->sup->loop, t, usec_add(usec_monotonic(), d->watchdog_interval));
}

/* ---- a long end */

static bool waits_in_time(const struct supervisor *sup)
{
	vec_for_each (p, &sup->processes) {
		if (*p && (*p)->worker.state == WORKER_STOPPING && !(*p)->worker.killed) {
			return true;
		}
	}
	return false;
}

static void on_patience(struct loop_timer *t)
{
	struct supervisor *sup = container_of(t, struct systemd, patience)->sup;

	if (waits_in_time(sup)) {
		notify_extend(EXTENSION);
	}
	loop_timer_set(sup->loop, t, usec_add(usec_monotonic(), RENEWAL));
}

void systemd_ending(struct supervisor *sup)
{
	if (sup->mood == MOOD_RESTARTING) {
		notify_reloading("restarting: stopping workers");
	} else {
		notify_send("STOPPING=1\nSTATUS=stopping workers");
	}
	notify_extend(EXTENSION);
	if (notify_wanted()) {
		loop_timer_set(sup->loop, &sup->systemd->patience,
			       usec_add(usec_monotonic(), RENEWAL));
	}
}

/* ---- the run */

int systemd_init(struct supervisor *sup)
{
	struct systemd *d = calloc(1, sizeof(*d));

	if (!d) {
		return -ENOMEM;
	}
	d->sup = sup;
	sup->systemd = d;
	loop_timer_init(&d->watchdog, on_watchdog);
	loop_timer_init(&d->patience, on_patience);
	d->watchdog_interval = notify_watchdog_interval();
	return 0;
}

void systemd_ready(struct supervisor *sup)
{
	if (sup->systemd->watchdog_interval != USEC_NEVER) {
		on_watchdog(&sup->systemd->watchdog);
	}
	notify_drop_unused();
	notify_send("READY=1");
	supervisor_notify_status(sup);
}

void systemd_done(struct supervisor *sup)
{
	struct systemd *d = sup->systemd;

	if (d) {
		loop_timer_stop(sup->loop, &d->watchdog);
		loop_timer_stop(sup->loop, &d->patience);
		free(d);
		sup->systemd = NULL;
	}
}
