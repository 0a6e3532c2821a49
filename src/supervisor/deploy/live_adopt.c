#include "deploy/live_adopt.h"
#include "deploy/announce.h"
#include "deploy/hooks.h"
#include "deploy/jobs.h"
#include "deploy/jobs_adopt.h"
#include "deploy/maintenance.h"
#include "deploy/records.h"
#include "deploy/releases.h"
#include "deploy/service_swap.h"
#include "deploy/upkeep.h"
#include "link/inheritance.h"
#include "service/place.h"
#include "service/vitals.h"

#include <slotd/cleanup.h>
#include <slotd/keep.h>

#include <string.h>

static void adopt_slot(struct service *s, int slot, const struct ledger_service *row)
{
	struct service_slot *own = &s->slots[slot];
	const struct ledger_slot *was = &row->slots[slot];

	own->retire = row->retire[slot];
	own->since = was->since;
	own->clearing = was->clearing;
	own->proven = was->proven;
	own->touched = was->touched;
	memcpy(own->release, was->release, sizeof(own->release));
	memcpy(own->one_way, was->one_way, sizeof(own->one_way));
}

static bool read_row(const struct service *s, struct ledger_service *ret)
{
	int row = inherited_row(s->sup, LEDGER_TABLE_SERVICE, s->name);

	return row >= 0 && (uint32_t)row == s->index &&
	       inherited_item(s->sup, KEEP_SWITCHBOARD) != NULL &&
	       ledger_get_service(inherited_ledger(s->sup), (unsigned)row, ret) == 1 &&
	       !ret->duty.down;
}

static void adopt_ab(struct service *s, const struct ledger_duty *row)
{
	s->ab = (struct ab_test){.weight = (uint16_t)row->ab_weight,
				 .slot = (enum slot_id)row->ab_slot,
				 .since = row->ab_since};
	memcpy(s->ab.who, row->ab_who, sizeof(s->ab.who));
}

/* The next slotd finds them where this one did, whenever this one should be killed. */
static void carry_rows(struct service *s)
{
	struct ledger_job job;

	service_write_ledger(s);
	if (ledger_get_job(inherited_ledger(s->sup), s->index, &job) == 1) {
		records_reserve_job(s->sup, job.number);
		ledger_put_job(s->sup->ledger, s->index, &job);
	}
}

bool live_adopt(struct service *s)
{
	const struct switch_word word = service_word(s);
	struct ledger_service row;

	if (!read_row(s, &row)) {
		return false;
	}
	service_swap_init(s, word.live);
	s->swap = row.swap;
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		adopt_slot(s, slot, &row);
	}
	if (s->next_socket < row.duty.next_socket) {
		s->next_socket = row.duty.next_socket;
	}
	if (row.duty.stopper[0]) {
		service_explain(s, TROUBLE_STOPPED, "%s", row.duty.stopper);
		service_explain(s, TROUBLE_REMOVED, "%s", row.duty.stopper);
	}
	adopt_ab(s, &row.duty);
	s->down = false;
	service_resume_placed(s);
	upkeep_from_ledger(s, &row.duty);
	maintenance_from_ledger(s, &row.duty);
	carry_rows(s);
	service_say(s, LOG_INFO, "goes on: %s is live", slot_name(word.live));
	return true;
}

/* The former slotd may not have come to it, or have failed and meant to try again. */
static void write_again(struct service *s)
{
	if (s->swap.step != SWAP_RECORD) { /* which has just begun again */
		records_write(s);
	}
}

void services_resume(struct supervisor *sup)
{
	if (!inheritance_there(sup)) {
		return;
	}
	vec_for_each (s, &sup->services) {
		if (!(*s)->down && inherited_row(sup, LEDGER_TABLE_SERVICE, (*s)->name) >= 0) {
			vitals_resume(*s);
			hooks_end_former(*s);
			releases_end_former(*s);
			announce_end_former(*s);
			job_adopt(*s);
			service_swap_resume(*s);
			write_again(*s);
		}
	}
	jobs_await_logs(sup);
}
