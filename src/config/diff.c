/*
 * What differs between two configurations, option by option, by the tables that read them.
 *
 * A worker differs when something differs that it only takes over by starting again; a group, as
 * Supervisor's reread sees it, when anything at all differs.
 */
#include "options_program.h"
#include "options_service.h"

#include <slotd/cleanup.h>
#include <slotd/map.h>

static const struct option_def *const program_tables[] = {
	program_options,
	eventlistener_options,
	fcgi_options,
};

/* restart_only: leave out what is taken over without a restart. */
static bool equal_in(const struct option_def *table, enum option_target target, const void *a,
		     const void *b, bool restart_only)
{
	for (const struct option_def *def = table; def->name; def++) {
		if (def->target == target && def->type != OPT_SPECIAL &&
		    (!restart_only || def->on_change == EFFECT_RESTART) &&
		    !option_equal(def, a, b)) {
			return false;
		}
	}
	return true;
}

static bool equal_options(enum option_target target, const void *a, const void *b,
			  bool restart_only)
{
	for (size_t i = 0; i < ARRAY_SIZE(program_tables); i++) {
		if (!equal_in(program_tables[i], target, a, b, restart_only)) {
			return false;
		}
	}
	return true;
}

bool config_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool equal_texts(char *const *a, char *const *b)
{
	if (!a || !b) {
		return a == b;
	}
	while (*a && *b && strcmp(*a, *b) == 0) {
		a++;
		b++;
	}
	return !*a && !*b;
}

static bool equal_programs(const struct program_config *a, const struct program_config *b,
			   bool restart_only)
{
	return a->kind == b->kind && equal_texts(a->events, b->events) &&
	       equal_options(TARGET_SECTION, a, b, restart_only);
}

static bool equal_workers(const struct worker_config *a, const struct worker_config *b,
			  bool restart_only)
{
	return equal_programs(a->program, b->program, restart_only) &&
	       equal_options(TARGET_WORKER, a, b, restart_only);
}

static bool equal_groups(const struct group_config *a, const struct group_config *b)
{
	if (a->priority != b->priority || a->workers.len != b->workers.len) {
		return false;
	}
	for (size_t i = 0; i < a->workers.len; i++) {
		if (strcmp(a->workers.at[i]->name, b->workers.at[i]->name) != 0 ||
		    !equal_workers(a->workers.at[i], b->workers.at[i], false)) {
			return false;
		}
	}
	return true;
}

static struct worker_config *find_worker(const struct map *index, const char *name)
{
	return map_get(index, name);
}

static int index_workers(const struct group_config *g, struct map *ret)
{
	int r = 0;

	vec_for_each (w, &g->workers) {
		r = r < 0 ? r : map_set(ret, (*w)->name, *w);
	}
	return r;
}

static int add_worker(struct config_diff *d, enum change change, const struct worker_config *w)
{
	const struct config_change c = {.change = change, .group = w->group, .worker = w->name};

	return vec_push(&d->workers, c);
}

static int all_workers(struct config_diff *d, enum change change, const struct group_config *g)
{
	int r = 0;

	vec_for_each (w, &g->workers) {
		r = r < 0 ? r : add_worker(d, change, *w);
	}
	return r;
}

static int diff_workers(const struct group_config *old, const struct group_config *new_,
			struct config_diff *d)
{
	CLEANUP(map_done) struct map before = {0};
	CLEANUP(map_done) struct map after = {0};
	int r = index_workers(old, &before);

	r = r < 0 ? r : index_workers(new_, &after);
	for (size_t i = 0; r == 0 && i < new_->workers.len; i++) {
		const struct worker_config *w = new_->workers.at[i];
		const struct worker_config *was = find_worker(&before, w->name);

		if (!was) {
			r = add_worker(d, CHANGE_NEW, w);
		} else if (!equal_workers(was, w, true)) {
			r = add_worker(d, CHANGE_DIFFERENT, w);
		}
	}
	for (size_t i = 0; r == 0 && i < old->workers.len; i++) {
		if (!find_worker(&after, old->workers.at[i]->name)) {
			r = add_worker(d, CHANGE_DROP, old->workers.at[i]);
		}
	}
	return r;
}

static int add_group(struct config_diff *d, enum change change, const struct group_config *g)
{
	const struct config_change c = {.change = change, .group = g->name};

	return vec_push(&d->groups, c);
}

static int diff_group(const struct group_config *old, const struct group_config *new_,
		      struct config_diff *d)
{
	int r = 0;

	if (!old) {
		r = add_group(d, CHANGE_NEW, new_);
		return r < 0 ? r : all_workers(d, CHANGE_NEW, new_);
	}
	if (!equal_groups(old, new_)) {
		r = add_group(d, CHANGE_DIFFERENT, new_);
	}
	return r < 0 ? r : diff_workers(old, new_, d);
}

int config_diff(const struct config *old, const struct config *new_, struct config_diff *ret)
{
	struct config_diff d = {0};
	int r = 0;

	for (size_t i = 0; r == 0 && i < new_->groups.len; i++) {
		const struct group_config *g = new_->groups.at[i];

		r = diff_group(config_group(old, g->name), g, &d);
	}
	for (size_t i = 0; r == 0 && i < old->groups.len; i++) {
		const struct group_config *g = old->groups.at[i];

		if (!config_group(new_, g->name)) {
			r = add_group(&d, CHANGE_DROP, g);
			r = r < 0 ? r : all_workers(&d, CHANGE_DROP, g);
		}
	}
	if (r < 0) {
		config_diff_done(&d);
		return r;
	}
	*ret = d;
	return 0;
}

void config_diff_done(struct config_diff *d)
{
	vec_done(&d->groups);
	vec_done(&d->workers);
}

/* ---- services ------------------------------------------------------------------------------ */

static bool equal_slots(const struct service_slot_config *a, const struct service_slot_config *b)
{
	if (!equal_in(service_options, TARGET_SLOT, a, b, false) ||
	    !config_same_text(a->ports, b->ports) ||
	    !config_same_text(a->health_arg, b->health_arg) || a->programs.len != b->programs.len) {
		return false;
	}
	for (size_t i = 0; i < a->programs.len; i++) {
		if (strcmp(a->programs.at[i]->name, b->programs.at[i]->name) != 0) {
			return false;
		}
	}
	return true;
}

bool config_service_equal(const struct service_config *a, const struct service_config *b)
{
	if (!equal_in(service_options, TARGET_SECTION, a, b, false) || a->health != b->health ||
	    a->listen.len != b->listen.len || a->n_preview != b->n_preview) {
		return false;
	}
	for (size_t i = 0; i < a->listen.len; i++) {
		if (strcmp(a->listen.at[i], b->listen.at[i]) != 0) {
			return false;
		}
	}
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		if (!equal_slots(&a->slots[slot], &b->slots[slot])) {
			return false;
		}
	}
	return true;
}
