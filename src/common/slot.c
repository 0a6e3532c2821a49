#include <slotd/switchboard.h>

#include <string.h>

static const char *const names[SLOT_MAX_] = {
	[SLOT_A] = "a",
	[SLOT_B] = "b",
};

const char *slot_name(enum slot_id slot)
{
	return slot >= 0 && slot < SLOT_MAX_ ? names[slot] : "?";
}

enum slot_id slot_from_name(const char *name)
{
	for (int s = 0; s < SLOT_MAX_; s++) {
		if (strcmp(names[s], name) == 0) {
			return (enum slot_id)s;
		}
	}
	return SLOT_INVALID_;
}
