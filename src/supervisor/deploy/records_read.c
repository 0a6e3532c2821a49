/* What the state file said when slotd started. */
#include "deploy/records_read.h"
#include "deploy/record_text.h"
#include "deploy/records.h"
#include "service/service.h"

#include <jansson.h>
#include <stdio.h>

int records_find(struct supervisor *sup, const char *service, struct record *ret, struct diag *diag)
{
	const char *damage;
	const json_t *state = records_state(sup, &damage);
	json_t *one = json_object_get(json_object_get(state, "services"), service);
	const char *live = json_string_value(json_object_get(one, "live"));

	if (damage) {
		return diag_set(diag, -EUCLEAN, "%s", damage);
	}
	if (!live || slot_from_name(live) < 0) {
		return -ENOENT;
	}
	ret->live = slot_from_name(live);
	/* A slotd that did not write it rolled back to whatever was there. */
	ret->proven[ret->live] = true;
	ret->proven[slot_other(ret->live)] = !json_is_false(json_object_get(one, "rollback"));
	ret->since = (usec_t)json_integer_value(json_object_get(one, "since")) * 1000000;
	record_text_upkeep(one, ret);
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		const char *text = json_string_value(json_object_get(
			json_object_get(one, "releases"), slot_name((enum slot_id)slot)));

		(void)snprintf(ret->release[slot], sizeof(ret->release[slot]), "%s",
			       text ? text : "");
	}
	return 0;
}

void records_running_jobs(struct supervisor *sup, record_job_fn *fn)
{
	const char *service, *damage;
	const json_t *state = records_state(sup, &damage);
	json_t *one, *running;

	json_object_foreach(json_object_get(state, "services"), service, one)
	{
		running = json_object_get(one, "running");
		if (running) {
			fn(sup, service, running);
		}
	}
}

int64_t records_schedule(struct supervisor *sup, const char *namespec)
{
	const char *damage;
	const json_t *schedules = json_object_get(records_state(sup, &damage), "schedules");
	const json_int_t at = json_integer_value(json_object_get(schedules, namespec));

	return at > 0 ? at : 0;
}
