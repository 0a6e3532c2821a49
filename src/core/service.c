#include <slotd/service_judge.h>

void slot_count_add(struct slot_count *c, const struct worker_condition *w)
{
	bool running = w->state == WORKER_RUNNING;

	c->alive += !w->ended;
	c->stopping += w->state == WORKER_STOPPING;
	if (!w->served) {
		c->queue++;
		return;
	}
	c->total++;
	c->running += running;
	c->healthy += running && w->healthy && !w->leaving;
	c->lost += w->state == WORKER_FATAL || w->state == WORKER_UNKNOWN ||
		   (w->state == WORKER_EXITED && w->given_up);
	c->stopped += w->state == WORKER_STOPPED && w->ran;
}

bool worker_is_up(const struct worker_condition *w, const struct slot_count *slot)
{
	return w->state == WORKER_RUNNING && !w->leaving && (w->healthy || !slot->healthy);
}

/* Every worker was stopped by hand, or there is none any more. */
static bool stands_still(const struct slot_count *slot)
{
	return slot->stopped == slot->total;
}

static bool drains(enum retire_state retire)
{
	return retire == RETIRE_DRAINING || retire == RETIRE_CUTTING;
}

/* What drains or stops gets nothing new. */
static bool may_be_canary(const struct service_conditions *c, enum slot_id slot)
{
	return slot != c->live && c->slots[slot].healthy && !drains(c->retire[slot]) &&
	       c->retire[slot] != RETIRE_STOPPING;
}

static struct placement place(const struct service_conditions *c)
{
	bool hold = c->wish.pause || stands_still(&c->slots[c->live]);
	struct placement p = {.live = c->live, .mode = SWITCH_OPEN};

	if (c->unknown) {
		p.mode = SWITCH_HOLD;
	} else if (c->wish.offline) {
		p.mode = SWITCH_OFFLINE;
	} else if (hold) {
		p.mode = SWITCH_HOLD;
	}

	if (!c->unknown && may_be_canary(c, c->wish.canary)) {
		p.weight = c->wish.weight;
	}
	return p;
}

static enum slot_state state_of(const struct service_conditions *c, enum slot_id slot)
{
	const struct slot_count *count = &c->slots[slot];

	if (slot == c->live) {
		return c->unknown ? SLOT_COLD : SLOT_LIVE;
	}
	if (drains(c->retire[slot])) {
		return SLOT_DRAINING;
	}
	if (slot == c->wish.canary && c->wish.weight && c->retire[slot] != RETIRE_STOPPING) {
		return c->wish.ab ? SLOT_AB : SLOT_CANARY;
	}
	if (slot == c->target) {
		return SLOT_STARTING;
	}
	if (count->alive == 0) {
		return SLOT_COLD;
	}
	if (c->retire[slot] == RETIRE_STOPPING || count->stopping) {
		return SLOT_STOPPING;
	}
	return count->running ? SLOT_WARM : SLOT_STARTING;
}

static unsigned share_of(const struct placement *p, enum slot_id slot)
{
	if (p->mode != SWITCH_OPEN) {
		return 0;
	}
	return slot == p->live ? PLACEMENT_WHOLE - p->weight : p->weight;
}

/* Why nobody of the live slot can be told to serve; 0: somebody can. */
static uint32_t trouble_of_live(const struct slot_count *live)
{
	if (live->total == 0) {
		return trouble_bit(TROUBLE_REMOVED);
	}
	if (stands_still(live)) {
		return trouble_bit(TROUBLE_STOPPED);
	}
	return live->healthy ? 0 : trouble_bit(TROUBLE_UNHEALTHY);
}

static uint32_t find_troubles(const struct service_conditions *c)
{
	uint32_t troubles = 0;

	if (c->unknown) {
		return trouble_bit(TROUBLE_NOT_STARTED);
	}
	troubles |= c->unbound ? trouble_bit(TROUBLE_ADDRESS) : 0;
	troubles |= c->unrecorded ? trouble_bit(TROUBLE_RECORD) : 0;
	troubles |= c->wish.pause ? trouble_bit(TROUBLE_PAUSED) : 0;
	troubles |= c->wish.offline ? trouble_bit(TROUBLE_OFFLINE) : 0;
	troubles |= c->wish.frozen ? trouble_bit(TROUBLE_FROZEN) : 0;
	return troubles | trouble_of_live(&c->slots[c->live]);
}

void service_judge(const struct service_conditions *c, struct service_verdict *ret)
{
	*ret = (struct service_verdict){.placement = place(c), .troubles = find_troubles(c)};
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		ret->slots[slot] = state_of(c, (enum slot_id)slot);
		ret->share[slot] = share_of(&ret->placement, (enum slot_id)slot);
	}
}
