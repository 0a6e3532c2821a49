#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/notify.h>

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

static void send_text(const char *path, const char *text)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	auto_close int fd = -EBADF;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(un.sun_path)) {
		return;
	}
	memcpy(un.sun_path, path, len);
	if (path[0] == '@') {
		un.sun_path[0] = '\0';
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		(void)sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
			     (struct sockaddr *)&un,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
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
		send_text(path, text);
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

/* ---- what systemd passed */

#if HAVE_SYSTEMD

usec_t notify_watchdog_interval(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec / 2 : USEC_NEVER;
}

/* Their number; they begin at LISTEN_FDS_START. */
static int count_listeners(void)
{
	int n = sd_listen_fds(0);

	return n > 0 ? n : 0;
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

static int count_listeners(void)
{
	return 0;
}

static bool is_listener(int fd)
{
	(void)fd;
	return false;
}

#endif

static int listeners_end(void)
{
	return LISTEN_FDS_START + count_listeners();
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
	int end = listeners_end();

	for (int fd = LISTEN_FDS_START; fd < end; fd++) {
		if (is_bound_to(fd, address)) {
			auto_close int copy = fcntl(fd, F_DUPFD_CLOEXEC, end);

			if (copy < 0 || fcntl(copy, F_SETFL, O_NONBLOCK) < 0) {
				return -errno;
			}
			return TAKE_FD(copy);
		}
	}
	return -ENOENT;
}

void notify_pass_listeners(void)
{
	int end = listeners_end();

	for (int fd = LISTEN_FDS_START; fd < end; fd++) {
		(void)fcntl(fd, F_SETFD, 0);
	}
}
