#include "deploy/jobs_adopt.h"
#include "deploy/job.h"
#include "deploy/job_steps.h"
#include "deploy/jobs.h"
#include "deploy/records.h"
#include "link/inheritance.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>

/* It may be known as one whose end was not seen. */
static struct job *make(struct service *s, const struct ledger_job *row)
{
	struct job *known = job_find(s->sup, s->name, row->number);
	struct job *j = known ? known : job_former(s->sup);

	if (!j) {
		return NULL;
	}
	j->done = j->ended = false;
	j->service = s;
	j->number = row->number;
	j->kind = (enum swap_kind)row->kind;
	j->from = (enum slot_id)row->from;
	j->to = (enum slot_id)row->to;
	j->step = (enum swap_step)row->step;
	j->total = row->total;
	j->prepared = row->prepared;
	j->back = row->back;
	j->began_wall = row->began_wall;
	j->began = row->began;
	j->step_began = row->step_began;
	j->draining = row->draining;
	j->cut = row->cut;
	j->over = row->over;
	j->code = row->code;
	j->failed_in = (enum swap_step)row->failed_in;
	(void)snprintf(j->name, sizeof(j->name), "%s", s->name);
	memcpy(j->who, row->who, sizeof(j->who));
	memcpy(j->release, row->release, sizeof(j->release));
	memcpy(j->text, row->text, sizeof(j->text));
	memcpy(j->why, row->why, sizeof(j->why));
	memcpy(j->culprit, row->culprit, sizeof(j->culprit));
	job_adopt_log(j);
	return j;
}

/* It was killed while the job was ending, before it could say how: who is live tells. */
static void tell_from_live(struct service *s, struct job *j)
{
	char slot[JOB_NAME_MAX + 8];
	const bool done = service_live(s) == j->to;

	j->code = done ? SWAP_EXIT_DONE : SWAP_EXIT_FAILED;
	(void)snprintf(j->text, sizeof(j->text), "%s%s is live.", done ? "" : "NOTHING SWAPPED: ",
		       service_slot_text(s, service_live(s), slot, sizeof(slot)));
	if (!done) {
		j->failed_in = j->step;
		(void)snprintf(j->why, sizeof(j->why), "slotd was killed");
	}
}

static void go_on(struct service *s, struct job *j, const struct ledger_job *row)
{
	job_line(j, "#%u %s: slotd was killed and started again, the %s goes on", j->number,
		 s->name, swap_kind_name(j->kind));
	if (deploy_busy(&s->swap)) {
		s->job = j;
	} else if (row->closing && s->swap.step == SWAP_DRAIN) {
		s->closing = j;
	} else {
		if (!row->over && !row->closing) {
			tell_from_live(s, j);
		}
		job_close(j); /* it was over, but for its line in the history */
	}
	job_changed(j);
}

/* Its line is there, so all that it did is done; slotd did not live to note that. */
static bool has_ended(struct service *s, const struct ledger_job *row)
{
	if (!records_have_job(s->sup, row->number)) {
		return false;
	}
	deploy_init(&s->swap, s->index, s->placed.live);
	service_write_ledger(s);
	ledger_drop(s->sup->ledger, LEDGER_TABLE_JOB, s->index);
	return true;
}

void job_adopt(struct service *s)
{
	struct ledger_job row;
	struct job *j;

	if (ledger_get_job(inherited_ledger(s->sup), s->index, &row) != 1 || has_ended(s, &row)) {
		return;
	}
	j = make(s, &row);
	if (!j) {
		log_line(LOG_ERR, "%s: out of memory: how job #%u goes on is not told", s->name,
			 row.number);
		return;
	}
	go_on(s, j, &row);
}
