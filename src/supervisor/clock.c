#include "clock.h"
#include "deploy/schedules.h"
#include "service/service.h"
#include "show/publish.h"
#include "supervisor.h"
#include "worker/process_row.h"

#include <slotd/cleanup.h>
#include <slotd/clockwatch.h>

#include <stdlib.h>
#include <string.h>

struct clock {
	struct supervisor *sup;
	struct clock_watch watch;
};

/* The wall clock was set: what people see counts from times that were noted by it. */
static void on_step(struct clock_watch *w, int64_t by)
{
	struct supervisor *sup = container_of(w, struct clock, watch)->sup;
	char span[USEC_TEXT_MAX];

	log_line(LOG_NOTICE, "the clock was set %s by %s: the times that slotd shows are adjusted",
		 by > 0 ? "forward" : "back",
		 usec_format((usec_t)(by > 0 ? by : -by), span, sizeof(span)));
	sup->started_wall = clock_move(sup->started_wall, by);
	publish_daemon(sup);
	vec_for_each (p, &sup->processes) {
		if (*p) {
			process_move_times(*p, by);
		}
	}
	vec_for_each (s, &sup->services) {
		service_move_times(*s, by);
	}
}

/* Timers count without the time that a machine sleeps. */
static void on_touch(struct clock_watch *w)
{
	schedules_clock_set(container_of(w, struct clock, watch)->sup);
}

int clock_init(struct supervisor *sup)
{
	struct clock *c = calloc(1, sizeof(*c));

	if (!c) {
		return -ENOMEM;
	}
	c->sup = sup;
	sup->clock = c;
	clock_watch_init(&c->watch, sup->loop, on_step);
	c->watch.touched = on_touch;
	if (c->watch.fd < 0) {
		log_line(LOG_INFO, "slotd will not notice when the clock is set: %s",
			 strerror(errno));
	}
	return 0;
}

void clock_done(struct supervisor *sup)
{
	if (sup->clock) {
		clock_watch_done(&sup->clock->watch);
		free(sup->clock);
		sup->clock = NULL;
	}
}
