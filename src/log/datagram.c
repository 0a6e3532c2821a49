#include "datagram.h"

#include <slotd/cleanup.h>

#include <endian.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>

void datagram_init(struct datagram *d, const char *path)
{
	*d = (struct datagram){.path = path, .fd = -EBADF};
}

void datagram_done(struct datagram *d)
{
	cleanup_closep(&d->fd);
}

static int connect_to(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return -errno;
	}
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		return -errno;
	}
	return TAKE_FD(fd);
}

static bool ready(struct datagram *d)
{
	if (d->fd < 0 && usec_monotonic() >= d->retry_at) {
		d->fd = connect_to(d->path);
		d->retry_at = usec_add(usec_monotonic(), SECONDS(1));
	}
	return d->fd >= 0;
}

static void send_parts(struct datagram *d, struct iovec *parts, size_t n)
{
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = n};

	if (!ready(d)) {
		d->dropped++;
		return;
	}
	if (sendmsg(d->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
		return;
	}
	d->dropped++;
	if (errno != EAGAIN && errno != ENOBUFS && errno != EMSGSIZE && errno != EINTR) {
		cleanup_closep(&d->fd); /* the receiver was restarted: connect again */
	}
}

uint64_t datagram_news(struct datagram *d, usec_t now)
{
	uint64_t news = d->dropped - d->told;

	if (news == 0 || now < d->news_at) {
		return 0;
	}
	d->told = d->dropped;
	d->news_at = usec_add(now, SECONDS(60));
	return news;
}

static struct iovec part(const void *data, size_t n)
{
	return (struct iovec){.iov_base = (void *)data, .iov_len = n};
}

void datagram_syslog(struct datagram *d, int priority, const char *identifier, const char *text,
		     size_t n)
{
	char head[128], when[32];
	time_t now = time(NULL);
	struct tm tm;
	int len;

	/* RFC 3164's month names are English whatever the locale: slotd-log sets none. */
	(void)strftime(when, sizeof(when), "%b %e %T", localtime_r(&now, &tm));
	len = snprintf(head, sizeof(head), "<%d>%s %.60s: ", LOG_USER | priority, when, identifier);
	send_parts(d, (struct iovec[]){part(head, (size_t)len), part(text, n)}, 2);
}

void datagram_journal(struct datagram *d, int priority, const char *identifier, const char *text,
		      const char *fields)
{
	size_t n = strlen(text), n_fields = strlen(fields);
	uint64_t size = htole64(n);
	char head[160];
	int len = snprintf(head, sizeof(head), "PRIORITY=%d\nSYSLOG_IDENTIFIER=%.60s\nMESSAGE\n",
			   priority, identifier);
	const char *gap = n_fields && fields[n_fields - 1] != '\n' ? "\n" : "";

	/* The form with a length, which may hold newlines. */
	send_parts(d,
		   (struct iovec[]){part(head, (size_t)len), part(&size, sizeof(size)),
				    part(text, n), part("\n", 1), part(fields, n_fields),
				    part(gap, strlen(gap))},
		   6);
}
