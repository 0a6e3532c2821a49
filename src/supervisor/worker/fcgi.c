#include "worker/fcgi.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "link/lookout.h"
#include "worker/process.h"
#include "worker/processes.h"

#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/listen.h>
#include <slotd/ownname.h>

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	KEPT_NAME_MAX = 1024,
};

/* The socket of one [fcgi-program:x], open while a process of it has it. */
struct fcgi_socket {
	char *program, *url;
	int fd;
	struct own_name name; /* of a unix socket */
};

struct fcgi {
	VEC(struct fcgi_socket) sockets;
};

static struct fcgi *fcgi_of(const struct supervisor *sup)
{
	return sup->fcgi;
}

static struct fcgi_socket *find(struct fcgi *f, const char *program)
{
	vec_for_each (s, &f->sockets) {
		if (strcmp(s->program, program) == 0) {
			return s;
		}
	}
	return NULL;
}

/* As under Supervisor its name stays, and the next one replaces it. */
static void socket_done(struct fcgi_socket *s)
{
	cleanup_closep(&s->fd);
	own_name_done(&s->name);
	free(s->program);
	free(s->url);
}

static const char *kept_name(const char *program, const char *url, char *buf, size_t size)
{
	(void)snprintf(buf, size, KEEP_FCGI_PREFIX "%s %s", program, url);
	return buf;
}

static void keep_socket(struct supervisor *sup, const struct fcgi_socket *s)
{
	char name[KEPT_NAME_MAX];

	keep_put_one(sup, kept_name(s->program, s->url, name, sizeof(name)), s->fd);
}

static void forget(struct supervisor *sup, struct fcgi_socket *s)
{
	struct fcgi *f = fcgi_of(sup);
	char name[KEPT_NAME_MAX];

	keep_drop(sup, kept_name(s->program, s->url, name, sizeof(name)));
	socket_done(s);
	vec_remove(&f->sockets, (size_t)(s - f->sockets.at));
}

/* "tcp://host:port", "unix:///path" -> "host:port", "unix:/path". */
static void to_address(const char *url, char *buf, size_t size)
{
	if (strncmp(url, "unix://", 7) == 0) {
		(void)snprintf(buf, size, "unix:%s", url + 7);
	} else if (strncmp(url, "tcp://localhost:", 16) == 0) {
		(void)snprintf(buf, size, "127.0.0.1:%s", url + 16);
	} else {
		(void)snprintf(buf, size, "%s", strncmp(url, "tcp://", 6) == 0 ? url + 6 : url);
	}
}

/* Supervisor's default: the user of the program, where that is not slotd's. */
static struct listen_options options_of(const struct program_config *program)
{
	const struct owner *owner =
		program->socket_owner.user ? &program->socket_owner : &program->user;

	return (struct listen_options){
		.backlog = program->socket_backlog,
		.mode = program->socket_mode,
		.uid = owner->uid == geteuid() ? (uid_t)-1 : owner->uid,
		.gid = owner->uid == geteuid() ? (gid_t)-1 : owner->gid,
	};
}

static int open_socket(const struct program_config *program, struct fcgi_socket *s,
		       struct diag *diag)
{
	const struct listen_options options = options_of(program);
	CLEANUP(own_name_done) struct own_name name = {0};
	auto_close int fd = -EBADF;
	char address[512];
	int r;

	to_address(program->socket, address, sizeof(address));
	r = listen_open(address, &options, diag, &fd, &name);
	/* Workers accept as they would on a socket of Supervisor's: waiting. */
	if (r == 0 && fcntl(fd, F_SETFL, 0) < 0) {
		r = diag_set_errno(diag, -errno, "%s", program->socket);
	}
	if (r < 0) {
		return r;
	}
	cleanup_closep(&s->fd);
	s->fd = TAKE_FD(fd);
	own_name_done(&s->name);
	s->name = own_name_take(&name);
	return 0;
}

/* Of a slotd that was killed, whose processes have it. */
static bool take_former(struct supervisor *sup, struct fcgi_socket *s)
{
	char name[KEPT_NAME_MAX], address[512];
	const char *path;

	s->fd = inherited_take_one(sup, kept_name(s->program, s->url, name, sizeof(name)));
	to_address(s->url, address, sizeof(address));
	path = address_text_path(address);
	if (s->fd >= 0 && path && own_name_note(&s->name, path) < 0) {
		cleanup_closep(&s->fd); /* nobody can find it any more */
	}
	return s->fd >= 0;
}

static void refresh(const struct program_config *program, const struct fcgi_socket *s)
{
	const struct listen_options options = options_of(program);
	struct diag diag = {0};

	if (listen_refresh(s->fd, &s->name, &options, &diag) < 0) {
		log_line(LOG_ERR, "%s", diag.text);
	}
}

static int make(struct supervisor *sup, const struct program_config *program, struct fcgi_socket *s,
		struct diag *diag)
{
	int r;

	if (!s->program || !s->url) {
		return -ENOMEM;
	}
	if (take_former(sup, s)) {
		refresh(program, s);
		return 0;
	}
	r = open_socket(program, s, diag);
	if (r == 0) {
		log_line(LOG_INFO, "Creating socket %s", program->socket);
	}
	return r;
}

static int add(struct supervisor *sup, const struct program_config *program,
	       struct fcgi_socket **ret)
{
	struct fcgi *f = fcgi_of(sup);
	struct fcgi_socket s = {
		.program = strdup(program->name),
		.url = strdup(program->socket),
		.fd = -EBADF,
	};
	struct diag diag = {0};
	int r = make(sup, program, &s, &diag);

	if (r == 0) {
		r = vec_push(&f->sockets, s);
	}
	if (r < 0) {
		log_line(LOG_ERR, "Could not create FastCGI socket %s: %s", program->socket,
			 diag.code ? diag.text : strerrordesc_np(-r));
		socket_done(&s);
		return r;
	}
	keep_socket(sup, &s);
	*ret = &f->sockets.at[f->sockets.len - 1];
	return 0;
}

int fcgi_stdin(struct process *p, int *ret_child)
{
	const struct program_config *program = p->config->program;
	struct fcgi *f = fcgi_of(p->sup);
	struct fcgi_socket *s = find(f, program->name);
	int r = 0;

	/* Since it was made, a reload may have changed what restarts its processes. */
	if (s && strcmp(s->url, program->socket) != 0) {
		log_line(LOG_INFO, "Closing socket %s", s->url);
		forget(p->sup, s);
		s = NULL;
	}
	if (s) {
		refresh(program, s);
	} else {
		r = add(p->sup, program, &s);
		lookout_look(p->sup);
	}
	if (r < 0) {
		return r;
	}
	*ret_child = fcntl(s->fd, F_DUPFD_CLOEXEC, 3);
	return *ret_child < 0 ? -errno : 0;
}

static bool is_of(const struct process *p, const char *program)
{
	return strcmp(p->config->program->name, program) == 0;
}

/* Also by one that ends and is to start again: clients wait in the queue meanwhile. */
static bool in_use(const struct supervisor *sup, const char *program)
{
	vec_for_each (p, &sup->processes) {
		if (*p && (process_exists(*p) || (*p)->restart) && is_of(*p, program)) {
			return true;
		}
	}
	return false;
}

/* slotd-keep has it until it hears that it is closed, and the next one may be made before that: so
 * it listens no more. Unless children are left, who may go on with it. */
static void shut_down(const struct fcgi_socket *s, pid_t group)
{
	if (group == 0 || process_group_ended(group)) {
		(void)shutdown(s->fd, SHUT_RD); /* or the next one is refused, and says so */
	}
}

void fcgi_ended(struct process *p, pid_t group)
{
	struct fcgi *f = fcgi_of(p->sup);
	struct fcgi_socket *s = find(f, p->config->program->name);

	if (s && !in_use(p->sup, s->program)) {
		log_line(LOG_INFO, "Closing socket %s", s->url);
		shut_down(s, group);
		forget(p->sup, s);
	}
}

/* ---- after a slotd was killed */

void fcgi_adopt(struct process *p)
{
	struct fcgi_socket *s;

	if (p->config->program->kind == PROGRAM_FCGI && process_exists(p) &&
	    !find(fcgi_of(p->sup), p->config->program->name)) {
		(void)add(p->sup, p->config->program, &s); /* said; they go on with theirs */
	}
}

/* ---- a name that went away */

static const struct program_config *program_of(const struct supervisor *sup, const char *name)
{
	vec_for_each (p, &sup->processes) {
		if (*p && is_of(*p, name)) {
			return (*p)->config->program;
		}
	}
	return NULL;
}

/* They accept on the old socket, which nobody can find any more. */
static void restart_processes(struct supervisor *sup, const char *program)
{
	vec_for_each (at, &sup->processes) {
		struct process *p = *at;

		if (p && process_exists(p) && is_of(p, program) &&
		    p->worker.state != WORKER_STOPPING) {
			p->restart = true;
			process_stop(p);
		}
	}
}

static void make_again(struct supervisor *sup, struct fcgi_socket *s)
{
	const struct program_config *program = program_of(sup, s->program);
	struct diag diag = {0};

	if (!program) {
		return; /* its last process is about to go */
	}
	if (open_socket(program, s, &diag) < 0) {
		lookout_failed(sup, &s->name, &diag);
		return;
	}
	keep_socket(sup, s);
	lookout_made(&s->name);
	log_line(LOG_WARNING, "%s: its processes have the old socket and are restarted",
		 s->program);
	restart_processes(sup, s->program);
}

void fcgi_look_after(struct supervisor *sup)
{
	struct fcgi *f = fcgi_of(sup);

	vec_for_each (s, &f->sockets) {
		if (s->name.path && !own_name_stands(&s->name)) {
			make_again(sup, s);
		}
		if (s->name.path) {
			lookout_watch(sup, &s->name);
		}
	}
}

int fcgi_init(struct supervisor *sup)
{
	sup->fcgi = calloc(1, sizeof(struct fcgi));
	return sup->fcgi ? 0 : -ENOMEM;
}

void fcgi_done(struct supervisor *sup)
{
	struct fcgi *f = sup->fcgi;

	if (!f) {
		return;
	}
	while (f->sockets.len) {
		forget(sup, &f->sockets.at[0]);
	}
	vec_done(&f->sockets);
	free(f);
	sup->fcgi = NULL;
}
