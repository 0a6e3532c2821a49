#include <slotd/slab.h>

#include <string.h>
#include <sys/mman.h>

enum {
	BLOCK = 64 * 1024,
	ALIGN = 16,
};

struct link {
	struct link *next;
};

static void push(void **list, void *memory)
{
	struct link *link = memory;

	link->next = *list;
	*list = link;
}

static void *pop(void **list)
{
	struct link *link = *list;

	*list = link ? link->next : NULL;
	return link;
}

static void add_block(struct slab *slab)
{
	size_t step = (slab->size + ALIGN - 1) / ALIGN * ALIGN;
	char *block = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (block == MAP_FAILED) {
		return;
	}
	(void)madvise(block, BLOCK, MADV_DONTFORK); /* refused: children have it, too */
	push(&slab->blocks, block);
	/* The first place is the list's; lower addresses are given out first. */
	for (size_t n = (BLOCK - ALIGN) / step; n > 0; n--) {
		push(&slab->free, block + ALIGN + (n - 1) * step);
	}
}

void *slab_get(struct slab *slab)
{
	void *object;

	if (!slab->free) {
		add_block(slab);
	}
	object = pop(&slab->free);
	return object ? memset(object, 0, slab->size) : NULL;
}

void slab_put(struct slab *slab, void *object)
{
	push(&slab->free, object);
}

void slab_done(struct slab *slab)
{
	void *block;

	while ((block = pop(&slab->blocks))) {
		(void)munmap(block, BLOCK);
	}
	slab->free = NULL;
}
