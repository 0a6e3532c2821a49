#include "link/former.h"
#include "link/inheritance.h"

#include <slotd/channel.h>
#include <slotd/cleanup.h>
#include <slotd/keep.h>
#include <slotd/spawn.h>

#include <poll.h>
#include <string.h>

enum {
	QUIT_PATIENCE_MS = 5000,
};

static void former_done(struct former *f)
{
	cleanup_closep(&f->pidfd);
	cleanup_closep(&f->channel_fd);
}

static bool ends_within(int pidfd, int ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int r;

	do {
		r = poll(&p, 1, ms);
	} while (r < 0 && errno == EINTR);
	return r != 0;
}

bool former_take(struct supervisor *sup, const char *label, struct former *ret)
{
	struct inherited *item = inherited_item(sup, label);
	struct former f = {
		.pidfd = inherited_take(item, KEEP_TAG_PIDFD),
		.channel_fd = inherited_take(item, KEEP_TAG_CHANNEL),
	};

	f.pid = f.pidfd < 0 ? 0 : process_handle_pid(f.pidfd);
	if (!f.pid || ends_within(f.pidfd, 0)) {
		former_done(&f);
		return false;
	}
	*ret = f;
	return true;
}

/* False: it does not read. */
static bool ask_to_end(int channel_fd)
{
	struct pollfd p = {.fd = channel_fd, .events = POLLOUT};
	struct message m;

	message_init(&m, MSG_QUIT, 0);
	return channel_fd >= 0 && poll(&p, 1, 0) == 1 && channel_send_wait(channel_fd, &m) == 0;
}

void former_end(struct supervisor *sup, const char *label)
{
	CLEANUP(former_done) struct former f = {.pidfd = -EBADF, .channel_fd = -EBADF};

	if (!former_take(sup, label, &f)) {
		return;
	}
	if (!ask_to_end(f.channel_fd) || !ends_within(f.pidfd, QUIT_PATIENCE_MS)) {
		(void)process_handle_signal(f.pidfd, SIGKILL); /* or it has just ended */
		(void)ends_within(f.pidfd, QUIT_PATIENCE_MS);
	}
}

void former_end_rest(struct supervisor *sup)
{
	const char *name;
	size_t pos = 0;

	while (inherited_next(sup, &pos, &name)) {
		if (strncmp(name, KEEP_HELPER_PREFIX, strlen(KEEP_HELPER_PREFIX)) == 0) {
			former_end(sup, name);
		}
	}
}

unsigned former_relays(const struct supervisor *sup)
{
	static const char relay[] = KEEP_HELPER_PREFIX "slotd-relay ";
	const char *name;
	unsigned n = 0;
	size_t pos = 0;

	while (inherited_next(sup, &pos, &name)) {
		if (strncmp(name, relay, strlen(relay)) == 0) {
			unsigned count = (unsigned)strtoul(name + strlen(relay), NULL, 10) + 1;

			n = count > n ? count : n;
		}
	}
	return n;
}
