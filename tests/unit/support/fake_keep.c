#include "fake.h"

#include <keep/store.h>
#include <poll.h>
#include <slotd/channel.h>
#include <slotd/cleanup.h>
#include <slotd/keep.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "faults.h"

/* slotd-keep: more than one after an upgrade, for a moment. */
enum {
	KEEPERS_MAX = 4,
};
static struct keeper {
	pid_t pid; /* 0: free place */
	struct store store;
	int listen_fd;
} keepers[KEEPERS_MAX];

bool fake_keep_answers = true;

static void keeper_done(struct keeper *k)
{
	store_done(&k->store);
	cleanup_closep(&k->listen_fd);
	*k = (struct keeper){0};
}

static struct keeper *keeper_of(pid_t pid)
{
	struct keeper *found = NULL;

	for (int i = 0; i < KEEPERS_MAX; i++) {
		if (keepers[i].pid == pid) {
			return &keepers[i];
		}
		found = keepers[i].pid ? found : &keepers[i];
	}
	must(found != NULL, "too many slotd-keep");
	*found = (struct keeper){.pid = pid, .listen_fd = -EBADF};
	return found;
}

/* The newest, whether slotd lives or not. */
static struct keeper *newest(void)
{
	const struct fake_process *p = fake_process_find("slotd-keep");

	must(p != NULL, "no slotd-keep");
	return keeper_of(p->pid);
}

/* ---- what it is told */

static void send_item(const struct fake_process *h, const char *name, const char *tags,
		      const int *fds, unsigned n)
{
	struct message m;

	message_init(&m, MSG_KEEP_ITEM, 1);
	message_put_text(&m, TAG_NAME, name);
	message_put_text(&m, TAG_DESCRIPTORS, tags);
	for (unsigned i = 0; i < n; i++) {
		message_put_fd(&m, fds[i]);
	}
	fake_say(h, &m);
}

static void list(const struct fake_process *h, struct keeper *k)
{
	const struct store_item *item;
	const char *name;
	struct message m;
	size_t pos = 0;
	uint64_t n = 1;

	send_item(h, KEEP_SOCKET, KEEP_TAG_SELF "\n", &k->listen_fd, 1);
	while ((item = store_next(&k->store, &pos, &name))) {
		send_item(h, name, item->tags, item->fds, item->n);
		n++;
	}
	message_init(&m, MSG_KEEP_END, 1);
	message_put_u64(&m, TAG_COUNT, n);
	fake_say(h, &m);
}

void fake_keep_told(const struct fake_process *h, struct message *m)
{
	struct keeper *k = keeper_of(h->pid);
	const char *name = message_str(m, TAG_NAME);

	if (m->type == MSG_KEEP_LIST) {
		if (fake_keep_answers) {
			list(h, k);
		}
	} else if (strcmp(name, KEEP_SOCKET) == 0) {
		cleanup_closep(&k->listen_fd);
		k->listen_fd = m->type == MSG_KEEP_PUT ? message_take_fd(m, 0) : -EBADF;
	} else if (m->type == MSG_KEEP_PUT) {
		must(store_put(&k->store, m) == 0, "slotd-keep has no memory");
	} else {
		store_drop(&k->store, name);
	}
}

bool fake_keep_turn(void)
{
	bool any = false;

	for (int i = 0; i < KEEPERS_MAX; i++) {
		struct keeper *k = &keepers[i];
		struct fake_process *p = k->pid ? fake_process_of(k->pid) : NULL;
		struct pollfd io = {.fd = k->listen_fd, .events = POLLIN};

		if (k->pid && (!p || p->ended)) {
			keeper_done(k);
		} else if (k->pid && p->channel_fd < 0 && poll(&io, 1, 0) > 0) {
			p->channel_fd = accept4(k->listen_fd, NULL, NULL, SOCK_CLOEXEC);
			any = true;
		}
	}
	return any;
}

/* ---- what a test sees and does */

int fake_kept(const char *name, const char *tag)
{
	const struct store_item *item = map_get(&newest()->store.items, name);
	int at = item ? keep_tags_find(item->tags, tag) : -ENOENT;

	return at < 0 ? -EBADF : item->fds[at];
}

void fake_keep_put(const char *name, const char *tag, int fd)
{
	char tags[KEEP_TAGS_MAX] = "";
	struct message m;

	message_init(&m, MSG_KEEP_PUT, 0);
	message_put_text(&m, TAG_NAME, name);
	must(keep_tags_add(tags, tag) == 0, "no tag");
	message_put_text(&m, TAG_DESCRIPTORS, tags);
	message_put_fd(&m, fd);
	must(store_put(&newest()->store, &m) == 0, "slotd-keep has no memory");
}

void fake_keep_drop(const char *name)
{
	store_drop(&newest()->store, name);
}

static struct {
	void *at;
	size_t size;
} ledger;

static void unmap(void)
{
	if (ledger.at) {
		(void)munmap(ledger.at, ledger.size);
	}
	ledger.at = NULL;
}

struct ledger_header *fake_kept_ledger(void)
{
	struct stat st;
	int fd = fake_kept(KEEP_LEDGER, KEEP_TAG_SELF);

	unmap();
	must(fd >= 0 && fstat(fd, &st) == 0, "slotd-keep has no ledger");
	ledger.size = (size_t)st.st_size;
	ledger.at = mmap(NULL, ledger.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(ledger.at != MAP_FAILED, "no ledger");
	return ledger.at;
}

void *fake_kept_row(enum ledger_table table, const char *name)
{
	const struct ledger_header *header = fake_kept_ledger();
	const struct ledger_table_layout *t = &header->tables[table];
	const struct ledger_view v = {ledger.at, ledger.size};
	const enum ledger_table named = table == LEDGER_TABLE_JOB ? LEDGER_TABLE_SERVICE : table;
	unsigned char *row = (unsigned char *)ledger.at + t->offset;
	const struct ledger_row *head;

	for (unsigned i = 0; i < ledger_rows(&v, named); i++, row += t->stride) {
		if (strcmp(ledger_name(&v, named, i), name) == 0) {
			head = (const struct ledger_row *)(const void *)row;
			return row + t->content + (head->seq & 1) * t->content_size;
		}
	}
	must(false, "no %s in the ledger", name);
	return NULL;
}

static bool holds(const struct keeper *k, int fd)
{
	const struct store_item *item;
	const char *name;
	size_t pos = 0;

	while ((item = store_next(&k->store, &pos, &name))) {
		for (unsigned i = 0; i < item->n; i++) {
			if (item->fds[i] == fd) {
				return true;
			}
		}
	}
	return k->listen_fd == fd;
}

bool fake_keep_holds(int fd)
{
	for (int i = 0; i < KEEPERS_MAX; i++) {
		if (keepers[i].pid && holds(&keepers[i], fd)) {
			return true;
		}
	}
	return false;
}

void fake_keep_done(void)
{
	unmap();
	for (int i = 0; i < KEEPERS_MAX; i++) {
		if (keepers[i].pid) {
			keeper_done(&keepers[i]);
		}
	}
	fake_keep_answers = true;
}
