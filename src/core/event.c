#include <slotd/event.h>

#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	enum event_type parent;
} types[EVENT_TYPE_MAX_] = {
	[EVENT_ANY] = {"EVENT", EVENT_ANY},
	[EVENT_PROCESS_STATE] = {"PROCESS_STATE", EVENT_ANY},
	[EVENT_PROCESS_STATE_STOPPED] = {"PROCESS_STATE_STOPPED", EVENT_PROCESS_STATE},
	[EVENT_PROCESS_STATE_EXITED] = {"PROCESS_STATE_EXITED", EVENT_PROCESS_STATE},
	[EVENT_PROCESS_STATE_STARTING] = {"PROCESS_STATE_STARTING", EVENT_PROCESS_STATE},
	[EVENT_PROCESS_STATE_STOPPING] = {"PROCESS_STATE_STOPPING", EVENT_PROCESS_STATE},
	[EVENT_PROCESS_STATE_BACKOFF] = {"PROCESS_STATE_BACKOFF", EVENT_PROCESS_STATE},
	[EVENT_PROCESS_STATE_FATAL] = {"PROCESS_STATE_FATAL", EVENT_PROCESS_STATE},
	[EVENT_PROCESS_STATE_RUNNING] = {"PROCESS_STATE_RUNNING", EVENT_PROCESS_STATE},
	[EVENT_PROCESS_STATE_UNKNOWN] = {"PROCESS_STATE_UNKNOWN", EVENT_PROCESS_STATE},
	[EVENT_PROCESS_COMMUNICATION] = {"PROCESS_COMMUNICATION", EVENT_ANY},
	[EVENT_PROCESS_COMMUNICATION_STDOUT] = {"PROCESS_COMMUNICATION_STDOUT",
						EVENT_PROCESS_COMMUNICATION},
	[EVENT_PROCESS_COMMUNICATION_STDERR] = {"PROCESS_COMMUNICATION_STDERR",
						EVENT_PROCESS_COMMUNICATION},
	[EVENT_PROCESS_LOG] = {"PROCESS_LOG", EVENT_ANY},
	[EVENT_PROCESS_LOG_STDOUT] = {"PROCESS_LOG_STDOUT", EVENT_PROCESS_LOG},
	[EVENT_PROCESS_LOG_STDERR] = {"PROCESS_LOG_STDERR", EVENT_PROCESS_LOG},
	[EVENT_REMOTE_COMMUNICATION] = {"REMOTE_COMMUNICATION", EVENT_ANY},
	[EVENT_SUPERVISOR_STATE_CHANGE] = {"SUPERVISOR_STATE_CHANGE", EVENT_ANY},
	[EVENT_SUPERVISOR_STATE_CHANGE_RUNNING] = {"SUPERVISOR_STATE_CHANGE_RUNNING",
						   EVENT_SUPERVISOR_STATE_CHANGE},
	[EVENT_SUPERVISOR_STATE_CHANGE_STOPPING] = {"SUPERVISOR_STATE_CHANGE_STOPPING",
						    EVENT_SUPERVISOR_STATE_CHANGE},
	[EVENT_TICK] = {"TICK", EVENT_ANY},
	[EVENT_TICK_5] = {"TICK_5", EVENT_TICK},
	[EVENT_TICK_60] = {"TICK_60", EVENT_TICK},
	[EVENT_TICK_3600] = {"TICK_3600", EVENT_TICK},
	[EVENT_PROCESS_GROUP] = {"PROCESS_GROUP", EVENT_ANY},
	[EVENT_PROCESS_GROUP_ADDED] = {"PROCESS_GROUP_ADDED", EVENT_PROCESS_GROUP},
	[EVENT_PROCESS_GROUP_REMOVED] = {"PROCESS_GROUP_REMOVED", EVENT_PROCESS_GROUP},
	[EVENT_SLOT] = {"SLOT", EVENT_ANY},
	[EVENT_SLOT_SWAPPED] = {"SLOT_SWAPPED", EVENT_SLOT},
	[EVENT_SLOT_ROLLED_BACK] = {"SLOT_ROLLED_BACK", EVENT_SLOT},
	[EVENT_SLOT_FAILED] = {"SLOT_FAILED", EVENT_SLOT},
	[EVENT_SLOT_PAUSED] = {"SLOT_PAUSED", EVENT_SLOT},
	[EVENT_SLOT_RESUMED] = {"SLOT_RESUMED", EVENT_SLOT},
	[EVENT_SLOT_OFFLINE] = {"SLOT_OFFLINE", EVENT_SLOT},
	[EVENT_SLOT_ONLINE] = {"SLOT_ONLINE", EVENT_SLOT},
};

const char *event_type_name(enum event_type t)
{
	return t >= 0 && t < EVENT_TYPE_MAX_ ? types[t].name : "?";
}

enum event_type event_type_from_name(const char *name)
{
	for (int t = 0; t < EVENT_TYPE_MAX_; t++) {
		if (strcasecmp(types[t].name, name) == 0) {
			return (enum event_type)t;
		}
	}
	return EVENT_TYPE_INVALID_;
}

bool event_type_is(enum event_type t, enum event_type asked_for)
{
	while (t != asked_for && t != EVENT_ANY) {
		t = types[t].parent;
	}
	return t == asked_for;
}

struct event *event_new(enum event_type type, const void *payload, size_t len)
{
	struct event *e;

	len = len < EVENT_PAYLOAD_MAX ? len : EVENT_PAYLOAD_MAX;
	e = malloc(sizeof(*e) + len + 1);
	if (!e) {
		return NULL;
	}
	*e = (struct event){.refs = 1, .type = type, .len = len};
	if (len) {
		memcpy(e->payload, payload, len);
	}
	e->payload[len] = '\0';
	return e;
}

struct event *event_ref(struct event *e)
{
	e->refs++;
	return e;
}

struct event *event_unref(struct event *e)
{
	if (e && --e->refs == 0) {
		free(e);
	}
	return NULL;
}
