#include "show/systemd.h"
#include "service/services.h"

#include <slotd/cleanup.h>
#include <slotd/notify.h>

/*
 * What systemd is told, and how long it is asked to wait. Its own time-outs know nothing of
 * stopwaitsecs= or of a name server that hangs: while slotd waits for something within that one's
 * time it asks for EXTENSION more, and asks again long before that is over. What has used up its
 * time is waited for no longer than the unit says.
 */

#define EXTENSION SECONDS(30)
#define RENEWAL	  SECONDS(5)

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
	struct supervisor *sup = container_of(t, struct supervisor, watchdog);

	notify_send("WATCHDOG=1");
	loop_timer_set(sup->loop, t, usec_add(usec_monotonic(), sup->watchdog_interval));
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
	struct supervisor *sup = container_of(t, struct supervisor, patience);

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
		loop_timer_set(sup->loop, &sup->patience, usec_add(usec_monotonic(), RENEWAL));
	}
}

/* ---- the run */

void systemd_init(struct supervisor *sup)
{
	loop_timer_init(&sup->watchdog, on_watchdog);
	loop_timer_init(&sup->patience, on_patience);
	sup->watchdog_interval = notify_watchdog_interval();
}

void systemd_ready(struct supervisor *sup)
{
	if (sup->watchdog_interval != USEC_NEVER) {
		on_watchdog(&sup->watchdog);
	}
	notify_send("READY=1");
	supervisor_notify_status(sup);
}

void systemd_done(struct supervisor *sup)
{
	loop_timer_stop(sup->loop, &sup->watchdog);
	loop_timer_stop(sup->loop, &sup->patience);
}
