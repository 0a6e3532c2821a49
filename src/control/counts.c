#include "counts.h"

#include <slotd/cleanup.h>

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void unmap(const struct relay_page *page)
{
	if (page) {
		(void)munmap((void *)page, sizeof(*page));
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
	unmap(c->pages[i]);
	c->pages[i] = page;
	return 0;
}

void counts_done(struct counts *c)
{
	for (size_t i = 0; i < COUNTS_PAGES; i++) {
		unmap(c->pages[i]);
		c->pages[i] = NULL;
	}
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
			sum->retried +=
				(int64_t)atomic_load_explicit(&w->retried, memory_order_relaxed);
		}
	}
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
