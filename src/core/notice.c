#include <slotd/notice.h>

#include <slotd/cleanup.h>

#include <string.h>

static const char *const names[NOTICE_EVENT_MAX_] = {
	[NOTICE_DEPLOY_STARTED] = "deploy-started",
	[NOTICE_DEPLOY_DONE] = "deploy-done",
	[NOTICE_DEPLOY_FAILED] = "deploy-failed",
	[NOTICE_ROLLED_BACK] = "rolled-back",
	[NOTICE_FATAL] = "fatal",
	[NOTICE_CANARY_OLD] = "canary-old",
	[NOTICE_DISK_FULL] = "disk-full",
	[NOTICE_DRAIN_LONG] = "drain-long",
	[NOTICE_TEST] = "test",
};

const char *notice_name(enum notice_event event)
{
	return event >= 0 && event < NOTICE_EVENT_MAX_ ? names[event] : "?";
}

enum notice_event notice_find(const char *name)
{
	for (int event = 0; event < NOTICE_EVENT_MAX_; event++) {
		if (strcmp(names[event], name) == 0) {
			return (enum notice_event)event;
		}
	}
	return NOTICE_EVENT_INVALID_;
}

bool notice_wanted(enum notice_event event, char *const *list)
{
	if (!list || event == NOTICE_TEST) {
		return true;
	}
	for (; *list; list++) {
		if (strcmp(*list, notice_name(event)) == 0) {
			return true;
		}
	}
	return false;
}

enum notice_outcome notice_ended(struct notice_pace *pace, bool well, usec_t now)
{
	static const usec_t pauses[NOTICE_TRIES - 1] = {SECONDS(1), SECONDS(5), SECONDS(30),
							SECONDS(120), SECONDS(600)};

	if (!well && pace->failures < ARRAY_SIZE(pauses)) {
		pace->next = usec_add(now, pauses[pace->failures++]);
		return NOTICE_AGAIN;
	}
	*pace = (struct notice_pace){0};
	return well ? NOTICE_DELIVERED : NOTICE_GIVEN_UP;
}
