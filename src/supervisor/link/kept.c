#include "link/kept.h"
#include "link/activity.h"
#include "link/helper_set.h"
#include "link/helpers.h"
#include "link/inheritance.h"

#include <slotd/cleanup.h>
#include <slotd/map.h>
#include <slotd/message.h>

#include <stdlib.h>
#include <string.h>

#define LATE MSECONDS(250)

/* What slotd-keep holds, by name: struct kept. A new slotd-keep is filled from it. */
struct keepings {
	struct supervisor *sup;
	struct map kept;
	struct loop_timer timer; /* armed while anything is late */
};

struct kept {
	bool late; /* slotd-keep is still to be told */
	unsigned n;
	int fds[MESSAGE_FDS_MAX];
	char *tags; /* NULL: no memory for them */
};

static void kept_free(struct kept *kept)
{
	if (kept) {
		free(kept->tags);
		free(kept);
	}
}

static void keep_send(struct helper *keep, const char *name, const struct kept *kept)
{
	struct message m;

	message_init(&m, MSG_KEEP_PUT, 0);
	message_put_text(&m, TAG_NAME, name);
	message_put_text(&m, TAG_DESCRIPTORS, kept->tags);
	for (unsigned i = 0; i < kept->n; i++) {
		message_put_fd(&m, kept->fds[i]);
	}
	(void)helper_send(keep, &m); /* a dead slotd-keep is refilled from these */
}

static void drop(struct helper *keep, const char *name)
{
	struct message m;

	message_init(&m, MSG_KEEP_DROP, 0);
	message_put_text(&m, TAG_NAME, name);
	(void)helper_send(keep, &m);
}

static bool is_current(const struct helper *h)
{
	return h == helper_of(h->sup, HELPER_KEEP);
}

/* kept NULL: it is dropped. After an upgrade there are two for a moment, both of which hold all;
 * the next one has the socket last. */
static void tell(struct supervisor *sup, const char *name, const struct kept *kept)
{
	vec_for_each (h, &sup->helpers) {
		if ((*h)->kind != HELPER_KEEP || !channel_open(&(*h)->channel) ||
		    (!is_current(*h) && strcmp(name, KEEP_SOCKET) == 0)) {
			continue;
		}
		if (kept) {
			keep_send(*h, name, kept);
		} else {
			drop(*h, name);
		}
	}
}

static bool any_open(const struct kept_fd *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i].fd >= 0) {
			return true;
		}
	}
	return false;
}

/* The entry of that name, made where there is none; NULL without memory, which is said. */
static struct kept *kept_of(struct supervisor *sup, const char *name)
{
	struct kept *kept = map_get(&sup->keepings->kept, name);

	if (kept) {
		return kept;
	}
	kept = calloc(1, sizeof(*kept));
	if (!kept || map_set(&sup->keepings->kept, name, kept) < 0) {
		free(kept);
		log_line(LOG_ERR, "cannot keep \"%s\" over a crash: out of memory", name);
		return NULL;
	}
	return kept;
}

/* A worker's end is no work for helpers, and nothing comes to what is only written, or to what a
 * child will have that is not there yet: it is watched when slotd-spawn has answered. */
static bool brings_work(const char *tag)
{
	return strcmp(tag, KEEP_TAG_PIDFD) != 0 && strcmp(tag, KEEP_TAG_STDIN) != 0 &&
	       strcmp(tag, KEEP_TAG_LINES) != 0 && strcmp(tag, KEEP_TAG_TEST) != 0;
}

static void watch_work(struct supervisor *sup, const char *name, const struct kept_fd *fds,
		       unsigned n)
{
	/* What helpers answer is no work for them. */
	if (strncmp(name, KEEP_HELPER_PREFIX, strlen(KEEP_HELPER_PREFIX)) == 0) {
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		if (fds[i].fd >= 0 && strcmp(fds[i].tag, KEEP_TAG_REQUEST) == 0) {
			return;
		}
	}
	for (unsigned i = 0; i < n; i++) {
		if (fds[i].fd >= 0 && brings_work(fds[i].tag)) {
			activity_watch(sup, fds[i].fd);
		}
	}
}

static void fill(struct kept *kept, const char *name, const struct kept_fd *fds, unsigned n)
{
	char tags[KEEP_TAGS_MAX] = "";

	kept->n = 0;
	for (unsigned i = 0; i < n && kept->n < MESSAGE_FDS_MAX; i++) {
		if (fds[i].fd < 0 || keep_tags_add(tags, fds[i].tag) < 0) {
			continue;
		}
		kept->fds[kept->n++] = fds[i].fd;
	}
	free(kept->tags);
	kept->tags = strdup(tags);
	if (!kept->tags) {
		log_line(LOG_ERR, "slotd-keep cannot be told what \"%s\" is: out of memory", name);
	}
}

void keep_put(struct supervisor *sup, const char *name, const struct kept_fd *fds, unsigned n)
{
	struct kept *kept = any_open(fds, n) ? kept_of(sup, name) : NULL;

	if (!kept) {
		keep_drop(sup, name);
		return;
	}
	kept->late = false;
	fill(kept, name, fds, n);
	watch_work(sup, name, fds, n);
	tell(sup, name, kept);
}

void keep_put_late(struct supervisor *sup, const char *name, const struct kept_fd *fds, unsigned n)
{
	struct keepings *own = sup->keepings;
	struct kept *kept = map_get(&own->kept, name);

	if (!kept) {
		keep_put(sup, name, fds, n);
		return;
	}
	fill(kept, name, fds, n);
	kept->late = true;
	if (own->timer.at == USEC_NEVER) {
		loop_timer_set(sup->loop, &own->timer, usec_add(usec_monotonic(), LATE));
	}
}

static void on_late(struct loop_timer *t)
{
	struct keepings *own = container_of(t, struct keepings, timer);
	struct kept *kept;
	const char *name;
	size_t pos = 0;

	while ((kept = map_next(&own->kept, &pos, &name))) {
		if (!kept->late) {
			continue;
		}
		kept->late = false;
		if (kept->n == 0) {
			keep_drop(own->sup, name);
		} else {
			tell(own->sup, name, kept);
		}
	}
}

void keep_put_one(struct supervisor *sup, const char *name, int fd)
{
	keep_put(sup, name, &(struct kept_fd){fd, KEEP_TAG_SELF}, 1);
}

void keep_drop(struct supervisor *sup, const char *name)
{
	struct kept *kept = map_remove(&sup->keepings->kept, name);

	kept_free(kept);
	if (kept) {
		tell(sup, name, NULL);
	}
}

void keep_drop_unwanted(struct supervisor *sup)
{
	struct helper *keep = helper_of(sup, HELPER_KEEP);
	const char *name;
	size_t pos = 0;

	while (keep && inherited_next(sup, &pos, &name)) {
		if (!map_get(&sup->keepings->kept, name)) {
			drop(keep, name);
		}
	}
}

/* From then on it may be asked. */
static void give_socket(struct helper *h)
{
	const struct kept *socket = map_get(&h->sup->keepings->kept, KEEP_SOCKET);

	if (socket && channel_open(&h->channel)) {
		keep_send(h, KEEP_SOCKET, socket);
	}
}

/* The ledger comes first: it tells more than that of a former slotd, whose entries are still there
 * should slotd be killed before the last is sent. The socket comes last: who is asked has all. */
static void keep_refill(struct helper *h)
{
	const struct map *all = &h->sup->keepings->kept;
	const struct kept *ledger = map_get(all, KEEP_LEDGER), *socket = map_get(all, KEEP_SOCKET);
	const struct kept *kept;
	const char *name;
	size_t pos = 0;

	if (ledger) {
		keep_send(h, KEEP_LEDGER, ledger);
	}
	while ((kept = map_next(all, &pos, &name))) {
		if (kept->n && kept != ledger && kept != socket) {
			keep_send(h, name, kept);
		}
	}
	if (is_current(h)) {
		give_socket(h);
	}
}

/* One that was started beside another has all. (What slotd still has to send would be lost with
 * slotd.) */
static void keep_settled(struct helper *h)
{
	if (h->ready && !h->retiring && !is_current(h) && channel_idle(&h->channel)) {
		give_socket(h);
		helper_succeed(h);
	}
}

/* The other one, if there is one, is all that there is now. */
static void keep_lost(struct helper *h)
{
	if (!is_current(h)) {
		return;
	}
	vec_for_each (next, &h->sup->helpers) {
		if ((*next)->kind == HELPER_KEEP && *next != h && !(*next)->retiring) {
			give_socket(*next);
			helper_succeed(*next);
			return;
		}
	}
}

static void keep_received(struct helper *h, struct message *m)
{
	(void)h, (void)m; /* puts and drops are sent without an id: no answers come */
}

const struct helper_ops keep_helper_ops = {
	.name = "slotd-keep",
	.refill = keep_refill,
	.received = keep_received,
	.ready = keep_settled,
	.drained = keep_settled,
	.lost = keep_lost,
};

void keep_renew(struct supervisor *sup)
{
	int r = helper_renew(helper_of(sup, HELPER_KEEP));

	if (r < 0) {
		log_line(LOG_ERR, "the slotd-keep of before goes on: %s", strerror(-r));
	}
}

int keep_init(struct supervisor *sup)
{
	sup->keepings = calloc(1, sizeof(*sup->keepings));
	if (!sup->keepings) {
		return -ENOMEM;
	}
	sup->keepings->sup = sup;
	loop_timer_init(&sup->keepings->timer, on_late);
	return 0;
}

void keep_done(struct supervisor *sup)
{
	struct kept *kept;
	size_t pos = 0;

	if (!sup->keepings) {
		return;
	}
	loop_timer_stop(sup->loop, &sup->keepings->timer);
	while ((kept = map_next(&sup->keepings->kept, &pos, NULL))) {
		kept_free(kept);
	}
	map_done(&sup->keepings->kept);
	free(sup->keepings);
	sup->keepings = NULL;
}
