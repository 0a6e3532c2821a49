#include "worker/auto_logs.h"

#include <slotd/cleanup.h>
#include <slotd/log.h>

#include <dirent.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

/* What is known of one that matches. */
enum found {
	FOUND_OTHER, /* no regular file, or we may not look: left alone */
	FOUND_UNUSED,
	FOUND_WRITTEN, /* somebody has it open for writing */
};

/*
 * A read lease is given where nobody has the file open for writing (fcntl(2)): that also sees
 * processes of other containers, whose /proc we have not. It is given to the file's owner.
 */
static enum found look(int dir, const char *name)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;
	uid_t us = geteuid();
	int r;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		return FOUND_OTHER;
	}
	(void)fcntl(fd, F_SETSIG, SIGURG); /* of a lease that is broken; SIGIO would end us */
	(void)setfsuid(st.st_uid);	   /* where we may not, the lease is refused */
	r = fcntl(fd, F_SETLEASE, F_RDLCK) < 0 ? -errno : 0;
	(void)setfsuid(us);
	if (r < 0) {
		return r == -EAGAIN ? FOUND_WRITTEN : FOUND_OTHER;
	}
	(void)fcntl(fd, F_SETLEASE, F_UNLCK); /* else it ends with the descriptor */
	return FOUND_UNUSED;
}

/* Calls of it: each matching file, until fn has seen enough. */
typedef bool each_fn(int dir, const char *name);

static bool is_written(int dir, const char *name)
{
	return look(dir, name) == FOUND_WRITTEN;
}

/* It may have been opened since the first look. */
static bool remove_unused(int dir, const char *name)
{
	if (look(dir, name) == FOUND_UNUSED) {
		(void)unlinkat(dir, name, 0);
	}
	return false;
}

/* True: fn said so of one. */
static bool any(DIR *dir, const regex_t *re, each_fn *fn)
{
	struct dirent *e;

	rewinddir(dir);
	while ((e = readdir(dir))) {
		if (regexec(re, e->d_name, 0, NULL, 0) == 0 && fn(dirfd(dir), e->d_name)) {
			return true;
		}
	}
	return false;
}

void auto_logs_clean(const struct config *config)
{
	const struct supervisord_config *c = &config->supervisord;
	DIR *dir = c->nocleanup ? NULL : opendir(c->childlogdir);
	char pattern[512];
	regex_t re;

	if (!dir) {
		if (!c->nocleanup && errno != ENOENT) {
			log_line(LOG_WARNING, "logs of former runs stay in %s: %s", c->childlogdir,
				 strerror(errno));
		}
		return;
	}
	(void)snprintf(pattern, sizeof(pattern), "^.+---%s-[^[:space:]]+\\.log\\.?[0-9]{0,4}$",
		       c->identifier);
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) == 0) {
		if (any(dir, &re, is_written)) {
			log_line(LOG_WARNING,
				 "another daemon with identifier=%s writes AUTO logs to %s: old "
				 "ones "
				 "are not removed; give this one an identifier or a childlogdir of "
				 "its own",
				 c->identifier, c->childlogdir);
		} else {
			(void)any(dir, &re, remove_unused);
		}
		regfree(&re);
	}
	(void)closedir(dir);
}
