#include "deploy/live.h"
#include "deploy/live_adopt.h"
#include "deploy/maintenance.h"
#include "deploy/records_read.h"
#include "deploy/service_swap.h"
#include "deploy/upkeep.h"
#include "service/place.h"
#include "service/services.h"

#include <slotd/cleanup.h>

#include <string.h>

/* As it was when the configuration was read. */
static int live_by_file(const struct service_config *c, enum slot_id *ret, struct diag *diag)
{
	const struct live_found *found = &c->live_found;

	if (!c->live_file || found->code == -ENOENT) {
		return -ENOENT;
	}
	if (found->code == 0) {
		*ret = found->live;
		return 0;
	}
	if (found->code == -EINVAL) {
		return diag_set(diag, -EINVAL,
				"%s says \"%.32s\", not which slot is live: write \"a\" or \"b\" "
				"into it, then run slotctl reload",
				c->live_file, found->text ? found->text : "");
	}
	return diag_set_errno(diag, found->code, "%s", c->live_file);
}

static void take_record(struct service *s, const struct record *record)
{
	s->upkeep.frozen = record->frozen;
	s->upkeep.rolled_back = record->rolled_back;
	memcpy(s->upkeep.freezer, record->freezer, sizeof(record->freezer));
	memcpy(s->upkeep.freeze_why, record->freeze_why, sizeof(record->freeze_why));
	s->upkeep.offline = record->offline;
	memcpy(s->upkeep.offliner, record->offliner, sizeof(record->offliner));
	memcpy(s->upkeep.offline_why, record->offline_why, sizeof(record->offline_why));
	upkeep_found(s);
	maintenance_found(s);
	if (record->ab.weight && record->ab.slot != record->live) {
		s->ab = record->ab;
	}
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		memcpy(s->slots[slot].release, record->release[slot],
		       sizeof(record->release[slot]));
		memcpy(s->slots[slot].one_way, record->one_way[slot],
		       sizeof(record->one_way[slot]));
		s->slots[slot].since = record->since ? record->since : usec_wall();
		s->slots[slot].proven = record->proven[slot];
	}
}

/* The state file decides; live_file only where there is no record of the service yet. */
static int find_live(struct service *s, enum slot_id *ret, struct diag *diag)
{
	const struct service_config *c = s->config;
	struct record record = {0};
	enum slot_id written = SLOT_A;
	int r = records_find(s->sup, s->name, &record, diag);

	if (r == -EUCLEAN) {
		return r;
	}
	if (r == 0) {
		*ret = record.live;
		take_record(s, &record);
		if (live_by_file(c, &written, NULL) == 0 && written != *ret) {
			service_say(s, LOG_WARNING,
				    "%s says %s, but %s is live: the file is corrected (slotctl "
				    "swap changes the live slot)",
				    c->live_file, slot_name(written), slot_name(*ret));
		}
		return 0;
	}
	r = live_by_file(c, ret, diag);
	if (r == -ENOENT) {
		*ret = SLOT_A;
		r = 0;
	}
	if (r == 0) {
		s->slots[*ret].proven = true; /* the other one was never live, as far as is known */
	}
	return r;
}

int live_find(struct service *s)
{
	enum slot_id live = SLOT_A;
	struct diag diag = {0};

	if (live_adopt(s)) {
		return 0;
	}
	s->slots[SLOT_A].since = s->slots[SLOT_B].since = usec_wall();
	s->down = find_live(s, &live, &diag) < 0;
	service_swap_init(s, live);
	service_begin_placed(s, live);
	if (s->down) {
		service_say(s, LOG_ERR, "not started: %s", diag.text);
		service_explain(s, TROUBLE_NOT_STARTED, "%s", diag.text);
	} else {
		service_mark_live(s);
	}
	return 0;
}

void live_reconfigure(struct service *s)
{
	if (s->down) {
		(void)live_find(s);
	}
}
