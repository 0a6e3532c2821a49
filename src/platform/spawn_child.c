/*
 * What a child does between clone and execve, whoever made it: slotd-spawn for workers and
 * commands, slotd for its helpers. It has one thread, so it may use libc.
 */
#include <slotd/cleanup.h>
#include <slotd/credentials.h>
#include <slotd/listen.h>
#include <slotd/spawn.h>

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	NGROUPS_LOOKED_UP = 4096, /* a user of more has those of the last reload */
};

_Static_assert(sizeof(struct spawn_report) <= PIPE_BUF, "a report is written in one piece");

static void say(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n; /* nobody is left to tell */
}

static void explain(const struct spawn_report *r, const char *argv0)
{
	char text[1200];

	if (r->stage == SPAWN_STAGE_LOOKUP) {
		return; /* Supervisor finds these before there is a process */
	}
	say("supervisor: ");
	say(spawn_report_text(r, argv0, text, sizeof(text)));
	say("\nsupervisor: child process was not spawned\n");
}

static _Noreturn void fail(const struct spawn_spec *spec, int report_fd, enum spawn_stage stage,
			   int error, const char *path)
{
	struct spawn_report r = {.stage = stage, .error = error};
	ssize_t n;

	(void)snprintf(r.path, sizeof(r.path), "%s", path ? path : "");
	if (spec->explain) {
		explain(&r, spec->argv ? spec->argv[0] : "");
	}
	n = write(report_fd, &r, sizeof(r));
	(void)n;
	_exit(127);
}

/* As Supervisor: the first entry that exists decides, executable or not. */
static int judge(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		return -ENOENT;
	}
	if (S_ISDIR(st.st_mode)) {
		return -EISDIR;
	}
	if (!(st.st_mode & 0111)) {
		return -ENOEXEC;
	}
	return access(path, X_OK) < 0 ? -EACCES : 0;
}

static int look_up(const char *name, const char *search, char *path, size_t size)
{
	const char *dir = search;

	if (strchr(name, '/')) {
		(void)snprintf(path, size, "%s", name);
		return judge(path);
	}
	while (dir) {
		const char *end = strchrnul(dir, ':');
		int n = snprintf(path, size, "%.*s/%s", (int)(end - dir), dir, name);
		int r = n > 0 && (size_t)n < size ? judge(path) : -ENOENT;

		if (r != -ENOENT) {
			return r;
		}
		dir = *end ? end + 1 : NULL;
	}
	(void)snprintf(path, size, "%s", name);
	return -ENOENT;
}

/* A server would go on trying or share the port; who looks for the holder may take its time. */
static int check_address(const char *address, char *path, size_t size)
{
	char holder[512];

	if (listen_is_free(address)) {
		return 0;
	}
	(void)snprintf(path, size, "%s is held by %s", address,
		       listen_holder(address, holder, sizeof(holder)));
	return -EADDRINUSE;
}

static int set_stdio(const struct spawn_spec *spec)
{
	auto_close int null = -EBADF;

	for (int i = 0; i < 3; i++) {
		int from = spec->stdio[i];

		if (from < 0) {
			if (null < 0) {
				null = open("/dev/null", O_RDWR | O_CLOEXEC);
			}
			from = null;
		}
		if (from < 0 || (from != i && dup2(from, i) < 0)) {
			return -errno;
		}
	}
	return 0;
}

/* A group that somebody has joined counts from the next start on, as under Supervisor. A lookup
 * that hangs holds up this child alone. */
static int set_groups(const struct spawn_user *user)
{
	gid_t groups[NGROUPS_LOOKED_UP];
	int n = NGROUPS_LOOKED_UP;

	if (user->name && getgrouplist(user->name, user->gid, groups, &n) >= 0) {
		return setgroups((size_t)n, groups);
	}
	return setgroups(user->n_groups, user->groups);
}

int process_become(const struct spawn_user *user)
{
	if (!user || user->uid == (uid_t)-1 || user->uid == geteuid()) {
		return 0;
	}
	if (geteuid() != 0) {
		return -EPERM;
	}
	if (set_groups(user) < 0 || (user->gid != (gid_t)-1 && setgid(user->gid) < 0) ||
	    setuid(user->uid) < 0) {
		return -errno;
	}
	return 0;
}

/* Most are as they were when this process was made. Where one may not be raised any more, it stays.
 */
static void set_limits(const struct spawn_spec *spec)
{
	struct rlimit now;

	for (unsigned i = 0; i < spec->n_limits; i++) {
		if (getrlimit((__rlimit_resource_t)i, &now) == 0 &&
		    (now.rlim_cur != spec->limits[i].rlim_cur ||
		     now.rlim_max != spec->limits[i].rlim_max)) {
			(void)setrlimit((__rlimit_resource_t)i, &spec->limits[i]);
		}
	}
}

/* Handlers are gone with exec, but until then a signal must not reach slotd's own. */
static int set_signals(const struct spawn_spec *spec)
{
	static const int ignored[] = {SIGPIPE, SIGXFSZ};
	struct sigaction sa = {.sa_handler = spec->reset_signals ? SIG_DFL : SIG_IGN};
	sigset_t none;

	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++) {
		if (sigaction(ignored[i], &sa, NULL) < 0) {
			return -errno;
		}
	}
	sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* Out of the way of 0..3. */
static int move_up(int fd)
{
	return fd > 3 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 4);
}

static int set_descriptors(const struct spawn_spec *spec)
{
	int r = set_stdio(spec);

	if (r == 0 && spec->channel_fd >= 0) {
		r = spec->channel_fd == 3 ? fcntl(3, F_SETFD, 0) : dup2(spec->channel_fd, 3);
		r = r < 0 ? -errno : 0;
	}
	if (r == 0) {
		/* All of ours are close-on-exec from birth; this is for those we were given.
		 * Before Linux 5.11 main's own sweep has to do. */
		(void)syscall(SYS_close_range, spec->channel_fd >= 0 ? 4U : 3U, ~0U,
			      CLOSE_RANGE_CLOEXEC);
	}
	return r;
}

/* Secrets may be read by root only, and the directory by the user only. */
static void become_worker(const struct spawn_spec *spec, int report_fd)
{
	char what[PATH_MAX];
	int r = spec->credentials ? credentials_make(spec->credentials_dir, spec->credentials,
						     spec->user, what, sizeof(what))
				  : 0;

	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_CREDENTIALS, r, what);
	}
	set_limits(spec);
	r = process_become(spec->user);
	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_USER, r, NULL);
	}
	if (spec->directory && chdir(spec->directory) < 0) {
		fail(spec, report_fd, SPAWN_STAGE_DIRECTORY, -errno, spec->directory);
	}
}

/* False: whoever made this child has died before it gave leave. */
static bool may_begin(const struct spawn_spec *spec)
{
	char leave;
	ssize_t n;

	if (spec->gate[0] < 0) {
		return true;
	}
	(void)close(spec->gate[1]); /* or its end would never be seen */
	do {
		n = read(spec->gate[0], &leave, 1);
	} while (n < 0 && errno == EINTR);
	return n == 1;
}

void spawn_child(const struct spawn_spec *spec, int report_fd)
{
	char path[PATH_MAX] = "";
	int r;

	report_fd = move_up(report_fd);
	if (setpgid(0, 0) < 0) {
		fail(spec, report_fd, SPAWN_STAGE_GROUP, -errno, NULL);
	}
	r = set_descriptors(spec);
	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_STDIO, r, NULL);
	}
	r = spec->run ? 0 : look_up(spec->argv[0], spec->search, path, sizeof(path));
	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_LOOKUP, r, path);
	}
	r = spec->address ? check_address(spec->address, path, sizeof(path)) : 0;
	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_ADDRESS, r, path);
	}
	become_worker(spec, report_fd);
	if (spec->umask != (mode_t)-1) {
		(void)umask(spec->umask);
	}
	r = set_signals(spec);
	if (r < 0) {
		fail(spec, report_fd, SPAWN_STAGE_SIGNALS, r, NULL);
	}
	if (spec->run) {
		if (spec->close_copies) {
			spec->close_copies(spec->spawner);
		}
		_exit(may_begin(spec) ? spec->run(spec->data) : EXIT_FAILURE);
	}
	(void)execve(path, spec->argv, spec->envp);
	fail(spec, report_fd, SPAWN_STAGE_EXEC, -errno, path);
}
