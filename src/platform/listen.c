#include <slotd/listen.h>

#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/os.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- who holds it */

enum {
	TCP_STATE_LISTEN = 0x0a, /* include/net/tcp_states.h */
	INODES_MAX = 64,
};

struct inodes {
	unsigned long at[INODES_MAX];
	unsigned n;
};

/* "0100007F:1F40": 32-bit words in host order, as /proc/net/tcp prints them. */
static bool local_matches(const char *hex, const struct address *a)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->sa;
	const char *colon = strchr(hex, ':');
	const void *ours = a->sa.ss_family == AF_INET ? (const void *)&in->sin_addr
						      : (const void *)&in6->sin6_addr;
	size_t words = a->sa.ss_family == AF_INET ? 1 : 4;
	uint32_t theirs[4] = {0}, own[4] = {0}, zero[4] = {0};

	if (!colon || strtoul(colon + 1, NULL, 16) != address_port(a) ||
	    (size_t)(colon - hex) != words * 8) {
		return false;
	}
	for (size_t i = 0; i < words; i++) {
		if (sscanf(hex + i * 8, "%8x", &theirs[i]) != 1) {
			return false;
		}
	}
	memcpy(own, ours, words * 4);
	return memcmp(own, theirs, words * 4) == 0 || memcmp(own, zero, words * 4) == 0 ||
	       memcmp(theirs, zero, words * 4) == 0;
}

static void find_inodes(const char *path, const struct address *a, struct inodes *ret)
{
	auto_fclose FILE *f = fopen(path, "re");
	char line[512], local[64];
	unsigned state;
	unsigned long inode;

	while (f && ret->n < INODES_MAX && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*u: %63s %*s %x %*s %*s %*s %*u %*u %lu", local, &state,
			   &inode) == 3 &&
		    state == TCP_STATE_LISTEN && local_matches(local, a)) {
			ret->at[ret->n++] = inode;
		}
	}
}

/* The first to hold it by pid: a server's master, not its children. */
static pid_t find_process(const struct inodes *inodes)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	pid_t found = 0;

	while (dir && (e = readdir(dir))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid > 0 && (!found || pid < found) &&
		    process_holds_socket(pid, inodes->at, inodes->n)) {
			found = pid;
		}
	}
	if (dir) {
		(void)closedir(dir);
	}
	return found;
}

const char *listen_holder(const char *address, char *buf, size_t size)
{
	struct address a;
	struct inodes inodes = {0};
	pid_t pid = 0, parent;
	char comm[32], parent_comm[32];

	if (address_parse(address, &a) == 0 && !address_is_unix(&a)) {
		find_inodes(address_family(&a) == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6", &a,
			    &inodes);
		pid = inodes.n ? find_process(&inodes) : 0;
	}
	if (!pid) {
		(void)snprintf(buf, size, "another process");
		return buf;
	}
	(void)process_comm(pid, comm, sizeof(comm));
	parent = process_parent(pid);
	if (parent > 1 &&
	    strcmp(process_comm(parent, parent_comm, sizeof(parent_comm)), "supervisord") == 0) {
		(void)snprintf(buf, size, "%s (pid %d) under %s (pid %d)", comm, (int)pid,
			       parent_comm, (int)parent);
	} else {
		(void)snprintf(buf, size, "%s (pid %d)", comm, (int)pid);
	}
	return buf;
}

/* ---- making one */

/* The system's limit of a backlog (net.core.somaxconn). */
static int backlog_max(void)
{
	auto_fclose FILE *f = fopen("/proc/sys/net/core/somaxconn", "re");
	int max;

	return f && fscanf(f, "%d", &max) == 1 && max > 0 ? max : SOMAXCONN;
}

static int new_socket(const struct address *a, int *ret_fd)
{
	const int one = 1;
	auto_close int fd =
		socket(address_family(a), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) {
		return -errno;
	}
	if (!address_is_unix(a) &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0) {
		return -errno;
	}
	if (address_family(a) == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0) {
		return -errno;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int bind_to(int fd, const struct address *a)
{
	return bind(fd, (const struct sockaddr *)&a->sa, a->len) < 0 ? -errno : 0;
}

bool listen_is_free(const char *address)
{
	auto_close int fd = -EBADF;
	struct address a;

	if (address_parse(address, &a) < 0 || address_is_unix(&a) || new_socket(&a, &fd) < 0) {
		return true;
	}
	return bind_to(fd, &a) != -EADDRINUSE;
}

static int refuse(const char *address, int error, const struct listen_options *options,
		  struct diag *diag)
{
	char holder[128] = "another process";

	if (error == -EADDRINUSE) {
		if (!options->nameless) {
			(void)listen_holder(address, holder, sizeof(holder));
		}
		return diag_set(diag, error, "%s is held by %s", address, holder);
	}
	return diag_set_errno(diag, error, "cannot listen on %s", address);
}

int listen_again(int fd, const struct listen_options *options)
{
	return listen(fd, options->backlog > 0 ? options->backlog : backlog_max()) < 0 ? -errno : 0;
}

static int open_tcp(const char *text, const struct address *a, const struct listen_options *options,
		    struct diag *diag, int *ret_fd)
{
	const int one = 1;
	auto_close int trial = -EBADF, fd = -EBADF;
	int r = new_socket(a, &trial);

	if (r == 0) {
		r = bind_to(trial, a);
	}
	cleanup_closep(&trial);
	if (r == 0) {
		r = new_socket(a, &fd);
	}
	if (r == 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0) {
		r = -errno;
	}
	if (r == 0) {
		r = bind_to(fd, a);
	}
	if (r == 0) {
		r = listen_again(fd, options);
	}
	if (r < 0) {
		return refuse(text, r, options, diag);
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Does somebody answer there? Then it is not ours to replace. */
static int check_stale(const struct sockaddr_un *un, struct diag *diag)
{
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0) {
		return diag_set_errno(diag, -errno, "cannot listen on unix:%s", un->sun_path);
	}
	if (lstat(un->sun_path, &st) < 0) {
		return 0; /* why not, bind will say */
	}
	if (!S_ISSOCK(st.st_mode)) {
		return diag_set(diag, -EEXIST, "%s exists, but is not a socket: remove it",
				un->sun_path);
	}
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) == 0 || errno == EAGAIN ||
	    errno == EPROTOTYPE) {
		return diag_set(diag, -EADDRINUSE, "unix:%s is held by another process",
				un->sun_path);
	}
	if (errno != ECONNREFUSED && errno != ENOENT) {
		return diag_set(diag, -errno,
				"unix:%s exists, and slotd cannot tell whether anybody listens "
				"there (%s): remove it if nobody does",
				un->sun_path, strerrordesc_np(errno));
	}
	return 0;
}

static int set_path(const char *path, struct sockaddr_un *ret, struct diag *diag)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((size_t)snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", path) >=
	    sizeof(ret->sun_path)) {
		return diag_set(diag, -ENAMETOOLONG, "unix:%s: the path is too long", path);
	}
	return 0;
}

/* Under its own name, which is what a worker that inherits it is told (getsockname), but with no
 * mode at all. */
static int bind_closed(int fd, const struct sockaddr_un *un, mode_t *ret_usual)
{
	mode_t old;
	int r;

	if (unlink(un->sun_path) < 0 && errno != ENOENT) { /* stale */
		return -errno;
	}
	old = umask(0777);
	r = bind(fd, (const struct sockaddr *)un, sizeof(*un)) < 0 ? -errno : 0;
	(void)umask(old);
	*ret_usual = 0777 & ~old;
	return r;
}

/* Its directory may be somebody's who puts a link there meanwhile: none is followed. */
static int open_to_clients(int fd, const char *path, const struct listen_options *options,
			   mode_t usual, struct diag *diag)
{
	mode_t mode = options->mode != (mode_t)-1 ? options->mode : usual;
	int r;

	if ((options->uid != (uid_t)-1 || options->gid != (gid_t)-1) &&
	    lchown(path, options->uid, options->gid) < 0) {
		return diag_set_errno(diag, -errno, "Not permitted to chown %s to uid/gid (%d, %d)",
				      path, (int)options->uid, (int)options->gid);
	}
	r = options->datagrams ? 0 : listen_again(fd, options);
	if (r == 0 && fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) < 0) {
		r = -errno;
	}
	return r < 0 ? diag_set_errno(diag, r, "cannot listen on unix:%s", path) : 0;
}

static int bind_and_note(int fd, const char *path, const struct sockaddr_un *un, mode_t *ret_usual,
			 struct diag *diag, struct own_name *ret_name)
{
	int r = bind_closed(fd, un, ret_usual);

	if (r == 0) {
		r = own_name_note(ret_name, path);
	}
	return r < 0 ? diag_set_errno(diag, r, "cannot listen on unix:%s", path) : 0;
}

/* The group that a socket gets from bind(2) in the directory of path. */
static int usual_group(const char *path, gid_t *ret)
{
	auto_free char *copy = strdup(path);
	struct stat st;

	if (!copy) {
		return -ENOMEM;
	}
	if (stat(dirname(copy), &st) < 0) {
		return -errno;
	}
	*ret = st.st_mode & S_ISGID ? st.st_gid : getegid();
	return 0;
}

static int give(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		return -errno;
	}
	if (((uid != (uid_t)-1 && st.st_uid != uid) || (gid != (gid_t)-1 && st.st_gid != gid)) &&
	    lchown(path, uid, gid) < 0) {
		return -errno;
	}
	if (mode != (mode_t)-1 && (st.st_mode & 07777) != mode &&
	    fchmodat(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW) < 0) {
		return -errno;
	}
	return 0;
}

int listen_give(const struct own_name *name, const struct listen_options *options,
		struct diag *diag)
{
	uid_t uid = options->uid;
	gid_t gid = options->gid;
	int r = 0;

	if (!own_name_stands(name)) {
		return 0;
	}
	/* Only root can have given it away; maybe slotd was root then, and is another user now. */
	if (uid == (uid_t)-1 && geteuid() == 0) {
		uid = 0;
	}
	if (gid == (gid_t)-1 && geteuid() == 0) {
		r = usual_group(name->real, &gid);
	}
	r = r < 0 ? r : give(name->real, uid, gid, options->mode);
	return r < 0 ? diag_set_errno(diag, r, "cannot set the owner and mode of %s", name->path)
		     : 0;
}

int listen_refresh(int fd, const struct own_name *name, const struct listen_options *options,
		   struct diag *diag)
{
	(void)listen_again(fd, options);
	return listen_give(name, options, diag);
}

int listen_unix(int fd, const char *path, const struct listen_options *options, struct diag *diag,
		struct own_name *ret_name)
{
	CLEANUP(own_name_done) struct own_name name = {0};
	struct sockaddr_un un;
	char real[PATH_MAX];
	mode_t usual = 0;
	int r = own_name_resolve(path, real, sizeof(real), diag);

	if (r == 0) {
		r = set_path(real, &un, diag);
	}
	if (r == 0) {
		r = check_stale(&un, diag);
	}
	if (r == 0) {
		r = bind_and_note(fd, path, &un, &usual, diag, &name);
	}
	if (r == 0) {
		r = open_to_clients(fd, real, options, usual, diag);
	}
	if (r < 0) {
		own_name_remove(&name);
		return r;
	}
	if (ret_name) {
		own_name_done(ret_name);
		*ret_name = own_name_take(&name);
	}
	return 0;
}

static int open_unix(const struct address *a, const struct listen_options *options,
		     struct diag *diag, int *ret_fd, struct own_name *ret_name)
{
	auto_close int fd = -EBADF;
	int r = new_socket(a, &fd);

	if (r < 0) {
		return diag_set_errno(diag, r, "cannot listen on unix:%s", address_path(a));
	}
	r = listen_unix(fd, address_path(a), options, diag, ret_name);
	if (r == 0) {
		*ret_fd = TAKE_FD(fd);
	}
	return r;
}

int listen_open(const char *address, const struct listen_options *options, struct diag *diag,
		int *ret_fd, struct own_name *ret_name)
{
	struct address a;
	int r = address_parse(address, &a);

	if (r < 0) {
		return diag_set_errno(diag, r, "%s is not an address", address);
	}
	return address_is_unix(&a) ? open_unix(&a, options, diag, ret_fd, ret_name)
				   : open_tcp(address, &a, options, diag, ret_fd);
}
