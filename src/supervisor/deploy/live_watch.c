#include "deploy/live_watch.h"
#include "deploy/records.h"
#include "service/service.h"

#include <slotd/cleanup.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

/*
 * The directory is watched, not the file: editors replace it, and so does our own record. Whether
 * the content is as it should be is read by records.c's child. A directory that goes away is tried
 * until there is another: the record that is written into that one renews the watch.
 */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_about(const struct service *s, const char *buf, size_t len)
{
	const char *name = base_name(s->config->live_file);
	bool found = false;

	for (size_t at = 0; at < len;) {
		const struct inotify_event *e = (const void *)(buf + at);

		found = found || (e->len && strcmp(e->name, name) == 0) ||
			(e->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_MOVE_SELF));
		at += sizeof(*e) + e->len;
	}
	return found;
}

static void on_event(struct loop_io *io, unsigned events)
{
	struct service *s = container_of(io, struct service, watch_io);
	_Alignas(struct inotify_event) char buf[4096];
	ssize_t n = read(s->watch_fd, buf, sizeof(buf));

	(void)events;
	if (n > 0 && is_about(s, buf, (size_t)n)) {
		records_repair(s);
	}
}

/* The directory that has the path now: a watch number, the same for the same one; or -errno. */
static int watch_directory(const struct service *s)
{
	const char *path = s->config->live_file;
	size_t dir_len = (size_t)(base_name(path) - path);
	char dir[PATH_MAX];
	int wd;

	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(dir_len ? dir_len : 1),
		       dir_len ? path : ".");
	wd = inotify_add_watch(s->watch_fd, dir,
			       IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
				       IN_MOVE_SELF | IN_ONLYDIR);
	return wd < 0 ? -errno : wd;
}

static int watch(struct service *s)
{
	s->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (s->watch_fd < 0) {
		s->watch_fd = -EBADF;
		return -errno;
	}
	s->watch_wd = watch_directory(s);
	if (s->watch_wd < 0) {
		return s->watch_wd;
	}
	loop_io_init(&s->watch_io, on_event);
	loop_io_set(s->sup->loop, &s->watch_io, s->watch_fd, LOOP_READ);
	return 0;
}

void live_watch_start(struct service *s)
{
	int r = s->config->live_file ? watch(s) : 0;

	if (r < 0) {
		service_say(s, LOG_WARNING, "slotd will not notice when %s is edited by hand: %s",
			    s->config->live_file, strerror(-r));
		live_watch_stop(s);
	}
}

void live_watch_renew(struct service *s)
{
	int wd = s->watch_fd >= 0 ? watch_directory(s) : s->watch_wd;

	if (wd < 0 && wd != -ENOENT) {
		service_say(s, LOG_WARNING, "slotd may not notice when %s is edited by hand: %s",
			    s->config->live_file, strerror(-wd));
	}
	if (wd >= 0 && wd != s->watch_wd) {
		(void)inotify_rm_watch(s->watch_fd, s->watch_wd); /* gone with its directory? */
		s->watch_wd = wd;
	}
}

void live_watch_stop(struct service *s)
{
	if (s->watch_fd >= 0) {
		loop_io_stop(s->sup->loop, &s->watch_io);
		cleanup_closep(&s->watch_fd);
	}
}
