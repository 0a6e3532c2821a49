#include "link/directories.h"

#include <slotd/cleanup.h>
#include <slotd/os.h>
#include <slotd/trust.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * state_dir, run_dir and log_dir. Supervisor needs none of them: with a file of Supervisor's they
 * are a preference. Where the usual ones cannot be had (no home, a read-only root) all go into one
 * private directory: beside the pid file, in $TMPDIR, in memory. A service insists on the usual
 * ones: who is live must survive a reboot.
 */

enum {
	STATE,
	RUN,
	LOG,
	N_DIRECTORIES,
};

struct directories {
	char paths[N_DIRECTORIES][PATH_MAX];
	char note[2 * PATH_MAX];
};

static int give_to_user(const struct supervisord_config *c, const char *path)
{
	if (geteuid() == 0 && c->user.uid != (uid_t)-1) {
		return chown(path, c->user.uid, c->user.gid) < 0 ? -errno : 0;
	}
	return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* What lies there is believed: who is live, who asks a killed slotd's slotd-keep, what was
 * deployed. */
static int check_trust(const struct supervisord_config *c, const char *path, struct diag *why)
{
	uid_t us = c->user.uid == (uid_t)-1 ? geteuid() : c->user.uid;
	struct stat st;

	if (geteuid() != 0) {
		return 0;
	}
	if (stat(path, &st) < 0) {
		return -errno;
	}
	return trust_inode(path, &st, us, why) == TRUST_OURS &&
			       trust_file(path, &st, us, why) < TRUST_ANYONE
		       ? 0
		       : -EPERM;
}

static int make(const struct supervisord_config *c, const char *path)
{
	int r = os_make_directories(path, 0755);
	struct stat st;

	/* Without a home it is in $TMPDIR, where somebody may have been first. */
	if (r == 0 && geteuid() != 0 && !c->directories_given &&
	    (lstat(path, &st) < 0 || st.st_uid != geteuid())) {
		return -EPERM;
	}
	return r < 0 ? r : give_to_user(c, path);
}

/* In a directory that others may write to, somebody may have been there first. */
static int make_private(const struct supervisord_config *c, const char *path)
{
	struct stat st;

	if (mkdir(path, 0700) < 0 && errno != EEXIST) {
		return -errno;
	}
	if (lstat(path, &st) < 0) {
		return -errno;
	}
	if (!S_ISDIR(st.st_mode) || (st.st_mode & 022) ||
	    (st.st_uid != geteuid() && st.st_uid != c->user.uid)) {
		return -EPERM;
	}
	return give_to_user(c, path);
}

/* Two daemons of one user have different files, and mostly different pid files. */
static unsigned hash_of(const char *text)
{
	unsigned h = 2166136261U;

	for (; *text; text++) {
		h = (h ^ (unsigned char)*text) * 16777619U;
	}
	return h;
}

static int find_substitute(const struct config *config, char *buf, size_t size)
{
	const struct supervisord_config *c = &config->supervisord;
	const char *tmp = getenv("TMPDIR");
	const char *bases[] = {tmp && tmp[0] == '/' ? tmp : "/tmp", "/tmp", "/dev/shm"};
	int n, r = -ENOENT;

	if (c->pidfile) {
		n = snprintf(buf, size, "%s.d", c->pidfile);
		r = (size_t)n < size ? make_private(c, buf) : -ENAMETOOLONG;
	}
	for (size_t i = 0; r < 0 && i < ARRAY_SIZE(bases); i++) {
		n = snprintf(buf, size, "%s/slotd-%u-%08x", bases[i], (unsigned)geteuid(),
			     hash_of(config->file));
		r = (size_t)n < size ? make_private(c, buf) : -ENAMETOOLONG;
	}
	return r;
}

static int substitute(struct supervisor *sup, const char *failed, int error, const struct diag *why,
		      struct diag *diag)
{
	struct supervisord_config *c = &sup->config->supervisord;
	char base[PATH_MAX / 2];

	if (c->for_slotd || c->directories_given || sup->config->services.len ||
	    find_substitute(sup->config, base, sizeof(base)) < 0) {
		if (why->text[0]) {
			return diag_set(diag, error,
					"%s, so that somebody else could tell root what was live "
					"and what ran: chown root and chmod go-w, or another "
					"directory in [slotd]",
					why->text);
		}
		return diag_set_errno(diag, error,
				      "cannot make %s; set state_dir=, run_dir= and log_dir= in "
				      "[slotd] to directories of this user",
				      failed);
	}
	(void)snprintf(sup->directories->note, sizeof(sup->directories->note),
		       "%s cannot be used (%s): what slotd keeps for itself goes into %s. Clients "
		       "find it by -s unix://%s/slotd.sock; state_dir=, run_dir= and log_dir= in "
		       "[slotd] choose other places",
		       failed, strerror(-error), base, base);
	for (int i = 0; i < N_DIRECTORIES; i++) {
		(void)snprintf(sup->directories->paths[i], sizeof(sup->directories->paths[i]), "%s",
			       base);
	}
	return 0;
}

static void note_paths(struct supervisor *sup)
{
	const struct supervisord_config *c = &sup->config->supervisord;
	const char *const dirs[N_DIRECTORIES] = {
		[STATE] = c->state_dir, [RUN] = c->run_dir, [LOG] = c->log_dir};

	for (int i = 0; i < N_DIRECTORIES; i++) {
		(void)snprintf(sup->directories->paths[i], PATH_MAX, "%s", dirs[i]);
	}
}

/* They were good for this process until now. */
static void go_on(struct supervisor *sup)
{
	for (int i = 0; i < N_DIRECTORIES; i++) {
		int r = os_make_directories(sup->directories->paths[i], 0755);

		if (r < 0) {
			log_line(LOG_WARNING, "cannot make %s: %s", sup->directories->paths[i],
				 strerror(-r));
		}
	}
	directories_keep(sup, sup->config);
}

int directories_make(struct supervisor *sup, struct diag *diag)
{
	const struct supervisord_config *c = &sup->config->supervisord;
	struct diag why = {0};
	int r = 0;

	sup->directories = calloc(1, sizeof(*sup->directories));
	if (!sup->directories) {
		return diag_set_errno(diag, -ENOMEM, "cannot start");
	}
	note_paths(sup);
	if (sup->options.directories_stay) {
		go_on(sup);
		return 0;
	}
	for (int i = 0; r == 0 && i < N_DIRECTORIES; i++) {
		const char *dir = sup->directories->paths[i];

		r = make(c, dir);
		if (r == 0 && i != LOG) { /* names in log_dir are checked one by one */
			r = check_trust(c, dir, &why);
		}
		if (r < 0) {
			r = substitute(sup, dir, r, &why, diag);
			break;
		}
	}
	directories_keep(sup, sup->config);
	return r;
}

void directories_keep(struct supervisor *sup, struct config *config)
{
	config->supervisord.state_dir = sup->directories->paths[STATE];
	config->supervisord.run_dir = sup->directories->paths[RUN];
	config->supervisord.log_dir = sup->directories->paths[LOG];
}

void directories_list(const struct supervisor *sup, char *buf, size_t size)
{
	size_t used = 0;

	for (int i = 0; i < N_DIRECTORIES && used < size; i++) {
		used += (size_t)snprintf(buf + used, size - used, "%s\n",
					 sup->directories->paths[i]);
	}
}

void directories_report(const struct supervisor *sup)
{
	if (sup->directories->note[0]) {
		log_line(LOG_WARNING, "%s", sup->directories->note);
	}
}

void directories_done(struct supervisor *sup)
{
	free(sup->directories);
	sup->directories = NULL;
}
