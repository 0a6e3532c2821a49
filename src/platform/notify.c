#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/notify.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * The protocols of sd_notify(3) and sd_listen_fds(3) are a few lines each. libsystemd comes with
 * seven libraries more, whose mappings every child of slotd would have to copy.
 */

enum {
	LISTEN_FDS_START = 3,
};

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

/* A positive number of the environment that is meant for this process; 0: none. */
static unsigned long long number_for_us(const char *name, const char *pid_name, bool any_pid)
{
	const char *text = getenv(name), *pid = getenv(pid_name);

	if (pid ? strtoll(pid, NULL, 10) != getpid() : !any_pid) {
		return 0;
	}
	return text && *text != '-' ? strtoull(text, NULL, 10) : 0;
}

usec_t notify_watchdog_interval(void)
{
	usec_t usec = number_for_us("WATCHDOG_USEC", "WATCHDOG_PID", true);

	return usec ? usec / 2 : USEC_NEVER;
}

/* The end of those that systemd passed. */
static int listeners_end(void)
{
	unsigned long long n = number_for_us("LISTEN_FDS", "LISTEN_PID", false);

	return LISTEN_FDS_START + (int)(n < INT_MAX / 2 ? n : 0);
}

static bool is_listener(int fd)
{
	int type, accepts;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) == 0 && accepts;
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
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
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
