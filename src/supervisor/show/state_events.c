#include "show/state_events.h"
#include "show/events.h"

#include <stdio.h>

void events_process_state(struct process *p, const struct plan_action *a)
{
	static const enum event_type types[WORKER_STATE_MAX_] = {
		[WORKER_STOPPED] = EVENT_PROCESS_STATE_STOPPED,
		[WORKER_STARTING] = EVENT_PROCESS_STATE_STARTING,
		[WORKER_RUNNING] = EVENT_PROCESS_STATE_RUNNING,
		[WORKER_BACKOFF] = EVENT_PROCESS_STATE_BACKOFF,
		[WORKER_STOPPING] = EVENT_PROCESS_STATE_STOPPING,
		[WORKER_EXITED] = EVENT_PROCESS_STATE_EXITED,
		[WORKER_FATAL] = EVENT_PROCESS_STATE_FATAL,
		[WORKER_UNKNOWN] = EVENT_PROCESS_STATE_UNKNOWN,
	};
	char extra[64] = "";

	events_follow(p, (enum worker_state)a->arg);
	switch ((enum worker_state)a->arg) {
	case WORKER_STARTING:
	case WORKER_BACKOFF:
		(void)snprintf(extra, sizeof(extra), " tries:%u", a->tries);
		break;
	case WORKER_RUNNING:
	case WORKER_STOPPING:
	case WORKER_STOPPED:
		(void)snprintf(extra, sizeof(extra), " pid:%d", (int)a->pid);
		break;
	case WORKER_EXITED:
		(void)snprintf(extra, sizeof(extra), " expected:%d pid:%d", a->expected,
			       (int)a->pid);
		break;
	default:
		break;
	}
	events_emitf(p->sup, types[a->arg], "processname:%s groupname:%s from_state:%s%s",
		     p->config->name, p->group->name,
		     worker_state_info((enum worker_state)a->from)->name, extra);
}

void events_service_maintained(struct service *s, enum maintenance_act act)
{
	static const enum event_type types[] = {
		[MAINTENANCE_PAUSE] = EVENT_SLOT_PAUSED,
		[MAINTENANCE_RESUME] = EVENT_SLOT_RESUMED,
		[MAINTENANCE_OFFLINE] = EVENT_SLOT_OFFLINE,
		[MAINTENANCE_ONLINE] = EVENT_SLOT_ONLINE,
	};

	events_emitf(s->sup, types[act], "servicename:%s live:%s", s->config->name,
		     slot_name(service_live(s)));
}

void events_service_ended(struct service *s, const struct plan_action *a)
{
	enum event_type type = a->arg == SWAP_EXIT_FAILED	    ? EVENT_SLOT_FAILED
			       : s->swap.back			    ? EVENT_SLOT_ROLLED_BACK
			       : s->swap.kind == SWAP_KIND_ROLLBACK ? EVENT_SLOT_ROLLED_BACK
								    : EVENT_SLOT_SWAPPED;

	if (s->swap.kind == SWAP_KIND_RESTART) {
		return; /* no slot has changed; each worker has its own events */
	}
	if (s->swap.stands && a->arg == SWAP_EXIT_DONE) {
		return; /* nothing was swapped: SLOT_SHARE tells of it */
	}
	if (a->arg == SWAP_EXIT_FLIPPED_BACK && !s->swap.back) {
		return; /* the rollback that ends it has an event of its own */
	}
	events_emitf(s->sup, type, "servicename:%s kind:%s live:%s", s->config->name,
		     swap_kind_name(s->swap.kind), slot_name(service_live(s)));
}

void events_service_shared(struct service *s)
{
	char share[SHARE_TEXT_MAX];

	events_emitf(s->sup, EVENT_SLOT_SHARE, "servicename:%s slot:%s share:%s", s->config->name,
		     slot_name(slot_other(service_live(s))), share_format(s->told_share, share));
}
