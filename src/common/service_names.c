#include <slotd/cleanup.h>
#include <slotd/service_names.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char *slot_state_name(enum slot_state state)
{
	static const char *const names[SLOT_STATE_MAX_] = {
		[SLOT_COLD] = "idle, stopped", [SLOT_STARTING] = "starting",
		[SLOT_WARM] = "idle, warm",    [SLOT_LIVE] = "LIVE",
		[SLOT_DRAINING] = "draining",  [SLOT_STOPPING] = "stopping",
		[SLOT_CANARY] = "CANARY",      [SLOT_AB] = "A/B",
	};

	return state >= 0 && state < SLOT_STATE_MAX_ ? names[state] : "?";
}

const char *slot_state_word(enum slot_state state)
{
	static const char *const words[SLOT_STATE_MAX_] = {
		[SLOT_COLD] = "cold",	      [SLOT_STARTING] = "starting",
		[SLOT_WARM] = "warm",	      [SLOT_LIVE] = "live",
		[SLOT_DRAINING] = "draining", [SLOT_STOPPING] = "stopping",
		[SLOT_CANARY] = "canary",     [SLOT_AB] = "ab",
	};

	return state >= 0 && state < SLOT_STATE_MAX_ ? words[state] : "?";
}

static const struct {
	const char *name, *text;
} remarks[SLOT_REMARK_MAX_] = {
	[SLOT_PLAIN] = {"", ""},
	[SLOT_STEP] = {"step", ""},
	[SLOT_NOT_DEPLOYED] = {"not-deployed", "its last deploy did not succeed"},
	[SLOT_WAY_BACK] = {"way-back", "rollback: at once"},
	[SLOT_NEVER_LIVE] = {"never-live", "has not been live"},
	[SLOT_ONE_WAY] = {"one-way", "no rollback: see slotctl history"},
	[SLOT_BY_HAND] = {"by-hand", "until slotctl promote or abort"},
};

static bool is_remark(enum slot_remark remark)
{
	return remark >= 0 && remark < SLOT_REMARK_MAX_;
}

const char *slot_remark_name(enum slot_remark remark)
{
	return is_remark(remark) ? remarks[remark].name : "?";
}

/* What a live or draining slot is shows by its state alone. */
static const char *plain_note(enum slot_state state)
{
	return state == SLOT_COLD || state == SLOT_STARTING || state == SLOT_STOPPING
		       ? slot_state_name(state)
		       : "";
}

const char *slot_note_text(enum slot_state state, enum slot_remark remark, enum swap_step step,
			   char *buf, size_t size)
{
	const char *text = remark == SLOT_STEP ? swap_step_name(step)
			   : is_remark(remark) ? remarks[remark].text
					       : "";

	if (remark == SLOT_PLAIN) {
		(void)snprintf(buf, size, "%s", plain_note(state));
	} else if (state == SLOT_COLD) {
		(void)snprintf(buf, size, "%s; %s", plain_note(state), text);
	} else {
		(void)snprintf(buf, size, "%s", text);
	}
	return buf;
}

/* {live} and {why} are replaced. */
static const struct {
	const char *name, *text;
	const char *plain; /* when no particulars are known; NULL: the same */
} troubles[TROUBLE_MAX_] = {
	[TROUBLE_NOT_STARTED] = {"not-started", "not started: {why}", "not started"},
	[TROUBLE_ADDRESS] = {"address", "{why}; trying again every 5 s",
			     "not all addresses are listened on; trying again every 5 s"},
	[TROUBLE_RECORD] = {"record",
			    "{live} is live, but that is not recorded yet: {why}; trying again "
			    "every 10 s",
			    "{live} is live, but that is not recorded yet; trying again every "
			    "10 s"},
	[TROUBLE_STOPPED] = {"stopped", "the live slot was stopped by {why}: connections wait",
			     "the live slot was stopped: connections wait"},
	[TROUBLE_REMOVED] = {"removed", "the live slot was removed by {why}: connections wait",
			     "the live slot was removed: connections wait"},
	[TROUBLE_PAUSED] = {"paused", "paused by {why}: connections wait",
			    "paused: connections wait"},
	[TROUBLE_FROZEN] = {"frozen", "deploys are frozen by {why}", "deploys are frozen"},
	[TROUBLE_OFFLINE] = {"offline", "offline by {why}: requests are answered 503",
			     "offline: requests are answered 503"},
	[TROUBLE_UNHEALTHY] = {"unhealthy", "no worker passes its health check", NULL},
};

const char *trouble_name(enum trouble t)
{
	return t >= 0 && t < TROUBLE_MAX_ ? troubles[t].name : "?";
}

static size_t add(char *buf, size_t used, size_t size, const char *text, size_t len)
{
	size_t room = size - 1 - used;

	len = len < room ? len : room;
	memcpy(buf + used, text, len);
	return used + len;
}

const char *trouble_text(enum trouble t, const char *live, const char *why, char *buf, size_t size)
{
	const struct {
		const char *mark, *value;
	} marks[] = {{"{live}", live}, {"{why}", why ? why : ""}};
	bool plain = !why || !*why;
	const char *at = "?";
	size_t used = 0;

	if (t >= 0 && t < TROUBLE_MAX_) {
		at = plain && troubles[t].plain ? troubles[t].plain : troubles[t].text;
	}
	while (*at) {
		size_t i = 0;

		while (i < ARRAY_SIZE(marks) &&
		       strncmp(at, marks[i].mark, strlen(marks[i].mark)) != 0) {
			i++;
		}
		if (i < ARRAY_SIZE(marks)) {
			used = add(buf, used, size, marks[i].value, strlen(marks[i].value));
			at += strlen(marks[i].mark);
		} else {
			used = add(buf, used, size, at++, 1);
		}
	}
	buf[used] = '\0';
	return buf;
}
