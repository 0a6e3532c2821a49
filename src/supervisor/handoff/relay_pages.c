#include "handoff/relay_pages.h"
#include "handoff/relays.h"
#include "link/inheritance.h"
#include "link/kept.h"

#include <slotd/cleanup.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Memory that slotd shares with relays: a page of counts for each, and one pool for all. */

int relay_memory_open(int fd)
{
	char path[64];
	int ro;

	/* A relay may reopen what it is given through /proc: nothing to gain there, then. */
	if (fchmod(fd, 0600) < 0) {
		return -errno;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY | O_CLOEXEC);
	return ro < 0 ? -errno : ro;
}

static void publish_page(const struct helper *relay, struct helper *control)
{
	auto_close int fd = relay_memory_open(relay_link_of(relay)->page_fd);
	struct message m;

	if (fd < 0) {
		if (log_once(&relay_link_of(relay)->uncounted, usec_monotonic(), NULL)) {
			log_line(LOG_WARNING,
				 "the connections of slotd-relay %u cannot be counted: %s",
				 relay->index, strerror(-fd));
		}
		helper_missed(control, fd, false);
		return;
	}
	message_init(&m, MSG_STATE_COUNTS, 0);
	message_put_u64(&m, TAG_INDEX, relay->index);
	message_put_fd(&m, fd);
	helper_tell(control, &m);
}

void relays_publish(struct supervisor *sup, struct helper *control)
{
	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind == HELPER_RELAY && relay_link_of(*h)) {
			publish_page(*h, control);
		}
	}
}

static size_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (size_t)st.st_size;
}

/* Shared with relays that a killed slotd left, else new. The relay can write to it: made shorter,
 * it would be a SIGBUS for who reads. */
static int take_or_make(const struct supervisor *sup, const char *kept, const char *name,
			size_t least, size_t size)
{
	auto_close int fd = inherited_take_one(sup, kept);

	if (fd >= 0 && size_of(fd) >= least) {
		return TAKE_FD(fd);
	}
	cleanup_closep(&fd);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || fchmod(fd, 0600) < 0 || ftruncate(fd, (off_t)size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		return -errno;
	}
	return TAKE_FD(fd);
}

static const char *page_label(const struct helper *h, char *buf, size_t size)
{
	(void)snprintf(buf, size, KEEP_PAGE_PREFIX "%u", h->index);
	return buf;
}

void relay_page_tell(struct helper *h)
{
	struct helper *control = helper_of(h->sup, HELPER_CONTROL);
	char kept[64];

	keep_put_one(h->sup, page_label(h, kept, sizeof(kept)), relay_link_of(h)->page_fd);
	if (control && channel_open(&control->channel)) {
		publish_page(h, control);
	}
}

int relay_page_make(struct helper *h)
{
	auto_free struct relay_link *link = calloc(1, sizeof(*link));
	char name[64], kept[64];
	void *page;
	auto_close int fd = -EBADF;

	if (!link) {
		return -ENOMEM;
	}
	(void)snprintf(name, sizeof(name), "slotd relay %u", h->index);
	fd = take_or_make(h->sup, page_label(h, kept, sizeof(kept)), name, RELAY_PAGE_LEAST,
			  sizeof(struct relay_page));
	if (fd < 0) {
		return fd;
	}
	page = mmap(NULL, sizeof(struct relay_page), PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		return -errno;
	}
	link->page = page;
	link->counts_answers = size_of(fd) >= sizeof(struct relay_page);
	link->page_fd = TAKE_FD(fd);
	h->data = TAKE_PTR(link);
	relay_page_tell(h);
	return 0;
}

int relay_pool_make(struct supervisor *sup)
{
	auto_close int fd = take_or_make(sup, KEEP_POOL, "slotd relays", sizeof(struct relay_pool),
					 sizeof(struct relay_pool));
	auto_free struct relays *relays = calloc(1, sizeof(*relays));
	void *pool;

	if (!relays) {
		return -ENOMEM;
	}
	if (fd < 0) {
		return fd;
	}
	pool = mmap(NULL, sizeof(struct relay_pool), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (pool == MAP_FAILED) {
		return -errno;
	}
	relays->pool = pool;
	relays->pool_fd = TAKE_FD(fd);
	keep_put_one(sup, KEEP_POOL, relays->pool_fd);
	sup->relays = TAKE_PTR(relays);
	return 0;
}

void relay_page_free(struct helper *h)
{
	struct relay_link *link = relay_link_of(h);

	if (link) {
		(void)munmap(link->page, sizeof(struct relay_page));
		cleanup_closep(&link->page_fd);
		free(link);
		h->data = NULL;
	}
}

void relay_page_drop(struct helper *h)
{
	char kept[64];

	keep_drop(h->sup, page_label(h, kept, sizeof(kept)));
	relay_page_free(h);
}

void relay_pool_free(struct supervisor *sup)
{
	if (sup->relays) {
		(void)munmap(sup->relays->pool, sizeof(*sup->relays->pool));
		cleanup_closep(&sup->relays->pool_fd);
		free(sup->relays);
		sup->relays = NULL;
	}
}
