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

struct keep {
	struct loop *loop;
	struct store store;
	int listen_fd;
	int spare_fd; /* given up for the next slotd where no other descriptor is left */
	struct loop_io listen_io;
	struct channel parent;	  /* the slotd that started us */
	struct channel successor; /* one that came by keep.sock */
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

static void list(struct keep *k, struct channel *ch, uint32_t id)
{
	const struct store_item *item;
	struct message m;
	const char *name;
	size_t pos = 0, sent = 0;

	while ((item = store_next(&k->store, &pos, &name))) {
		message_init(&m, MSG_KEEP_ITEM, id);
		message_put_text(&m, TAG_NAME, name);
		message_put_text(&m, TAG_DESCRIPTORS, item->tags);
		for (unsigned i = 0; i < item->n; i++) {
			message_put_fd(&m, item->fds[i]);
		}
		sent += channel_send(ch, &m) == 0;
	}
	message_init(&m, MSG_KEEP_END, id);
	message_put_u64(&m, TAG_COUNT, sent);
	(void)channel_send(ch, &m);
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

static void on_connection(struct loop_io *io, unsigned events)
{
	struct keep *k = container_of(io, struct keep, listen_io);
	int fd = take_connection(k);

	(void)events;
	if (fd < 0) {
		/* EMFILE: the connection stays queued, and the loop would spin on it. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
			log_line(LOG_ERR, "slotd-keep: cannot take a connection: %s",
				 strerror(errno));
			loop_io_stop(k->loop, &k->listen_io);
		}
		return;
	}
	if (is_slotd(fd)) {
		channel_done(&k->successor); /* the newest slotd holds the lock of state_dir */
		channel_init(&k->successor, k->loop, fd, &ops, k);
	} else {
		(void)close(fd);
	}
	hold_spare(k);
}

static void put(struct keep *k, struct channel *ch, struct message *m)
{
	int r;

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
		log_line(LOG_ERR, "slotd-keep: cannot hold \"%s\": %s", message_str(m, TAG_NAME),
			 strerror(-r));
	}
	done(ch, m->id, r);
}

static void received(struct channel *ch, struct message *m)
{
	struct keep *k = ch->owner;

	switch (m->type) {
	case MSG_KEEP_PUT:
		put(k, ch, m);
		break;
	case MSG_KEEP_DROP:
		store_drop(&k->store, message_str(m, TAG_NAME));
		if (k->listen_fd >= 0) { /* room again after EMFILE */
			loop_io_set(k->loop, &k->listen_io, k->listen_fd, LOOP_READ);
		}
		done(ch, m->id, 0);
		break;
	case MSG_KEEP_LIST:
		list(k, ch, m->id);
		break;
	case MSG_QUIT:
		loop_stop(k->loop);
		break;
	default:
		break;
	}
}

static const struct channel_ops ops = {.refused = helper_refused, .received = received};

static int run(void)
{
	struct keep k = {.listen_fd = -EBADF, .spare_fd = -EBADF};
	int r = loop_new(&k.loop);

	if (r < 0) {
		return r;
	}
	loop_io_init(&k.listen_io, on_connection);
	channel_init(&k.parent, k.loop, HELPER_CHANNEL_FD, &ops, &k);
	r = helper_ready(&k.parent);
	if (r == -ENOTCONN) {
		r = 0; /* killed at once, it has left to us what it had sent */
	}
	if (r == 0) {
		log_set_sink(helper_report, &k.parent);
		hold_spare(&k);
		loop_run(k.loop);
		log_set_sink(NULL, NULL);
	}
	store_done(&k.store); /* the channels after it: their end says that nothing is held */
	loop_io_stop(k.loop, &k.listen_io);
	cleanup_closep(&k.listen_fd);
	cleanup_closep(&k.spare_fd);
	channel_done(&k.parent);
	channel_done(&k.successor);
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
