#include "worker/auto_logs.h"

#include <slotd/cleanup.h>
#include <slotd/log.h>

#include <dirent.h>
#include <fcntl.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/random.h>
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
			log_line(LOG_WARNING, "logs of former runs cannot be removed from %s: %s",
				 c->childlogdir, strerror(errno));
		}
		return;
	}
	(void)snprintf(pattern, sizeof(pattern), "^.+---%s-[^[:space:]]+\\.log\\.?[0-9]{0,4}$",
		       c->identifier);
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) == 0) {
		if (any(dir, &re, is_written)) {
			log_line(LOG_WARNING,
				 "another daemon with identifier=%s writes AUTO logs to %s, so "
				 "that old logs are not removed; give this daemon its own "
				 "identifier or childlogdir",
				 c->identifier, c->childlogdir);
		} else {
			(void)any(dir, &re, remove_unused);
		}
		regfree(&re);
	}
	(void)closedir(dir);
}

/* ---- names: <childlogdir>/<name>-<channel>---<identifier>-<8 characters>.log */

static const char *const channel_names[] = {"stdout", "stderr"};

static int name_auto(struct process *p, int channel)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
	const struct supervisord_config *c = &p->origin->supervisord;
	unsigned char random[8];
	char suffix[9] = "";

	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random)) {
		uint64_t now = usec_monotonic();

		memcpy(random, &now, sizeof(random)); /* early boot: a name, not a secret */
	}
	for (size_t i = 0; i < sizeof(random); i++) {
		suffix[i] = letters[random[i] % (sizeof(letters) - 1)];
	}
	return asprintf(&p->log_paths[channel], "%s/%s-%s---%s-%s.log", c->childlogdir,
			p->config->name, channel_names[channel], c->identifier, suffix) < 0
		       ? -ENOMEM
		       : 0;
}

int auto_logs_name(struct process *p)
{
	for (int i = 0; i < 2; i++) {
		const struct log_config *config = &p->config->logs[i];
		int r = 0;

		if (i == 1 && p->config->program->redirect_stderr) {
			continue;
		}
		if (config->kind == LOG_KIND_AUTO) {
			r = name_auto(p, i);
		} else if (config->kind == LOG_KIND_FILE) {
			p->log_paths[i] = strdup(config->path);
			r = p->log_paths[i] ? 0 : -ENOMEM;
		}
		if (r < 0) {
			return r;
		}
	}
	return 0;
}
