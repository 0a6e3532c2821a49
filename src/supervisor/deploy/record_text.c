#include "deploy/record_text.h"
#include "deploy/job.h"
#include "deploy/schedules.h"
#include "service/service.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <slotd/json_read.h>
#include <slotd/ownname.h>
#include <slotd/strbuf.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static json_t *services_object(json_t *state)
{
	json_t *services = json_object_get(state, "services");

	if (!json_is_object(services)) {
		services = json_object();
		if (json_object_set_new(state, "services", services) < 0) {
			return NULL;
		}
	}
	return services;
}

/* For the next slotd, should this one not live to write its end into the history. */
static int put_job(json_t *one, const struct job *j)
{
	return json_object_set_new(
		one, "running",
		json_pack("{s:I, s:s, s:s, s:s, s:s, s:I}", "job", (json_int_t)j->number, "kind",
			  swap_kind_name(j->kind), "who", j->who, "release", j->release, "to",
			  slot_name(j->to), "began", (json_int_t)(j->began_wall / 1000000)));
}

static int put_wish(json_t *one, const char *name, usec_t since, const char *who, const char *why)
{
	if (!since) {
		return 0;
	}
	return json_object_set_new(one, name,
				   json_pack("{s:I, s:o?, s:o?}", "since",
					     (json_int_t)(since / 1000000), "who", json_string(who),
					     "why", json_string(why)));
}

static int put_upkeep(json_t *one, const struct upkeep *u)
{
	int r = put_wish(one, "frozen", u->frozen, u->freezer, u->freeze_why);

	if (r == 0) {
		r = put_wish(one, "offline", u->offline, u->offliner, u->offline_why);
	}
	if (r == 0 && u->rolled_back) {
		r = json_object_set_new(one, "rolled_back",
					json_integer((json_int_t)(u->rolled_back / 1000000)));
	}
	return r;
}

/* Only of slots from which there is no way back. */
static int put_one_way(json_t *one, const struct service *s)
{
	json_t *all = json_object();
	int r = all ? 0 : -1;

	for (int slot = 0; slot < SLOT_MAX_ && r == 0; slot++) {
		if (*s->slots[slot].one_way) {
			r = json_object_set_new(all, slot_name((enum slot_id)slot),
						json_string(s->slots[slot].one_way));
		}
	}
	if (r == 0 && json_object_size(all)) {
		return json_object_set_new(one, "one_way", all);
	}
	json_decref(all);
	return r;
}

/* Up to when the runs of each are accounted for; see schedules.c. */
static int put_schedules(json_t *state, const struct supervisor *sup)
{
	json_t *schedules;
	int r;

	if (!schedules_known(sup)) {
		return 0; /* what the file says is to be read yet */
	}
	schedules = json_object();
	r = schedules ? 0 : -1;
	vec_for_each (p, &sup->processes) {
		if (r == 0 && *p && (*p)->counted) {
			r = json_object_set_new(
				schedules, (*p)->namespec,
				json_integer((json_int_t)((*p)->counted / 1000000)));
		}
	}
	if (r == 0 && (json_object_size(schedules) || json_object_get(state, "schedules"))) {
		return json_object_set_new(state, "schedules", schedules);
	}
	json_decref(schedules);
	return r;
}

static int put_ab(json_t *one, const struct ab_test *ab)
{
	if (!ab->weight) {
		return 0;
	}
	return json_object_set_new(one, "ab",
				   json_pack("{s:s, s:I, s:I, s:o?}", "slot", slot_name(ab->slot),
					     "share", (json_int_t)ab->weight, "since",
					     (json_int_t)(ab->since / 1000000), "who",
					     json_string(ab->who)));
}

char *record_text(struct supervisor *sup, json_t *state, uint32_t next_job,
		  const struct service *flipped)
{
	json_t *services = services_object(state);

	vec_for_each (at, &sup->services) {
		const struct service *s = *at;
		enum slot_id live = s == flipped ? s->swap.target : service_live(s);
		json_t *one;

		if (s->down) {
			continue;
		}
		one = json_pack("{s:s, s:I, s:{s:s, s:s}, s:b}", "live", slot_name(live), "since",
				(json_int_t)(s->slots[live].since / 1000000), "releases", "a",
				s->slots[SLOT_A].release, "b", s->slots[SLOT_B].release, "rollback",
				s->slots[slot_other(live)].proven);
		if (!one || put_upkeep(one, &s->upkeep) < 0 || put_one_way(one, s) < 0 ||
		    put_ab(one, &s->ab) < 0 || (s->job && put_job(one, s->job) < 0)) {
			json_decref(one);
			return NULL;
		}
		if (json_object_set_new(services, s->name, one) < 0) {
			return NULL;
		}
	}
	if (put_schedules(state, sup) < 0 ||
	    json_object_set_new(state, "next_job", json_integer(next_job)) < 0) {
		return NULL;
	}
	return json_dumps(state, JSON_INDENT(2) | JSON_SORT_KEYS);
}

static void read_ab(const json_t *one, struct ab_test *ret)
{
	const json_t *ab = json_object_get(one, "ab");
	const char *slot = json_string_value(json_object_get(ab, "slot"));
	const char *who = json_string_value(json_object_get(ab, "who"));
	const json_int_t share = json_integer_value(json_object_get(ab, "share"));
	const enum slot_id id = slot ? slot_from_name(slot) : SLOT_INVALID_;

	*ret = (struct ab_test){0};
	if (id >= 0 && share > 0 && share <= PLACEMENT_WHOLE) {
		ret->slot = id;
		ret->weight = (uint16_t)share;
		ret->since = (usec_t)json_integer_value(json_object_get(ab, "since")) * 1000000;
		(void)snprintf(ret->who, sizeof(ret->who), "%s", who ? who : "");
	}
}

static usec_t get_wish(const json_t *one, const char *name, char *ret_who, size_t who_size,
		       char *ret_why, size_t why_size)
{
	const json_t *wish = json_object_get(one, name);
	const char *who = json_string_value(json_object_get(wish, "who"));
	const char *why = json_string_value(json_object_get(wish, "why"));

	(void)snprintf(ret_who, who_size, "%s", who ? who : "");
	(void)snprintf(ret_why, why_size, "%s", why ? why : "");
	return (usec_t)json_integer_value(json_object_get(wish, "since")) * 1000000;
}

void record_text_upkeep(const json_t *one, struct record *ret)
{
	ret->frozen = get_wish(one, "frozen", ret->freezer, sizeof(ret->freezer), ret->freeze_why,
			       sizeof(ret->freeze_why));
	ret->offline = get_wish(one, "offline", ret->offliner, sizeof(ret->offliner),
				ret->offline_why, sizeof(ret->offline_why));
	ret->rolled_back =
		(usec_t)json_integer_value(json_object_get(one, "rolled_back")) * 1000000;
	read_ab(one, &ret->ab);
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		const char *why = json_string_value(json_object_get(json_object_get(one, "one_way"),
								    slot_name((enum slot_id)slot)));
		(void)snprintf(ret->one_way[slot], sizeof(ret->one_way[slot]), "%s",
			       why ? why : "");
	}
}

/* Not by json_loadfd, which makes a system call for each byte. *ret: NULL if why says what is wrong
 * with it. Returns 0 or -ENOMEM. */
static int load(int fd, char *why, size_t size, json_t **ret)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	json_error_t error;
	int r = io_read_all(fd, &text);

	*ret = NULL;
	if (r < 0 && r != -ENOMEM) {
		(void)snprintf(why, size, "%s",
			       r == -E2BIG ? "it is too large" : strerrordesc_np(-r));
		return 0;
	}
	if (r == 0) {
		r = json_read(strbuf_str(&text), text.len, JSON_REJECT_DUPLICATES, &error, ret);
	}
	if (r == -ENOMEM) {
		return r; /* it may be as good as ever */
	}
	if (!json_is_object(*ret)) {
		(void)snprintf(why, size, "line %d: %s", error.line, error.text);
		json_decref(*ret);
		*ret = NULL;
	}
	return 0;
}

int record_text_read(const char *path, char *damage, size_t size, struct diag *diag,
		     struct json_t **ret)
{
	char why[JSON_ERROR_TEXT_LENGTH + 32] = "";
	auto_close int fd = -EBADF;
	int r = access(path, F_OK) < 0 && errno == ENOENT
			? -ENOENT
			: own_file_open(path, O_RDONLY, 0, diag, &fd);

	if (r == -EINVAL) { /* a directory, a pipe: no reason not to start what needs no record */
		(void)snprintf(why, sizeof(why), "it is not a regular file");
	} else if (r < 0 && r != -ENOENT) {
		return r;
	}
	*ret = NULL;
	if (r == 0 && load(fd, why, sizeof(why), ret) < 0) {
		return diag_set_errno(diag, -ENOMEM, "%s", path);
	}
	if (*why) {
		(void)snprintf(damage, size,
			       "%s, the record of which slot is live, is damaged (%s): repair it, "
			       "or remove it so that live_file decides; then restart slotd",
			       path, why);
		log_line(LOG_ERR, "%s", damage);
	}
	if (!*ret) {
		*ret = json_object();
	}
	return *ret ? 0 : diag_set_errno(diag, -ENOMEM, "%s", path);
}
