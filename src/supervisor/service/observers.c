#include "service/observers.h"

/* Of a supervisor that nobody has wired, which a test may use, nobody hears. */
static const struct service_observer *const nobody[] = {NULL};

static const struct service_observer *const *all(const struct service *s)
{
	return s->sup->service_observers ? s->sup->service_observers : nobody;
}

#define TELL(s, what, ...)                                                   \
	for (const struct service_observer *const *o_ = all(s); *o_; o_++) { \
		if ((*o_)->what) {                                           \
			(*o_)->what(__VA_ARGS__);                            \
		}                                                            \
	}

void service_changed(struct service *s)
{
	TELL(s, changed, s);
}

void service_step(struct service *s, enum deploy_event_kind kind, int code, const char *text)
{
	TELL(s, step, s, kind, code, text);
}

void service_drained(struct service *s, enum slot_id slot, enum retire_event_kind kind)
{
	TELL(s, drained, s, slot, kind);
}

void service_worker_drained(struct service *s, uint32_t worker, bool cut, uint64_t n)
{
	TELL(s, worker_drained, s, worker, cut, n);
}

void service_judged(struct service *s)
{
	TELL(s, judged, s);
}

void service_lives(struct service *s)
{
	TELL(s, live, s);
}

void service_shared(struct service *s)
{
	TELL(s, shared, s);
}

void service_ended(struct service *s, const struct plan_action *a)
{
	TELL(s, ended, s, a);
}

void service_job_began(struct service *s, const struct job *j)
{
	TELL(s, job_began, s, j);
}

void service_job_ended(struct service *s, const struct job *j)
{
	TELL(s, job_ended, s, j);
}

void service_drain_cut(struct service *s, enum slot_id slot, uint64_t n)
{
	TELL(s, drain_cut, s, slot, n);
}

void service_canary_old(struct service *s, const char *text)
{
	TELL(s, canary_old, s, text);
}

void service_no_room(struct service *s, const char *text)
{
	TELL(s, no_room, s, text);
}

void service_maintained(struct service *s, enum maintenance_act act)
{
	TELL(s, maintained, s, act);
}

void service_gone(struct service *s)
{
	TELL(s, gone, s);
}
