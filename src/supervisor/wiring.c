#include "wiring.h"
#include "commands.h"
#include "deploy/bake.h"
#include "deploy/canary.h"
#include "deploy/canary_requests.h"
#include "deploy/hooks.h"
#include "deploy/jobs.h"
#include "deploy/live.h"
#include "deploy/live_watch.h"
#include "deploy/maintenance.h"
#include "deploy/records.h"
#include "deploy/releases.h"
#include "deploy/reverify.h"
#include "deploy/roll.h"
#include "deploy/schedules.h"
#include "deploy/service_swap.h"
#include "dry_run.h"
#include "handoff/relays.h"
#include "link/kept.h"
#include "link/lookout.h"
#include "link/servers.h"
#include "pidfile.h"
#include "predecessor.h"
#include "reload/reload.h"
#include "service/gate.h"
#include "service/handoff_ops.h"
#include "service/observers.h"
#include "service/offline_page.h"
#include "service/services.h"
#include "service/sockets.h"
#include "service/vitals.h"
#include "service_commands.h"
#include "show/events.h"
#include "show/notice_queue.h"
#include "show/notices.h"
#include "show/publish.h"
#include "show/requests.h"
#include "show/state_events.h"
#include "show/systemd.h"
#include "shutdown.h"
#include "worker/cgroups.h"
#include "worker/fcgi.h"
#include "worker/observers.h"
#include "worker/orphans.h"
#include "worker/processes.h"
#include "worker/sd_listener.h"
#include "worker/secrets.h"
#include "worker/starts.h"
#include "worker/streams.h"

/* ---- the helpers */

static void log_spoke(struct supervisor *sup, const struct message *m)
{
	struct stream_owner owner;

	if (!streams_whose(sup, m, &owner)) {
		return;
	}
	if (owner.process) {
		process_look(owner.process); /* that it runs is told before what it says */
	}
	events_output(sup, owner.group, owner.name, m);
}

static void log_received(struct helper *h, struct message *m)
{
	switch (m->type) {
	case MSG_LOG_OPENED:
	case MSG_DONE:
		requests_log_answered(h->sup, m->id, m);
		break;
	case MSG_LOG_EVENT:
		log_spoke(h->sup, m);
		break;
	default:
		streams_received(h, m);
	}
}

static void log_lost(struct helper *h)
{
	requests_log_answered(h->sup, 0, NULL);
}

static const struct helper_ops log_helper_ops = {
	.name = "slotd-log",
	.refill = streams_refill,
	.received = log_received,
	.lost = log_lost,
};

static void spawn_received(struct helper *h, struct message *m)
{
	if (m->type == MSG_SPAWNED) {
		starts_answered(h->sup, m);
		orphans_look_again(h->sup);
	}
}

static const struct helper_ops spawn_helper_ops = {
	.name = "slotd-spawn",
	.refill = starts_refill,
	.received = spawn_received,
	.lost = starts_lost,
	.last_words = true,
};

static void control_received(struct helper *h, struct message *m)
{
	if (m->type == MSG_STATE_AGAIN) {
		publish_again(h);
	} else {
		commands_received(h->sup, m);
	}
}

static void control_lost(struct helper *h)
{
	requests_forget(h->sup, 0);
	maintenance_forget(h->sup);
	notice_queues_forget(h->sup);
	dry_runs_done(h->sup);
}

static const struct helper_ops control_helper_ops = {
	.name = "slotd-control",
	.refill = publish_refill,
	.received = control_received,
	.drained = publish_drained,
	.missed = publish_missed,
	.lost = control_lost,
};

static const struct helper_ops *const helper_ops[HELPER_MAX_] = {
	[HELPER_SPAWN] = &spawn_helper_ops, [HELPER_KEEP] = &keep_helper_ops,
	[HELPER_LOG] = &log_helper_ops,	    [HELPER_RELAY] = &relays_helper_ops,
	[HELPER_PROBE] = &gate_helper_ops,  [HELPER_CONTROL] = &control_helper_ops,
};

/* ---- what is heard of workers */

static const struct worker_observer requests_hear = {
	.state = requests_process_entered,
	.stepped = requests_process_stepped,
	.gone = requests_process_gone,
};

static const struct worker_observer events_hear = {
	.added = events_process_added,
	.state = events_process_state,
	.gone = events_process_gone,
	.piped = events_tap,
	.group_added = events_group_added,
	.group_gone = events_group_removed,
};

static const struct worker_observer publish_hears = {
	.added = publish_process_added,
	.changed = publish_process,
	.gone = publish_process_gone,
	.group_added = publish_group,
	.group_gone = publish_group_gone,
};

static const struct worker_observer schedules_hear = {
	.added = schedules_process_added,
	.state = schedules_process_entered,
};

static const struct worker_observer swaps_hear = {.state = service_swap_process_entered};

static const struct worker_observer services_hear = {
	.added = services_join,
	.state = services_process_entered,
	.gone = services_leave,
	.said = vitals_said,
};

static const struct worker_observer rolls_hear = {.state = roll_process_entered};
static const struct worker_observer notices_hear = {
	.state = notices_process_entered,
	.output_lost = notices_output_lost,
};
static const struct worker_observer bake_hears = {.state = bake_process_entered};
static const struct worker_observer sd_listener_hears = {.changed = sd_listener_process_changed};
static const struct worker_observer secrets_hear = {.state = secrets_process_entered};
static const struct worker_observer cgroups_hear = {.state = cgroups_process_entered};
static const struct worker_observer shutdown_hears = {.state = shutdown_process_entered};
static const struct worker_observer reload_hears = {.state = reload_process_entered};

/* Requests first: what they answer about a worker that goes is said before it is gone. What is
 * shown last: nothing is said of it after that. */
static const struct worker_observer *const worker_observers[] = {
	&requests_hear, &events_hear,	 &services_hear, &swaps_hear,	     &rolls_hear,
	&bake_hears,	&secrets_hear,	 &cgroups_hear,	 &notices_hear,	     &shutdown_hears,
	&reload_hears,	&schedules_hear, &publish_hears, &sd_listener_hears, NULL,
};

/* ---- services */

static const struct service_part service_parts[] = {
	{"sockets", sockets_init, sockets_reconfigure, sockets_open, sockets_close},
	{"maintenance", .init = maintenance_init, .done = maintenance_done},
	{"offline page", .init = offline_page_init, .open = offline_page_open,
	 .done = offline_page_done},
	{"live", live_find, live_reconfigure, NULL, service_swap_done},
	{"records", .init = records_begin, .open = records_write, .done = records_forget},
	{"live_file", .reconfigure = live_watch_stop, .open = live_watch_start,
	 .done = live_watch_stop},
	{"gate", gate_init, gate_reconfigure, gate_schedule, gate_stop},
	{"canary", .init = canary_init, .done = canary_done},
	{"vitals", .init = vitals_init, .open = vitals_schedule, .done = vitals_done},
	{"hooks", .init = hooks_init, .done = hooks_stop},
	{"releases", .done = releases_stop},
	{"roll", .init = roll_init_service, .done = roll_stop_service},
	{"verify", .init = reverify_init, .done = reverify_done},
	{NULL},
};

static const struct service_observer swaps_follow = {
	.step = service_swap_step,
	.shared = service_swap_shared,
	.drained = service_retire,
	.judged = bake_judged,
};

static const struct service_observer rolls_follow = {
	.judged = roll_judged,
	.worker_drained = roll_worker_drained,
};

static const struct service_observer jobs_follow = {.shared = canary_shared, .gone = jobs_forget};
static const struct service_observer events_follow_services = {
	.shared = events_service_shared,
	.ended = events_service_ended,
	.maintained = events_service_maintained,
};
static const struct service_observer schedules_follow = {.live = schedules_service_lives};
static const struct service_observer notices_follow = {
	.job_began = notices_job_began,
	.job_ended = notices_job_ended,
	.drain_cut = notices_drain_cut,
	.canary_old = notices_canary_old,
	.no_room = notices_no_room,
	.gone = notice_queue_service_gone,
};
static const struct service_observer systemd_follows = {.live = systemd_service_live};

static const struct service_observer publish_follows = {
	.changed = publish_service,
	.gone = publish_service_gone,
};

/* Jobs first: whoever follows one is told how it ends. */
static const struct service_observer *const service_observers[] = {
	&jobs_follow,
	&swaps_follow,
	&rolls_follow,
	&events_follow_services,
	&notices_follow,
	&systemd_follows,
	&schedules_follow,
	&publish_follows,
	NULL,
};

/* ---- names that go away */

static look_after_fn *const look_after[] = {
	predecessor_look_after,
	servers_look_after,
	services_look_after,
	fcgi_look_after,
	pidfile_look_after,
	sd_listener_look_after,
	NULL,
};

/* ---- the whole */

static void restart(struct supervisor *sup)
{
	supervisor_shutdown(sup, MOOD_RESTARTING);
}

void wire(struct supervisor *sup)
{
	sup->helper_ops = helper_ops;
	sup->worker_observers = worker_observers;
	sup->service_observers = service_observers;
	sup->service_parts = service_parts;
	sup->handoff = &relay_handoff;
	sup->look_after = look_after;
	sup->work_goes_on = relays_work;
	sup->restart = restart;
	sup->decide = service_commands_decide;
}
