#include <slotd/rivals.h>

#include <slotd/cleanup.h>
#include <slotd/os.h>
#include <slotd/usec.h>

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

enum {
	ARGUMENTS_MAX = 16 << 10,    /* of a command line: enough for every sane one */
	SOCKET_LISTENS = 0x00010000, /* __SO_ACCEPTCON, a flag in /proc/net/unix */
	FILE_TIME_SLACK_S = 2,	     /* the clocks of files and processes tick apart */
};

/* ---- what a command line says */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *next_word(const char *word, const char *end)
{
	word += strlen(word) + 1;
	return word < end ? word : NULL;
}

/* The script: the first word, or under Python the first that is no option of Python's. */
static const char *script_of(const char *word, const char *end)
{
	if (strncmp(base_name(word), "python", 6) == 0) {
		do {
			word = next_word(word, end);
		} while (word && word[0] == '-');
	}
	return word && (strcmp(base_name(word), "supervisord") == 0 ||
			strcmp(word, "supervisor.supervisord") == 0)
		       ? word
		       : NULL;
}

/* Of "-c", "-nc", "-cFILE": what follows the letter; "" when it is the next word, NULL: no -c. */
static const char *short_value(const char *word)
{
	static const char flags[] = "nskthv"; /* those of supervisord without a value */

	for (const char *c = word + 1; *c; c++) {
		if (*c == 'c') {
			return c + 1;
		}
		if (!strchr(flags, *c)) {
			return NULL;
		}
	}
	return NULL;
}

static const char *long_value(const char *word)
{
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);

	/* getopt takes any beginning that is not another option's, too */
	if (len < 3 || strncmp(word, "--configuration", len) != 0) {
		return NULL;
	}
	return equals ? equals + 1 : "";
}

const char *rival_config_argument(const char *args, size_t len)
{
	const char *end = args + len, *found = "";
	const char *word;

	if (len == 0 || args[len - 1] != '\0') {
		return NULL;
	}
	word = script_of(args, end);
	if (!word) {
		return NULL;
	}
	while ((word = next_word(word, end))) {
		const char *value = NULL;

		if (word[0] == '-') {
			value = word[1] == '-' ? long_value(word) : short_value(word);
		}
		if (value && !*value) {
			word = value = next_word(word, end);
		}
		if (value) {
			found = value;
		}
		if (!word) {
			break;
		}
	}
	return found;
}

/* ---- processes */

static size_t read_arguments(pid_t pid, char *buf, size_t size)
{
	auto_close int fd = -EBADF;
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, buf, size - 1);
	if (n <= 0) {
		return 0;
	}
	if (buf[n - 1] != '\0') {
		buf[n++] = '\0';
	}
	return (size_t)n;
}

/* Its name alone does not tell: "python3 supervisord" is python3. */
static bool is_rival(pid_t pid, struct rival *ret)
{
	char comm[32], args[ARGUMENTS_MAX];
	size_t len;

	if (pid <= 1 || pid == getpid() || !process_alive(pid)) {
		return false;
	}
	(void)process_comm(pid, comm, sizeof(comm));
	if (strcmp(comm, "slotd") == 0) {
		*ret = (struct rival){pid, "slotd"};
		return true;
	}
	len = read_arguments(pid, args, sizeof(args));
	if (strcmp(comm, "supervisord") == 0 || rival_config_argument(args, len)) {
		*ret = (struct rival){pid, "supervisord"};
		return true;
	}
	return false;
}

/* ---- what a name means to another process, which may live in a container or a chroot */

/* A link in the way must not lead out of its root into ours. */
static int open_under_root(pid_t pid, const char *name)
{
	const struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
	auto_close int root = -EBADF;
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		return -errno;
	}
	fd = (int)syscall(SYS_openat2, root, name, &how, sizeof(how));
	if (fd < 0 && errno == ENOSYS) { /* before Linux 5.6 */
		fd = openat(root, name + strspn(name, "/"), O_PATH | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

/* Relative names count from where it works. */
static int open_under_cwd(pid_t pid, const char *name)
{
	char path[PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/cwd/%s", (int)pid, name);
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Everybody may read how many process ids it has: one more for each namespace that it is in. */
static bool is_in_container(pid_t pid)
{
	char path[64], line[256];
	auto_fclose FILE *f = NULL;
	int inner;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "NSpid:", 6) == 0) {
			return sscanf(line, "NSpid: %*d %d", &inner) == 1;
		}
	}
	return false;
}

/*
 * Which file it finds under that name. Where we may not look (another user's process) it is taken
 * to see what we see, unless it is in a container.
 */
static int stat_as(pid_t pid, const char *name, struct stat *ret)
{
	auto_close int fd = name[0] == '/' ? open_under_root(pid, name) : open_under_cwd(pid, name);

	if (fd == -EACCES || fd == -EPERM) {
		return name[0] != '/' || is_in_container(pid) || stat(name, ret) < 0 ? -ENOENT : 0;
	}
	if (fd < 0) {
		return fd;
	}
	return fstat(fd, ret) < 0 ? -errno : 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool sees(pid_t pid, const char *name, const struct stat *ours)
{
	struct stat st;

	return stat_as(pid, name, &st) == 0 && same_file(&st, ours);
}

/* ---- by pid file */

/* Written before the process was there: about another one, that had the same number. */
static bool is_older(const struct stat *file, pid_t pid)
{
	double hz = (double)sysconf(_SC_CLK_TCK);
	uint64_t started = process_start_ticks(pid), now = process_ticks_now();
	double age = now > started ? (double)(now - started) / hz : 0;

	return started &&
	       (double)file->st_mtim.tv_sec + FILE_TIME_SLACK_S < (double)usec_wall() / 1e6 - age;
}

bool rival_by_pidfile(const char *path, struct rival *ret)
{
	/* A pipe, or /dev/stdin, must not have us wait. */
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[32] = "";
	struct stat st;
	pid_t pid;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    read(fd, text, sizeof(text) - 1) <= 0) {
		return false;
	}
	pid = (pid_t)strtol(text, NULL, 10);
	return is_rival(pid, ret) && !is_older(&st, pid) && sees(pid, path, &st);
}

/* ---- by socket */

/* Supervisor binds PATH.PID and gives it its name by a hard link. */
static bool is_bound_as(const char *bound, const char *path)
{
	size_t len = strlen(path);
	const char *rest = bound + len;

	if (strncmp(bound, path, len) != 0) {
		return false;
	}
	return !*rest || (*rest == '.' && strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

typedef bool is_it_fn(pid_t pid, const void *data);

/* The first supervisor of all processes for which fn is true. */
static bool find_rival(is_it_fn *fn, const void *data, struct rival *ret)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	bool found = false;

	while (dir && !found && (e = readdir(dir))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		found = pid > 1 && is_rival(pid, ret) && fn(pid, data);
	}
	if (dir) {
		(void)closedir(dir);
	}
	return found;
}

struct listener {
	unsigned long inode;
	const char *path;
	struct stat st;
};

/* In another mount namespace the same name may be another socket. */
static bool holds(pid_t pid, const void *data)
{
	const struct listener *l = data;

	return process_holds_socket(pid, &l->inode, 1) && sees(pid, l->path, &l->st);
}

/* Of several sockets with that name, each in a mount namespace of its own, one is ours. */
static bool find_listener(struct listener *l, struct rival *ret)
{
	auto_fclose FILE *f = fopen("/proc/net/unix", "re");
	char line[512];
	bool found = false;
	unsigned flags;
	int at;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		at = 0;
		found = sscanf(line, "%*s %*s %*s %x %*s %*s %lu %n", &flags, &l->inode, &at) ==
				2 &&
			at && (flags & SOCKET_LISTENS) && is_bound_as(line + at, l->path) &&
			find_rival(holds, l, ret);
	}
	return found;
}

bool rival_by_socket(const char *path, struct rival *ret)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct listener l = {.path = path};

	if (fd < 0 ||
	    (size_t)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path) >= sizeof(sa.sun_path)) {
		return false;
	}
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		return false;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && is_rival(peer.pid, ret)) {
		return true;
	}
	/* That is who called listen(): gone, when it became a daemon after it. */
	return stat(path, &l.st) == 0 && find_listener(&l, ret);
}

/* ---- by file */

/* The first place that exists is the one it took. */
static bool took_default(pid_t pid, const struct stat *ours)
{
	static const char *const places[] = {
		"/usr/etc/supervisord.conf", "/usr/supervisord.conf",
		"supervisord.conf",	     "etc/supervisord.conf",
		"/etc/supervisord.conf",     "/etc/supervisor/supervisord.conf",
	};
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		if (stat_as(pid, places[i], &st) == 0) {
			return same_file(&st, ours);
		}
	}
	return false;
}

static bool uses_file(pid_t pid, const void *data)
{
	const struct stat *ours = data;
	char args[ARGUMENTS_MAX];
	size_t len = read_arguments(pid, args, sizeof(args));
	const char *file = rival_config_argument(args, len);

	if (!file) {
		return false;
	}
	return *file ? sees(pid, file, ours) : took_default(pid, ours);
}

bool rival_by_config(const char *file, struct rival *ret)
{
	struct stat ours;

	return stat(file, &ours) == 0 && find_rival(uses_file, &ours, ret);
}
