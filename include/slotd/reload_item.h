#pragma once

/** What reread and reload report: the items of their answers, in every process. */

/* TAG_CODE of MSG_ANSWER_ITEM: append only. */
enum reload_item {
	RELOAD_ITEM_ADDED, /* GROUP */
	RELOAD_ITEM_CHANGED,
	RELOAD_ITEM_REMOVED,
	RELOAD_ITEM_RESTARTED,	   /* GROUP, NAME */
	RELOAD_ITEM_MESSAGE,	   /* TEXT */
	RELOAD_ITEM_SERVICE_ADDED, /* NAME, here and below */
	RELOAD_ITEM_SERVICE_CHANGED,
	RELOAD_ITEM_SERVICE_REMOVED,
	RELOAD_ITEM_MAX_,
	RELOAD_ITEM_INVALID_ = -22,
};

/** The member of slotd.reload's answer: "added", "services_removed"; "?" for no item. */
const char *reload_item_name(enum reload_item item);
/** What happened to the thing, for people: "added", "removed". */
const char *reload_item_verb(enum reload_item item);
