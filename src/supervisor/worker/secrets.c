#include "worker/secrets.h"
#include "worker/process_facts.h"

#include <slotd/cleanup.h>
#include <slotd/credentials.h>
#include <slotd/trust.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int above_of(const struct supervisor *sup, char above[static PATH_MAX])
{
	int n = snprintf(above, PATH_MAX, "%s/credentials", sup->config->supervisord.run_dir);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* With the group even where both names are the same: so no name is "..". */
static int directory_of(const struct process *p, char dir[static PATH_MAX])
{
	char above[PATH_MAX];
	int r = above_of(p->sup, above);
	int n = r == 0 ? snprintf(dir, PATH_MAX, "%s/%s:%s", above, p->group->name, p->config->name)
		       : 0;

	if (strchr(p->group->name, '/') || strchr(p->config->name, '/')) {
		return -EINVAL;
	}
	return r < 0 || n < PATH_MAX ? r : -ENAMETOOLONG;
}

/* ---- a start */

static int make_above(const struct supervisor *sup)
{
	char above[PATH_MAX];
	int r = above_of(sup, above);

	if (r == 0 && mkdir(above, 0711) < 0 && errno != EEXIST) {
		r = -errno;
	}
	/* Workers' users find their own; umask may have closed it. */
	return r == 0 && chmod(above, 0711) < 0 ? -errno : r;
}

int secrets_prepare(const struct process *p, char dir[static PATH_MAX], struct diag *diag)
{
	const char *run_dir = p->sup->config->supervisord.run_dir;
	int r;

	dir[0] = '\0';
	if (!p->config->credentials) {
		return 0;
	}
	if (!trust_is_in_memory(run_dir)) {
		return diag_set(diag, -EINVAL,
				"credential= is for memory only, and run_dir=%s is on a disk; set "
				"run_dir= in [slotd] to a directory on a tmpfs",
				run_dir);
	}
	r = directory_of(p, dir);
	if (r == 0) {
		r = make_above(p->sup);
	}
	return r < 0 ? diag_set(diag, r, "couldn't provide credentials in %s/credentials: %s",
				run_dir, strerrorname_np(-r))
		     : 0;
}

/* ---- an end */

static void remove_directory(const char *name, const char *dir)
{
	int r = credentials_remove(dir);

	if (r < 0) {
		log_line(LOG_WARNING, "%s: its secrets in %s cannot be removed: %s", name, dir,
			 strerror(-r));
	}
}

void secrets_process_entered(struct process *p, const struct plan_action *a)
{
	char dir[PATH_MAX];

	(void)a;
	if (worker_state_info(p->worker.state)->alive || !(p->config->credentials || p->removed) ||
	    directory_of(p, dir) < 0) {
		return;
	}
	remove_directory(p->namespec, dir);
}

/* ---- what is left */

static bool is_in_use(const struct supervisor *sup, const char *name)
{
	vec_for_each (at, &sup->processes) {
		const struct process *p = *at;
		size_t len = p ? strlen(p->group->name) : 0;

		if (p && process_exists(p) && strncmp(name, p->group->name, len) == 0 &&
		    name[len] == ':' && strcmp(name + len + 1, p->config->name) == 0) {
			return true;
		}
	}
	return false;
}

int secrets_sweep(struct supervisor *sup, struct diag *diag)
{
	char above[PATH_MAX], dir[PATH_MAX + NAME_MAX + 2];
	const struct dirent *e;
	DIR *all;

	(void)diag;
	if (above_of(sup, above) < 0) {
		return 0; /* no worker was given any there */
	}
	all = opendir(above);
	if (!all && errno != ENOENT) {
		log_line(LOG_WARNING, "secrets that a former slotd has left in %s stay there: %s",
			 above, strerror(errno));
	}
	while (all && (e = readdir(all))) {
		if (strchr(e->d_name, ':') && !is_in_use(sup, e->d_name)) {
			(void)snprintf(dir, sizeof(dir), "%s/%s", above, e->d_name);
			remove_directory(e->d_name, dir);
		}
	}
	if (all) {
		(void)closedir(all);
		(void)rmdir(above); /* no longer needed, unless workers run on */
	}
	return 0;
}
