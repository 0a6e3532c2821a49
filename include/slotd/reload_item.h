#pragma once

/** The items in the answers of reread and reload, for every process. */

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

/** Returns the member in the answer of slotd.reload: "added", "services_removed"; "?" for a number
 * that is no item. */
const char *reload_item_name(enum reload_item item);
/** Returns what happened, for people: "added", "removed". */
const char *reload_item_verb(enum reload_item item);
