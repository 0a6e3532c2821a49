#include "ledger_tables.h"

#include <slotd/handoff.h>
#include <string.h>

/*
 * The size of a part ends with its last field, not with the padding behind that: a field that is
 * appended there must not be read from what an older slotd left in its padding.
 */
#define PART(row, part, type, last)                                                          \
	{                                                                                    \
		offsetof(struct row, part), offsetof(type, last) + sizeof(((type *)0)->last) \
	}

static void fill_worker(void *content, unsigned index)
{
	struct ledger_worker *w = content;

	worker_init(&w->state, index);
	roll_init(&w->roll);
}

static bool worker_sane(const void *content, unsigned index)
{
	const struct ledger_worker *w = content;

	return w->state.id == index && (unsigned)w->state.state < WORKER_STATE_MAX_ &&
	       memchr(w->state.spawnerr, '\0', sizeof(w->state.spawnerr)) &&
	       memchr(w->health.status, '\0', sizeof(w->health.status)) &&
	       (unsigned)w->policy.autorestart < AUTORESTART_MAX_ &&
	       (unsigned)w->roll.state < ROLL_STATE_MAX_;
}

static void fill_service(void *content, unsigned index)
{
	struct ledger_service *s = content;

	deploy_init(&s->swap, index, SLOT_A);
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		retire_init(&s->retire[slot], index, (enum slot_id)slot);
	}
}

static bool retire_sane(const struct retire *r, unsigned index, int slot)
{
	return r->service == index && (int)r->slot == slot &&
	       (unsigned)r->state < RETIRE_STATE_MAX_;
}

static bool service_sane(const void *content, unsigned index)
{
	const struct ledger_service *s = content;

	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		if (!retire_sane(&s->retire[slot], index, slot) ||
		    !memchr(s->slots[slot].release, '\0', LEDGER_LABEL_MAX) ||
		    !memchr(s->slots[slot].one_way, '\0', sizeof(s->slots[slot].one_way))) {
			return false;
		}
	}
	return s->swap.service == index && deploy_sane(&s->swap) && s->duty.live < SLOT_MAX_ &&
	       memchr(s->duty.stopper, '\0', LEDGER_LABEL_MAX) &&
	       memchr(s->duty.pauser, '\0', LEDGER_LABEL_MAX) &&
	       memchr(s->duty.freezer, '\0', LEDGER_LABEL_MAX) &&
	       memchr(s->duty.freeze_why, '\0', sizeof(s->duty.freeze_why)) &&
	       memchr(s->duty.offliner, '\0', LEDGER_LABEL_MAX) &&
	       memchr(s->duty.offline_why, '\0', sizeof(s->duty.offline_why)) &&
	       s->duty.ab_weight <= PLACEMENT_WHOLE && s->duty.ab_slot < SLOT_MAX_ &&
	       memchr(s->duty.ab_who, '\0', LEDGER_LABEL_MAX);
}

static bool job_sane(const void *content, unsigned index)
{
	const struct ledger_job *j = content;

	(void)index;
	return j->kind < SWAP_KIND_MAX_ && j->from < SLOT_MAX_ && j->to < SLOT_MAX_ &&
	       j->step < SWAP_STEP_MAX_ && j->failed_in < SWAP_STEP_MAX_ &&
	       memchr(j->who, '\0', LEDGER_LABEL_MAX) &&
	       memchr(j->release, '\0', LEDGER_LABEL_MAX) &&
	       memchr(j->text, '\0', LEDGER_SENTENCE_MAX) &&
	       memchr(j->why, '\0', LEDGER_SENTENCE_MAX) &&
	       memchr(j->culprit, '\0', LEDGER_NAME_MAX);
}

static void fill_stream(void *content, unsigned index)
{
	(void)index;
	((struct ledger_stream *)content)->worker = UINT32_MAX;
}

static bool stream_sane(const void *content, unsigned index)
{
	const struct ledger_stream *s = content;

	(void)index;
	return s->channel < 2 && (s->worker < LEDGER_WORKERS || s->worker == UINT32_MAX);
}

const struct ledger_shape ledger_shapes[LEDGER_TABLE_MAX_] = {
	[LEDGER_TABLE_DAEMON] =
		{
			.name = "slotd",
			.rows = 1,
			.content_size = sizeof(struct ledger_daemon),
			.n_parts = 1,
			.parts = {{0, sizeof(struct ledger_daemon)}},
		},
	[LEDGER_TABLE_WORKER] =
		{
			.name = "workers",
			.rows = LEDGER_WORKERS,
			.named = true,
			.content_size = sizeof(struct ledger_worker),
			.n_parts = 5,
			.parts =
				{
					PART(ledger_worker, state, struct worker, spawnerr),
					PART(ledger_worker, health, struct health, status),
					PART(ledger_worker, policy, struct worker_policy,
					     killasgroup),
					PART(ledger_worker, run, struct ledger_run, counted),
					PART(ledger_worker, roll, struct roll, forced),
				},
			.n_texts = 2,
			.texts = {offsetof(struct ledger_worker, run.logs[0]),
				  offsetof(struct ledger_worker, run.logs[1])},
			.fill = fill_worker,
			.sane = worker_sane,
		},
	[LEDGER_TABLE_SERVICE] =
		{
			.name = "services",
			.rows = LEDGER_SERVICES,
			.named = true,
			.content_size = sizeof(struct ledger_service),
			.n_parts = 6,
			.parts =
				{
					PART(ledger_service, swap, struct deploy, weights),
					PART(ledger_service, retire[0], struct retire, discard),
					PART(ledger_service, retire[1], struct retire, discard),
					PART(ledger_service, slots[0], struct ledger_slot, one_way),
					PART(ledger_service, slots[1], struct ledger_slot, one_way),
					PART(ledger_service, duty, struct ledger_duty, ab_who),
				},
			.fill = fill_service,
			.sane = service_sane,
		},
	[LEDGER_TABLE_JOB] =
		{
			.name = "jobs",
			.rows = LEDGER_SERVICES,
			.content_size = sizeof(struct ledger_job),
			.n_parts = 1,
			.parts = {{0, offsetof(struct ledger_job, culprit) + LEDGER_NAME_MAX}},
			.sane = job_sane,
		},
	[LEDGER_TABLE_STREAM] =
		{
			.name = "streams",
			.rows = LEDGER_STREAMS,
			.content_size = sizeof(struct ledger_stream),
			.n_parts = 1,
			.parts = {{0, offsetof(struct ledger_stream, ending) + sizeof(bool)}},
			.n_texts = 2,
			.texts = {offsetof(struct ledger_stream, path),
				  offsetof(struct ledger_stream, name)},
			.fill = fill_stream,
			.sane = stream_sane,
		},
	[LEDGER_TABLE_PIECE] = {.name = "texts", .rows = LEDGER_PIECES},
};

void ledger_default(enum ledger_table table, unsigned index, void *content)
{
	const struct ledger_shape *shape = &ledger_shapes[table];

	memset(content, 0, shape->content_size);
	if (shape->fill) {
		shape->fill(content, index);
	}
}

static uint32_t align(uint32_t n)
{
	return (n + 7) & ~7u;
}

uint64_t ledger_make_header(struct ledger_header *ret)
{
	uint64_t at = sizeof(struct ledger_header);

	memset(ret, 0, sizeof(*ret));
	ret->magic = LEDGER_MAGIC;
	ret->version = LEDGER_VERSION;
	ret->n_tables = LEDGER_TABLE_MAX_;
	for (int i = 0; i < LEDGER_TABLE_MAX_; i++) {
		const struct ledger_shape *shape = &ledger_shapes[i];
		struct ledger_table_layout *t = &ret->tables[i];

		at = (at + 4095) & ~(uint64_t)4095; /* so that a page belongs to one table */
		t->offset = at;
		t->rows = shape->rows;
		t->content = sizeof(struct ledger_row) + (shape->named ? LEDGER_NAME_MAX : 0);
		t->content_size = align(shape->content_size);
		t->stride = shape->content_size ? t->content + 2 * t->content_size
						: sizeof(struct ledger_piece);
		t->n_parts = shape->n_parts;
		memcpy(t->parts, shape->parts, sizeof(t->parts));
		at += (uint64_t)t->rows * t->stride;
	}
	return at;
}
