#include "predecessor.h"
#include "link/helpers.h"
#include "link/kept.h"
#include "link/lookout.h"
#include "supervisor.h"

#include <slotd/cleanup.h>
#include <slotd/listen.h>
#include <slotd/os.h>
#include <slotd/ownname.h>
#include <slotd/strbuf.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/*
 * What a former slotd left: its lock, and a slotd-keep that outlived it and still has its ledger.
 * Workers that live are named and left alone, and this slotd does not start.
 */

#define ANSWER_PATIENCE SECONDS(5)

enum {
	QUIT_PATIENCE_MS = 5000,
};

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

/* ---- asking slotd-keep */

struct old_helper {
	int channel_fd; /* slotd's end */
	int pidfd;
};

struct inheritance {
	int ledger_fd;
	VEC(struct old_helper) helpers;
};

static void inheritance_done(struct inheritance *in)
{
	cleanup_closep(&in->ledger_fd);
	vec_for_each (h, &in->helpers) {
		cleanup_closep(&h->channel_fd);
		cleanup_closep(&h->pidfd);
	}
	vec_done(&in->helpers);
}

/* -ENOTCONN: nothing was left, or nobody to ask. */
static int connect_keep(const char *run_dir)
{
	auto_close int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (fd < 0) {
		return -errno;
	}
	if ((size_t)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/" KEEP_SOCKET, run_dir) >=
	    sizeof(sa.sun_path)) {
		return -ENAMETOOLONG;
	}
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		return -ENOTCONN;
	}
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		return -errno;
	}
	return TAKE_FD(fd);
}

static int take_tagged(struct message *m, const char *tag)
{
	int at = keep_tags_find(message_str(m, TAG_DESCRIPTORS), tag);

	return at < 0 ? -EBADF : message_take_fd(m, (unsigned)at);
}

static void take_item(struct inheritance *in, struct message *m)
{
	const char *name = message_str(m, TAG_NAME);

	if (strcmp(name, KEEP_LEDGER) == 0) {
		cleanup_closep(&in->ledger_fd);
		in->ledger_fd = message_take_fd(m, 0); /* the only one */
	} else if (strncmp(name, KEEP_HELPER_PREFIX, strlen(KEEP_HELPER_PREFIX)) == 0) {
		struct old_helper h = {take_tagged(m, KEEP_TAG_CHANNEL),
				       take_tagged(m, KEEP_TAG_PIDFD)};

		if (vec_push(&in->helpers, h) < 0) {
			cleanup_closep(&h.channel_fd);
			cleanup_closep(&h.pidfd);
		}
	}
}

static int list_items(int fd, struct inheritance *in)
{
	struct message m;
	int r;

	message_init(&m, MSG_KEEP_LIST, 1);
	r = channel_send_wait(fd, &m);
	while (r == 0) {
		bool end;

		r = channel_receive_wait(fd, &m, ANSWER_PATIENCE);
		if (r < 0) {
			break;
		}
		end = m.type == MSG_KEEP_END;
		if (m.type == MSG_KEEP_ITEM) {
			take_item(in, &m);
		}
		message_done(&m);
		if (end) {
			break;
		}
	}
	return r;
}

/* The pid is theirs if the process has been started when theirs was. */
static int list_alive(int fd, struct strbuf *names, struct diag *diag)
{
	struct ledger_worker w;
	struct ledger_view l;
	unsigned n = 0;
	int r = fd < 0 ? 0 : ledger_map(fd, diag, &l);

	if (fd < 0 || r < 0) {
		return r;
	}
	for (unsigned i = 0; i < ledger_rows(&l, LEDGER_TABLE_WORKER); i++) {
		if (ledger_get_worker(&l, i, &w) == 1 && w.run.pid > 0 && w.run.start_ticks &&
		    process_alive(w.run.pid) &&
		    process_start_ticks(w.run.pid) == w.run.start_ticks) {
			(void)strbuf_addf(names, "%s%s (pid %d)", n ? ", " : "",
					  ledger_name(&l, LEDGER_TABLE_WORKER, i), (int)w.run.pid);
			n++;
		}
	}
	ledger_unmap(&l);
	return (int)n;
}

static void send_quit(int fd)
{
	struct message m;

	if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0) {
		message_init(&m, MSG_QUIT, 0);
		(void)channel_send_wait(fd, &m); /* it may have ended already */
	}
}

/* Until they have ended they answer for a slotd that is gone, on the same sockets. */
static void end_helpers(struct inheritance *in)
{
	vec_for_each (h, &in->helpers) {
		send_quit(h->channel_fd);
	}
	vec_for_each (h, &in->helpers) {
		struct pollfd p = {.fd = h->pidfd, .events = POLLIN};

		if (h->pidfd >= 0 && poll(&p, 1, QUIT_PATIENCE_MS) == 0) {
			(void)process_handle_signal(h->pidfd, SIGKILL); /* or it has just ended */
		}
	}
}

/* Until it has ended it holds their sockets, on which connections would still be taken. */
static int end_keep(int fd)
{
	struct message m;
	int r;

	send_quit(fd);
	r = channel_receive_wait(fd, &m, ANSWER_PATIENCE);
	if (r == 0) {
		message_done(&m);
		return -EPROTO;
	}
	return r == -ECONNRESET ? 0 : r; /* the channel's end is its own */
}

int predecessor_check(struct supervisor *sup, struct diag *diag)
{
	CLEANUP(inheritance_done) struct inheritance in = {.ledger_fd = -EBADF};
	CLEANUP(strbuf_done) struct strbuf names = {.max = 700};
	auto_close int fd = connect_keep(sup->config->supervisord.run_dir);
	int alive, r;

	if (fd < 0) {
		return fd == -ENOTCONN
			       ? 0
			       : diag_set_errno(diag, fd, "cannot ask whether a slotd was killed");
	}
	r = list_items(fd, &in);
	if (r < 0) {
		return diag_set_errno(diag, r,
				      "a former slotd's slotd-keep does not answer (%s/%s)",
				      sup->config->supervisord.run_dir, KEEP_SOCKET);
	}
	alive = list_alive(in.ledger_fd, &names, diag);
	if (alive < 0) {
		return diag_prefix(diag, "a former slotd was killed, and which workers it left "
					 "running cannot be told. End them and its slotd-keep, "
					 "then start slotd again");
	}
	if (alive) {
		return diag_set(diag, -EBUSY,
				"a former slotd was killed and left %d worker%s running: %s%s. "
				"They run on, but nobody watches them. kill them, then start slotd "
				"again",
				alive, alive == 1 ? "" : "s", strbuf_str(&names),
				names.error ? ", ..." : "");
	}
	end_helpers(&in);
	r = end_keep(fd);
	if (r < 0) {
		return diag_set_errno(diag, r, "a former slotd's slotd-keep does not end (%s/%s)",
				      sup->config->supervisord.run_dir, KEEP_SOCKET);
	}
	return 0;
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
	return serve_successor(sup, diag);
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
	own_name_remove(&p->name);
	cleanup_closep(&p->socket_fd);
	cleanup_closep(&p->lock_fd);
	free(p);
	sup->predecessor = NULL;
}
