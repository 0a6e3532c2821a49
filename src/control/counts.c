#include "counts.h"

#include <slotd/cleanup.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void drop(struct counts *c, size_t i)
{
	if (c->pages[i]) {
		(void)munmap((void *)c->pages[i], sizeof(*c->pages[i]));
		c->pages[i] = NULL;
	}
}

/* A relay that retires has another number; counted twice for a moment, it would be carried. */
static void drop_same(struct counts *c, ino_t inode)
{
	for (size_t i = 0; i < COUNTS_PAGES; i++) {
		if (c->pages[i] && c->inodes[i] == inode) {
			drop(c, i);
		}
	}
}

int counts_apply(struct counts *c, struct message *m)
{
	auto_close int fd = message_take_fd(m, 0);
	uint64_t i = message_u64(m, TAG_INDEX);
	struct stat st;
	void *page;

	if (i >= COUNTS_PAGES || fstat(fd, &st) < 0 || (size_t)st.st_size < RELAY_PAGE_LEAST) {
		return -EINVAL;
	}
	page = mmap(NULL, sizeof(struct relay_page), PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		return -errno;
	}
	drop_same(c, st.st_ino);
	drop(c, i);
	c->pages[i] = page;
	c->inodes[i] = st.st_ino;
	c->answers[i] = (size_t)st.st_size >= sizeof(struct relay_page);
	return 0;
}

void counts_done(struct counts *c)
{
	for (size_t i = 0; i < COUNTS_PAGES; i++) {
		drop(c, i);
	}
	free(c->workers);
	c->workers = NULL;
}

static uint64_t read_total(const _Atomic uint64_t *at)
{
	return atomic_load_explicit(at, memory_order_relaxed);
}

static uint32_t read_count(const _Atomic uint32_t *at)
{
	return atomic_load_explicit(at, memory_order_relaxed);
}

static void add_worker(const struct counts *c, uint64_t index, struct slot_counts *sum)
{
	for (size_t i = 0; i < COUNTS_PAGES && index < SWITCHBOARD_WORKERS; i++) {
		const struct relay_counts *w = c->pages[i] ? &c->pages[i]->workers[index] : NULL;

		if (w) {
			sum->queued += read_count(&w->queued);
			sum->silent += read_count(&w->silent);
			sum->active += read_count(&w->in_request);
			sum->idle += read_count(&w->between);
			sum->pinned += read_count(&w->pinned);
			sum->retried += (int64_t)read_total(&w->retried);
		}
	}
}

void counts_worker(const struct counts *c, uint64_t worker, struct slot_counts *ret)
{
	*ret = (struct slot_counts){0};
	add_worker(c, worker, ret);
}

int64_t counts_retried(const struct counts *c, int64_t worker)
{
	struct slot_counts sum = {0};

	add_worker(c, (uint64_t)worker, &sum);
	return sum.retried;
}

void counts_sum(const struct counts *c, const struct mirror *m, const struct mirror_service *s,
		enum slot_id slot, struct slot_counts *ret)
{
	*ret = (struct slot_counts){0};
	vec_for_each (w, &m->workers) {
		if ((*w)->slot == (int64_t)slot && (*w)->service &&
		    strcmp((*w)->service, s->service) == 0) {
			add_worker(c, (uint64_t)(*w)->index, ret);
		}
	}
}

/* ---- totals */

static const struct {
	bool answers; /* of relay_answers, not of relay_counts */
	size_t offset;
} totals[TOTAL_MAX_] = {
	[TOTAL_CONNECTIONS] = {false, offsetof(struct relay_counts, total)},
	[TOTAL_FAILED] = {false, offsetof(struct relay_counts, failed)},
	[TOTAL_REFUSED] = {true, offsetof(struct relay_answers, refused)},
	[TOTAL_ANSWERED] = {true, offsetof(struct relay_answers, answered)},
	[TOTAL_ERRORS] = {true, offsetof(struct relay_answers, errors)},
	[TOTAL_LOST] = {true, offsetof(struct relay_answers, lost)},
	[TOTAL_RETRIED] = {false, offsetof(struct relay_counts, retried)},
	[TOTAL_BYTES_IN] = {false, offsetof(struct relay_counts, bytes_in)},
	[TOTAL_BYTES_OUT] = {false, offsetof(struct relay_counts, bytes_out)},
};

/* Whoever computes rates would take a fall for a start at zero, and all that is left for news. */
static uint64_t carry(struct count_carried *c, uint64_t sum)
{
	c->lost += c->last > sum ? c->last - sum : 0;
	c->last = sum;
	return sum + c->lost;
}

uint64_t counts_total(struct counts *c, uint64_t worker, enum count_total total)
{
	uint64_t sum = 0;

	if (worker >= SWITCHBOARD_WORKERS) {
		return 0;
	}
	for (size_t i = 0; i < COUNTS_PAGES; i++) {
		const struct relay_page *page = c->pages[i];

		if (page && (!totals[total].answers || c->answers[i])) {
			const void *row = totals[total].answers
						  ? (const void *)&page->answers[worker]
						  : (const void *)&page->workers[worker];

			sum += read_total((const _Atomic uint64_t *)((const char *)row +
								     totals[total].offset));
		}
	}
	if (!c->workers) {
		c->workers = calloc(SWITCHBOARD_WORKERS, sizeof(*c->workers));
	}
	return c->workers ? carry(&c->workers[worker][total], sum) : sum;
}

uint64_t counts_accepted(struct counts *c, uint64_t service)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNTS_PAGES; i++) {
		sum += c->pages[i] ? read_total(&c->pages[i]->services[service].accepted) : 0;
	}
	return carry(&c->accepted[service], sum);
}

void counts_service(const struct counts *c, uint64_t service, struct service_counts *ret)
{
	*ret = (struct service_counts){0};
	for (size_t i = 0; i < COUNTS_PAGES; i++) {
		if (c->pages[i]) {
			ret->waiting += read_count(&c->pages[i]->services[service].waiting);
			ret->held += read_count(&c->pages[i]->services[service].held);
		}
	}
}
