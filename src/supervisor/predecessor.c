#include "predecessor.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "link/lookout.h"
#include "successor.h"
#include "supervisor.h"

#include <slotd/cleanup.h>
#include <slotd/listen.h>
#include <slotd/os.h>
#include <slotd/ownname.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/*
 * One slotd at a time has a state_dir; and the next one, should this one be killed, asks our
 * slotd-keep at keep.sock (link/inheritance.c).
 */

struct predecessor {
	int lock_fd; /* state_dir/lock */
	/* for the successor: served by slotd-keep */
	int socket_fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	struct own_name name;
};

/* Started as that user the next time, slotd must be able to open it. */
static int give_to_user(struct supervisor *sup, const char *path, struct diag *diag)
{
	const struct owner *user = &sup->config->supervisord.user;

	if (geteuid() == 0 && user->uid != (uid_t)-1 &&
	    fchown(sup->predecessor->lock_fd, user->uid, user->gid) < 0) {
		return diag_set_errno(diag, -errno, "cannot give %s to %s", path, user->user);
	}
	return 0;
}

int predecessor_lock(struct supervisor *sup, struct diag *diag)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct predecessor *p = calloc(1, sizeof(*p));
	char path[PATH_MAX];

	if (!p) {
		return diag_set_errno(diag, -ENOMEM, "cannot start");
	}
	p->lock_fd = p->socket_fd = -EBADF;
	sup->predecessor = p;
	(void)snprintf(path, sizeof(path), "%s/lock", sup->config->supervisord.state_dir);
	p->lock_fd = sup->options.upgraded ? TAKE_FD(sup->options.upgraded->lock_fd) : -EBADF;
	if (p->lock_fd >= 0) {
		return 0; /* the lock is this process's */
	}
	if (own_file_open(path, O_RDWR | O_CREAT | O_NONBLOCK, 0600, diag,
			  &sup->predecessor->lock_fd) < 0) {
		return diag_prefix(diag, "cannot lock state_dir");
	}
	/* A record lock: it belongs to this process, not to its children, and tells the owner. */
	if (fcntl(sup->predecessor->lock_fd, F_SETLK, &lock) == 0) {
		return give_to_user(sup, path, diag);
	}
	if (errno != EACCES && errno != EAGAIN) {
		return diag_set_errno(diag, -errno, "cannot lock %s", path);
	}
	if (fcntl(sup->predecessor->lock_fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK) {
		return diag_set(diag, -EBUSY, "%s: another slotd has just ended: start again",
				path);
	}
	return diag_set(diag, -EBUSY,
			"another slotd (pid %d) runs with this state_dir (%s): stop it first, or "
			"give this one a state_dir and run_dir of its own",
			(int)lock.l_pid, sup->config->supervisord.state_dir);
}

/* At its path, which a reload leaves as it is. */
static int serve_successor(struct supervisor *sup, struct diag *diag)
{
	const struct listen_options options = {
		.backlog = 4, .mode = 0600, .uid = (uid_t)-1, .gid = (gid_t)-1};
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0) {
		return diag_set_errno(diag, -errno, "no %s", KEEP_SOCKET);
	}
	r = listen_unix(fd, sup->predecessor->path, &options, diag, &sup->predecessor->name);
	if (r < 0) {
		return r;
	}
	cleanup_closep(&sup->predecessor->socket_fd);
	sup->predecessor->socket_fd = TAKE_FD(fd);
	keep_put_one(sup, KEEP_SOCKET, sup->predecessor->socket_fd);
	return 0;
}

/* The socket at which we have asked ourselves: whoever asks next must find it at any time. */
static bool take_socket(struct supervisor *sup)
{
	struct predecessor *p = sup->predecessor;
	int fd = inherited_take_one(sup, KEEP_SOCKET);

	if (fd < 0 || own_name_note(&p->name, p->path) < 0) {
		cleanup_closep(&fd);
		return false;
	}
	p->socket_fd = fd;
	keep_put_one(sup, KEEP_SOCKET, fd);
	return true;
}

int predecessor_succeed(struct supervisor *sup, struct diag *diag)
{
	const char *run_dir = sup->config->supervisord.run_dir;

	if ((size_t)snprintf(sup->predecessor->path, sizeof(sup->predecessor->path),
			     "%s/" KEEP_SOCKET, run_dir) >= sizeof(sup->predecessor->path)) {
		return diag_set(diag, -ENAMETOOLONG, "run_dir=%s is too long for a socket's path",
				run_dir);
	}
	keep_put_one(sup, KEEP_LEDGER, ledger_fd(sup->ledger));
	keep_put_one(sup, KEEP_SWITCHBOARD, sup->switchboard_fd);
	return take_socket(sup) ? 0 : serve_successor(sup, diag);
}

static void make_again(struct supervisor *sup)
{
	struct diag diag = {0};
	char dir[sizeof(sup->predecessor->path)];
	int r;

	(void)snprintf(dir, sizeof(dir), "%s", sup->predecessor->path);
	*strrchr(dir, '/') = '\0';
	r = os_make_directories(dir, 0755);
	r = r < 0 ? diag_set_errno(&diag, r, "cannot make %s", dir) : serve_successor(sup, &diag);
	if (r < 0) {
		lookout_failed(sup, &sup->predecessor->name, &diag);
	} else {
		lookout_made(&sup->predecessor->name);
	}
}

void predecessor_look_after(struct supervisor *sup)
{
	if (!own_name_stands(&sup->predecessor->name)) {
		make_again(sup);
	}
	lookout_watch(sup, &sup->predecessor->name);
}

void predecessor_done(struct supervisor *sup)
{
	struct predecessor *p = sup->predecessor;

	if (!p) {
		return;
	}
	lookout_let_go(sup, &p->name);
	cleanup_closep(&p->socket_fd);
	cleanup_closep(&p->lock_fd);
	free(p);
	sup->predecessor = NULL;
}

int predecessor_lock_fd(const struct supervisor *sup)
{
	return sup->predecessor->lock_fd;
}
