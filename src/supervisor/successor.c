#include "successor.h"

#include <slotd/cleanup.h>
#include <slotd/notify.h>
#include <slotd/os.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* For the slotd that is executed, which takes them out of its environment. Workers never see them.
 */
#define DAEMONIZED "SLOTD_DAEMONIZED" /* pid */
#define UPGRADED   "SLOTD_UPGRADED"   /* pid, count, lock_fd, former_fd; directories, a line each */
#define FAILED	   "SLOTD_UPGRADE_FAILED" /* why */

const char *successor_file(char *buf, size_t size)
{
	struct stat st = {0};

	(void)stat("/proc/self/exe", &st); /* zeroes are no file's */
	(void)snprintf(buf, size, "%llx:%llx:%lld.%09ld", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino, (long long)st.st_mtim.tv_sec,
		       st.st_mtim.tv_nsec);
	return buf;
}

void successor_note(struct successor *s, char **argv)
{
	static const char deleted[] = " (deleted)";
	ssize_t n = readlink("/proc/self/exe", s->exe, sizeof(s->exe) - 1);
	char *end;

	s->argv = argv;
	(void)successor_file(s->file, sizeof(s->file));
	s->exe[n > 0 ? n : 0] = '\0';
	end = n >= (ssize_t)sizeof(deleted) ? s->exe + n - (sizeof(deleted) - 1) : NULL;
	if (end && strcmp(end, deleted) == 0) {
		*end = '\0'; /* it was replaced before this was read */
	}
	if (!getcwd(s->directory, sizeof(s->directory))) {
		s->directory[0] = '\0';
	}
}

/* Is it about this process, and not one that has inherited it? */
static bool is_mine(const char *text)
{
	return text && atoi(text) == getpid();
}

bool successor_is_daemon(void)
{
	bool mine = is_mine(getenv(DAEMONIZED));

	(void)unsetenv(DAEMONIZED);
	return mine;
}

static void tell_daemonized(bool daemonized)
{
	char pid[16];

	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (daemonized) {
		(void)setenv(DAEMONIZED, pid, 1);
	}
}

static void pass_on(const struct successor *s)
{
	os_pass_inherited();
	if (notify_pass_listeners() < 0) {
		(void)fprintf(stderr, "Error: the listening sockets are opened anew\n");
	}
	os_restore_limits();
	notify_extend(START_PATIENCE); /* nothing feeds the watchdog meanwhile */
	if (s->directory[0] && chdir(s->directory) < 0) {
		(void)fprintf(stderr, "Error: cannot change back to %s: %s\n", s->directory,
			      strerror(errno));
	}
	tell_daemonized(s->daemonized);
}

int successor_restart(const struct successor *s)
{
	pass_on(s);
	(void)execv(s->exe, s->argv);
	(void)execv("/proc/self/exe", s->argv);
	(void)fprintf(stderr, "Error: cannot restart: %s\n", strerror(errno));
	return 1;
}

/* ---- an upgrade */

static int pass_descriptor(int fd)
{
	return fd < 0 ? -EBADF : fcntl(fd, F_SETFD, 0) < 0 ? -errno : fd;
}

static void tell_upgraded(const struct upgraded *u, int former_fd)
{
	char text[64 + SUCCESSOR_DIRECTORIES_MAX];

	(void)snprintf(text, sizeof(text), "%d %u %d %d\n%s", (int)getpid(), u->count,
		       pass_descriptor(u->lock_fd), pass_descriptor(former_fd), u->directories);
	(void)setenv(UPGRADED, text, 1);
}

int successor_upgrade(const struct successor *s, struct upgraded *own)
{
	auto_close int former = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	char why[PATH_MAX + 128];
	int error;

	if (former < 0) {
		return -errno;
	}
	pass_on(s);
	own->former_fd = former;
	tell_upgraded(own, former);
	(void)execv(s->exe, s->argv);
	error = errno;
	(void)snprintf(why, sizeof(why), "cannot execute %s: %s", s->exe, strerror(error));
	successor_fall_back(own, s->argv, s->daemonized, why);
	(void)unsetenv(DAEMONIZED);
	(void)unsetenv(UPGRADED);
	(void)unsetenv(FAILED);
	(void)fcntl(own->lock_fd, F_SETFD, FD_CLOEXEC);
	return -error;
}

void successor_upgraded(struct upgraded *ret)
{
	const char *text = getenv(UPGRADED), *why = getenv(FAILED);
	int pid, lock_fd, former_fd, end = 0;
	unsigned count;

	*ret = (struct upgraded){.lock_fd = -EBADF, .former_fd = -EBADF};
	if (is_mine(text) &&
	    sscanf(text, "%d %u %d %d %n", &pid, &count, &lock_fd, &former_fd, &end) == 4) {
		ret->count = count;
		ret->lock_fd = os_take_inherited(lock_fd);
		ret->former_fd = os_take_inherited(former_fd);
		(void)snprintf(ret->why, sizeof(ret->why), "%s", why ? why : "");
		(void)snprintf(ret->directories, sizeof(ret->directories), "%s", text + end);
	}
	(void)unsetenv(UPGRADED);
	(void)unsetenv(FAILED);
}

void successor_fall_back(struct upgraded *u, char **argv, bool daemonized, const char *why)
{
	char path[32];

	if (u->former_fd < 0) {
		return;
	}
	(void)fcntl(u->former_fd, F_SETFD, FD_CLOEXEC);
	os_pass_inherited();
	os_restore_limits();
	tell_daemonized(daemonized);
	tell_upgraded(u, -EBADF);
	(void)setenv(FAILED, why, 1);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", u->former_fd);
	(void)execv(path, argv);
	(void)fprintf(stderr, "Error: cannot execute the slotd before again: %s\n",
		      strerror(errno));
}
