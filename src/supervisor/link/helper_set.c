#include "link/helper_set.h"
#include "link/former.h"
#include "link/helper_process.h"
#include "link/helpers.h"
#include "link/inheritance.h"

#include <slotd/cleanup.h>
#include <slotd/keep.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Which helpers there are: at the start, with the first service, after an upgrade. */

enum {
	RELAYS_DEFAULT_MAX = 4,
};

/* Those that are added together know of each other when they start. */
static void start_from(struct supervisor *sup, size_t first)
{
	for (size_t i = first; i < sup->helpers.len; i++) {
		if (sup->helpers.at[i]->wanted) {
			helper_begin(sup->helpers.at[i]);
		}
	}
}

static unsigned relays_wanted(const struct supervisor *sup)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!sup->services.len) {
		return 0;
	}
	if (former_relays(sup)) {
		return former_relays(sup); /* each knows how many they are */
	}
	if (sup->config->supervisord.relays) {
		return sup->config->supervisord.relays;
	}
	return cpus < 1 ? 1 : cpus > RELAYS_DEFAULT_MAX ? RELAYS_DEFAULT_MAX : (unsigned)cpus;
}

/* Those that an earlier upgrade of a former slotd has replaced. */
static int adopt_retiring(struct supervisor *sup)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < SWITCHBOARD_RELAYS; i++) {
		char label[96];

		(void)snprintf(label, sizeof(label),
			       KEEP_HELPER_PREFIX HELPER_RETIRING "slotd-relay %u", i);
		if (!inherited_item(sup, label)) {
			continue;
		}
		r = helper_add(sup, HELPER_RELAY, i, false);
		if (r == 0) {
			sup->helpers.at[sup->helpers.len - 1]->retiring = true;
			(void)helper_adopt(sup->helpers.at[sup->helpers.len - 1]);
		}
	}
	return r;
}

int helpers_want_relays(struct supervisor *sup)
{
	unsigned n = helper_of(sup, HELPER_RELAY) ? 0 : relays_wanted(sup);
	size_t first = sup->helpers.len;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < n; i++) {
		r = helper_add(sup, HELPER_RELAY, i, true);
	}
	start_from(sup, first);
	return r == 0 && n ? adopt_retiring(sup) : r;
}

int helpers_start(struct supervisor *sup, struct diag *diag)
{
	static const struct {
		enum helper_kind kind;
		bool wanted;
	} singles[] = {
		{HELPER_SPAWN, true},	{HELPER_KEEP, true},   {HELPER_LOG, true},
		{HELPER_CONTROL, true}, {HELPER_PROBE, false}, /* wanted once a check is configured
								*/
	};
	int r = helpers_find_programs(sup, diag);

	if (r < 0) {
		return r; /* before anything is sent to what a former slotd has left */
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(singles); i++) {
		r = helper_add(sup, singles[i].kind, 0, singles[i].wanted);
	}
	start_from(sup, 0);
	if (r == 0) {
		r = helpers_want_relays(sup);
	}
	former_end_rest(sup);
	return r < 0 ? diag_set_errno(diag, r, "cannot start the helper processes") : 0;
}

/* ---- after an upgrade */

/* What has retired for good is freed when the next one does. */
static void forget_retired(struct supervisor *sup)
{
	for (size_t i = sup->helpers.len; i > 0; i--) {
		struct helper *h = sup->helpers.at[i - 1];

		if (h->retiring && !child_running(&h->child)) {
			vec_remove(&sup->helpers, i - 1);
			free(h);
		}
	}
}

int helper_renew(struct helper *h)
{
	struct supervisor *sup = h->sup;
	int r;

	forget_retired(sup);
	r = helper_add(sup, h->kind, h->index, true);
	if (r < 0) {
		return r;
	}
	h->wanted = false;
	helper_start(sup->helpers.at[sup->helpers.len - 1]);
	return 0;
}

void helper_succeed(struct helper *h)
{
	struct helper *before = helper_of(h->sup, h->kind);

	before->retiring = true;
	helper_keep(h);
	helper_quit(before);
}

int helper_replace(struct helper *h, unsigned new_index)
{
	struct supervisor *sup = h->sup;
	int r;

	forget_retired(sup);
	r = helper_add(sup, h->kind, h->index, true);
	if (r < 0) {
		return r;
	}
	h->index = new_index;
	h->wanted = false;
	h->retiring = true;
	helper_keep(h);
	helper_start(sup->helpers.at[sup->helpers.len - 1]);
	return 0;
}
