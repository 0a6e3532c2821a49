#include <slotd/reload_item.h>

static const struct {
	const char *name, *verb;
} items[RELOAD_ITEM_MAX_] = {
	[RELOAD_ITEM_ADDED] = {"added", "added"},
	[RELOAD_ITEM_CHANGED] = {"changed", "changed"},
	[RELOAD_ITEM_REMOVED] = {"removed", "removed"},
	[RELOAD_ITEM_RESTARTED] = {"restarted", "restarted"},
	[RELOAD_ITEM_MESSAGE] = {"messages", ""},
	[RELOAD_ITEM_SERVICE_ADDED] = {"services_added", "added"},
	[RELOAD_ITEM_SERVICE_CHANGED] = {"services_changed", "changed"},
	[RELOAD_ITEM_SERVICE_REMOVED] = {"services_removed", "removed"},
};

const char *reload_item_name(enum reload_item item)
{
	return item >= 0 && item < RELOAD_ITEM_MAX_ ? items[item].name : "?";
}

const char *reload_item_verb(enum reload_item item)
{
	return item >= 0 && item < RELOAD_ITEM_MAX_ ? items[item].verb : "?";
}
