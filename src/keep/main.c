/*
 * slotd-keep: holds duplicates of what slotd cannot make again, so that they outlive it.
 *
 * It serves the slotd that started it on its channel, and after that one's death the next slotd
 * on keep.sock. It parses nothing but messages and ends on QUIT only.
 */
#include "store.h"

#include <slotd/channel.h>
#include <slotd/cleanup.h>
#include <slotd/helper.h>
#include <slotd/keep.h>
#include <slotd/log.h>
#include <slotd/loop.h>
#include <slotd/sandbox.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

enum {
	PEERS_MAX = 8,
};

/* Somebody on a channel: the slotd that started us, the next one, or whoever just has a look. */
struct peer {
	struct keep *keep;
	struct channel channel;
	bool is_owner; /* it has put something: the slotd of today */
	uint32_t list_id;
	size_t list_pos, listed;
};

struct keep {
	struct loop *loop;
	struct store store;
	int listen_fd;
	int spare_fd; /* given up for the next slotd where no other descriptor is left */
	struct loop_io listen_io;
	struct peer peers[PEERS_MAX]; /* the first: who started us */
};

static void done(struct channel *ch, uint32_t id, int code)
{
	struct message m;

	if (!id) {
		return;
	}
	message_init(&m, MSG_DONE, id);
	message_put_i64(&m, TAG_CODE, code);
	(void)channel_send(ch, &m); /* a peer that is gone needs no answer */
}

/* ---- the list: an item at a time, so that what waits to be read takes no descriptors */

static int list_socket(struct peer *p)
{
	struct message m;

	message_init(&m, MSG_KEEP_ITEM, p->list_id);
	message_put_text(&m, TAG_NAME, KEEP_SOCKET);
	message_put_text(&m, TAG_DESCRIPTORS, KEEP_TAG_SELF "\n");
	message_put_fd(&m, p->keep->listen_fd);
	return channel_send(&p->channel, &m);
}

static int list_item(struct peer *p, const char *name, const struct store_item *item)
{
	struct message m;

	message_init(&m, MSG_KEEP_ITEM, p->list_id);
	message_put_text(&m, TAG_NAME, name);
	message_put_text(&m, TAG_DESCRIPTORS, item->tags);
	for (unsigned i = 0; i < item->n; i++) {
		message_put_fd(&m, item->fds[i]);
	}
	return channel_send(&p->channel, &m);
}

static void list_end(struct peer *p)
{
	struct message m;

	message_init(&m, MSG_KEEP_END, p->list_id);
	message_put_u64(&m, TAG_COUNT, p->listed);
	p->list_id = 0;
	(void)channel_send(&p->channel, &m);
}

/* What could not be sent is missed in the count. */
static void list_more(struct peer *p)
{
	const struct store_item *item;
	const char *name;

	while (p->list_id && channel_open(&p->channel) && channel_idle(&p->channel)) {
		item = store_next(&p->keep->store, &p->list_pos, &name);
		if (!item) {
			list_end(p);
			return;
		}
		p->listed += list_item(p, name, item) == 0;
	}
}

static void list(struct peer *p, uint32_t id)
{
	p->list_id = id ? id : 1;
	p->list_pos = 0;
	p->listed = p->keep->listen_fd >= 0 && list_socket(p) == 0;
	list_more(p);
}

static bool is_slotd(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static void hold_spare(struct keep *k)
{
	if (k->spare_fd < 0) {
		k->spare_fd = fcntl(HELPER_CHANNEL_FD, F_DUPFD_CLOEXEC, HELPER_CHANNEL_FD);
	}
}

static int take_connection(struct keep *k)
{
	int fd = accept4(k->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0 && errno == EMFILE && k->spare_fd >= 0) {
		cleanup_closep(&k->spare_fd);
		fd = accept4(k->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	}
	return fd;
}

static const struct channel_ops ops;

static bool is_free(const struct peer *p)
{
	return !channel_open(&p->channel);
}

/* A place for one more; who only looks gives way. */
static struct peer *place(struct keep *k)
{
	struct peer *found = NULL;

	for (int i = PEERS_MAX - 1; i > 0; i--) {
		struct peer *p = &k->peers[i];

		if (is_free(p) || (!p->is_owner && !(found && is_free(found)))) {
			found = p;
		}
	}
	return found ? found : &k->peers[1];
}

static void welcome(struct keep *k, struct peer *p, int fd)
{
	channel_done(&p->channel);
	*p = (struct peer){.keep = k};
	channel_init(&p->channel, k->loop, fd, &ops, p);
}

static void on_connection(struct loop_io *io, unsigned events)
{
	struct keep *k = container_of(io, struct keep, listen_io);
	int fd = take_connection(k);

	(void)events;
	if (fd < 0) {
		/* EMFILE: the connection stays queued, and the loop would spin on it. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
			log_line(LOG_ERR, "cannot take a connection: %s", strerror(errno));
			loop_io_stop(k->loop, &k->listen_io);
		}
		return;
	}
	if (is_slotd(fd)) {
		welcome(k, place(k), fd);
	} else {
		(void)close(fd);
	}
	hold_spare(k);
}

static void own(struct peer *p)
{
	for (int i = 0; i < PEERS_MAX; i++) {
		p->keep->peers[i].is_owner = false;
	}
	p->is_owner = true;
}

static void put(struct peer *p, struct message *m)
{
	struct keep *k = p->keep;
	struct channel *ch = &p->channel;
	int r;

	own(p);
	if (strcmp(message_str(m, TAG_NAME), KEEP_SOCKET) == 0) {
		loop_io_stop(k->loop, &k->listen_io);
		cleanup_closep(&k->listen_fd);
		k->listen_fd = message_take_fd(m, 0);
		loop_io_set(k->loop, &k->listen_io, k->listen_fd, LOOP_READ);
		done(ch, m->id, 0);
		return;
	}
	r = store_put(&k->store, m);
	if (r < 0) {
		log_line(LOG_ERR, "cannot hold \"%s\": %s", message_str(m, TAG_NAME), strerror(-r));
	}
	done(ch, m->id, r);
}

static void received(struct channel *ch, struct message *m)
{
	struct peer *p = ch->owner;
	struct keep *k = p->keep;

	switch (m->type) {
	case MSG_KEEP_PUT:
		put(p, m);
		break;
	case MSG_KEEP_DROP:
		store_drop(&k->store, message_str(m, TAG_NAME));
		if (k->listen_fd >= 0) { /* room again after EMFILE */
			loop_io_set(k->loop, &k->listen_io, k->listen_fd, LOOP_READ);
		}
		done(ch, m->id, 0);
		break;
	case MSG_KEEP_LIST:
		list(p, m->id);
		break;
	case MSG_QUIT:
		loop_stop(k->loop);
		break;
	default:
		break;
	}
}

static void drained(struct channel *ch)
{
	list_more(ch->owner);
}

/* Nobody can ever ask us where slotd died before it had given us the socket. */
static void closed(struct channel *ch, int error)
{
	struct peer *p = ch->owner;

	(void)error;
	p->is_owner = false;
	if (p->keep->listen_fd < 0) {
		loop_stop(p->keep->loop);
	}
}

static const struct channel_ops ops = {
	.refused = helper_refused,
	.received = received,
	.drained = drained,
	.closed = closed,
};

static int run(void)
{
	static struct keep k = {.listen_fd = -EBADF, .spare_fd = -EBADF};
	struct channel *parent = &k.peers[0].channel;
	int r = loop_new(&k.loop);

	if (r < 0) {
		return r;
	}
	loop_io_init(&k.listen_io, on_connection);
	welcome(&k, &k.peers[0], HELPER_CHANNEL_FD);
	r = helper_ready(parent);
	if (r == -ENOTCONN) {
		r = 0; /* killed at once, it has left to us what it had sent */
	}
	if (r == 0) {
		log_set_sink(helper_report, parent);
		hold_spare(&k);
		loop_run(k.loop);
		log_set_sink(NULL, NULL);
	}
	store_done(&k.store); /* the channels after it: their end says that nothing is held */
	loop_io_stop(k.loop, &k.listen_io);
	cleanup_closep(&k.listen_fd);
	cleanup_closep(&k.spare_fd);
	for (int i = 0; i < PEERS_MAX; i++) {
		channel_done(&k.peers[i].channel);
	}
	k.loop = loop_free(k.loop);
	return r;
}

int main(int argc, char **argv)
{
	static const struct sandbox_policy policy = {.needs = 0};
	struct diag diag = {0};
	int r;

	(void)signal(SIGPIPE, SIG_IGN);
	r = sandbox_helper(&policy, argc, argv, &diag);
	if (r < 0) {
		(void)log_diag(LOG_ERR, r, &diag);
		return EXIT_FAILURE;
	}
	r = run();
	if (r < 0) {
		log_line(LOG_ERR, "slotd-keep: %s", strerror(-r));
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
