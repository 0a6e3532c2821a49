#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/notify.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

void notify_send(const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)sd_notify(0, text);
}

usec_t notify_watchdog_interval(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? usec / 2 : USEC_NEVER;
}

static bool is_bound_to(int fd, const char *address)
{
	struct address a = {.len = sizeof(a.sa)};
	char text[ADDRESS_TEXT_MAX];

	if (sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0 ||
	    getsockname(fd, (struct sockaddr *)&a.sa, &a.len) < 0) {
		return false;
	}
	return strcmp(address_format(&a, text, sizeof(text)), address) == 0;
}

int notify_take_listener(const char *address)
{
	int n = sd_listen_fds(0);

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
		if (is_bound_to(fd, address)) {
			auto_close int copy = fcntl(fd, F_DUPFD_CLOEXEC, SD_LISTEN_FDS_START + n);

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
	int n = sd_listen_fds(0);

	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + n; fd++) {
		(void)fcntl(fd, F_SETFD, 0);
	}
}
