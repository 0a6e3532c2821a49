#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/notify.h>
#include <slotd/strbuf.h>
#include <slotd/vec.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#if HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

enum {
	LISTEN_FDS_START = 3, /* SD_LISTEN_FDS_START */
};

/* ---- what systemd is told: not by sd_notify(3), which waits while pid 1 reads nothing */

/* passed: a descriptor that goes along, -EBADF: none */
static void send_text(const char *path, const char *text, int passed)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	struct iovec iov = {(void *)text, strlen(text)};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr m = {.msg_name = &un, .msg_iov = &iov, .msg_iovlen = 1};
	auto_close int fd = -EBADF;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(un.sun_path)) {
		return;
	}
	memcpy(un.sun_path, path, len);
	if (path[0] == '@') {
		un.sun_path[0] = '\0';
	}
	m.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (passed >= 0) {
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &passed, sizeof(int));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.space);
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		(void)sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	}
}

void notify_send(const char *fmt, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (path) {
		send_text(path, text, -EBADF);
	}
}

void notify_reloading(const char *status)
{
	notify_send("RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=%s",
		    (unsigned long long)usec_monotonic(), status);
}

void notify_extend(usec_t span)
{
	notify_send("EXTEND_TIMEOUT_USEC=%llu", (unsigned long long)span);
}

bool notify_wanted(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

/* ---- the listening sockets that systemd passed or holds */

#define STORED_PREFIX "listen " /* of the name of one that was stored; FDNAME= has no ':' */

enum {
	STORED_NAME_MAX = 255, /* FDNAME=, sd_pid_notify_with_fds(3) */
};

struct passed {
	int fd;
	char *name;
};

/* What the next program in this process gets; filled at the first use from what this one got. */
static struct {
	bool known;
	VEC(struct passed) all;
} listeners;

#if HAVE_SYSTEMD

usec_t notify_watchdog_interval(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec / 2 : USEC_NEVER;
}

static void learn_listeners(void)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names);

	for (int i = 0; i < n; i++) {
		struct passed p = {LISTEN_FDS_START + i, names[i]};

		if (vec_push(&listeners.all, p) < 0) {
			free(names[i]); /* without memory the address is bound as if it was not
					   there */
		}
	}
	free(names);
}

static bool is_listener(int fd)
{
	return sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0;
}

#else

usec_t notify_watchdog_interval(void)
{
	return USEC_NEVER;
}

static void learn_listeners(void)
{
}

static bool is_listener(int fd)
{
	(void)fd;
	return false;
}

#endif

static void know_listeners(void)
{
	if (!listeners.known) {
		listeners.known = true;
		learn_listeners();
	}
}

static bool was_stored(const struct passed *p)
{
	return strncmp(p->name, STORED_PREFIX, strlen(STORED_PREFIX)) == 0;
}

static void forget(size_t i)
{
	struct passed *p = &listeners.all.at[i];

	(void)close(p->fd);
	free(p->name);
	vec_remove(&listeners.all, i);
}

static bool is_bound_to(int fd, const char *address)
{
	struct address a = {.len = sizeof(a.sa)};
	char text[ADDRESS_TEXT_MAX];

	if (!is_listener(fd) || getsockname(fd, (struct sockaddr *)&a.sa, &a.len) < 0) {
		return false;
	}
	return strcmp(address_format(&a, text, sizeof(text)), address) == 0;
}

int notify_take_listener(const char *address)
{
	know_listeners();
	for (size_t i = 0; i < listeners.all.len; i++) {
		const struct passed *p = &listeners.all.at[i];

		if (is_bound_to(p->fd, address)) {
			auto_close int copy = fcntl(p->fd, F_DUPFD_CLOEXEC, LISTEN_FDS_START);

			if (copy < 0 || fcntl(copy, F_SETFL, O_NONBLOCK) < 0) {
				return -errno;
			}
			if (was_stored(p)) {
				forget(i); /* else it could never be closed */
			}
			return TAKE_FD(copy);
		}
	}
	return -ENOENT;
}

/* False: such a one is not stored. One of a path is bound anew: the path goes with its slotd. */
static bool stored_name(const char *address, char name[STORED_NAME_MAX + 1])
{
	int n = snprintf(name, STORED_NAME_MAX + 1, STORED_PREFIX "%s", address);

	for (char *c = name; *c; c++) {
		*c = *c == ':' ? '_' : *c;
	}
	return HAVE_SYSTEMD && n <= STORED_NAME_MAX && !address_text_path(address);
}

void notify_store_listener(const char *address, int fd)
{
	char name[STORED_NAME_MAX + 1], text[STORED_NAME_MAX + 64];
	const char *path = getenv("NOTIFY_SOCKET");

	if (path && stored_name(address, name)) {
		(void)snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
		send_text(path, text, fd);
	}
}

static void drop_stored(const char *name)
{
	notify_send("FDSTOREREMOVE=1\nFDNAME=%s", name);
}

void notify_drop_listener(const char *address)
{
	char name[STORED_NAME_MAX + 1];

	if (stored_name(address, name)) {
		drop_stored(name);
	}
}

void notify_drop_unused(void)
{
	know_listeners();
	for (size_t i = listeners.all.len; i > 0; i--) {
		const struct passed *p = &listeners.all.at[i - 1];

		if (was_stored(p)) {
			drop_stored(p->name);
			forget(i - 1);
		}
	}
}

void notify_hand_on(const char *address, int fd)
{
	char name[STORED_NAME_MAX + 1];
	struct passed p = {.fd = fd};

	know_listeners();
	if (notify_wanted() && stored_name(address, name)) {
		p.name = strdup(name);
	}
	if (!p.name || vec_push(&listeners.all, p) < 0) {
		free(p.name);
		(void)close(fd);
	}
}

/* ---- the next program in this process gets them as from systemd: sd_listen_fds(3) */

/* To where none of them is to be. */
static int move_up(int end)
{
	vec_for_each (p, &listeners.all) {
		int fd = fcntl(p->fd, F_DUPFD_CLOEXEC, end);

		if (fd < 0) {
			return -errno;
		}
		(void)close(p->fd);
		p->fd = fd;
	}
	return 0;
}

static int tell_listeners(void)
{
	CLEANUP(strbuf_done) struct strbuf names = {0};
	char pid[16], n[16];

	vec_for_each (p, &listeners.all) {
		(void)strbuf_addf(&names, "%s%s", p == listeners.all.at ? "" : ":", p->name);
	}
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)snprintf(n, sizeof(n), "%zu", listeners.all.len);
	if (names.error || setenv("LISTEN_PID", pid, 1) < 0 || setenv("LISTEN_FDS", n, 1) < 0 ||
	    setenv("LISTEN_FDNAMES", strbuf_str(&names), 1) < 0) {
		return -ENOMEM;
	}
	return 0;
}

static int put_in_order(void)
{
	int fd = LISTEN_FDS_START;

	vec_for_each (p, &listeners.all) {
		if (dup2(p->fd, fd++) < 0) {
			return -errno;
		}
	}
	return 0;
}

int notify_pass_listeners(void)
{
	int r;

	know_listeners();
	if (!listeners.all.len) {
		return 0;
	}
	r = move_up(LISTEN_FDS_START + (int)listeners.all.len);
	if (r == 0) {
		r = put_in_order();
	}
	if (r == 0) {
		r = tell_listeners();
	}
	if (r < 0) {
		(void)unsetenv("LISTEN_FDS");
	}
	return r;
}
