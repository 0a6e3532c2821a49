#include "link/servers.h"
#include "link/helpers.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "link/lookout.h"

#include <slotd/access.h>
#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/listen.h>
#include <slotd/notify.h>
#include <slotd/ownname.h>
#include <slotd/strbuf.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* slotd binds what slotd-control serves: it alone may, and the queues survive slotd-control. */

enum {
	BACKLOG = 1024,
	KEPT_NAME_MAX = sizeof(KEEP_SERVER_PREFIX) + ADDRESS_TEXT_MAX,
	OWN_MODE_ROOT = 0600,
	OWN_MODE_ALL = 0666, /* where an allow_deploy exists: each request is judged */
};

struct server {
	int fd;
	struct own_name name; /* of a unix socket; empty: systemd passed it */
	char *address, *section, *username, *password;
	mode_t mode;
	uid_t uid; /* -1: as it comes */
	gid_t gid;
};

struct servers {
	VEC(struct server) list;    /* by index; SERVER_OWN first */
	struct log_once roles_told; /* that they could not be sent */
};

static struct servers *servers_of(const struct supervisor *sup)
{
	return sup->servers;
}

static int bind_inet(int fd, const struct address *a)
{
	int one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* [::] means the same as in listen= of a service */
	if (address_family(a) == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0) {
		return -errno;
	}
	if (bind(fd, (const struct sockaddr *)&a->sa, a->len) < 0 || listen(fd, BACKLOG) < 0) {
		return -errno;
	}
	return 0;
}

static int bind_unix(int fd, const char *path, struct server *s, struct diag *diag)
{
	const struct listen_options options = {
		.backlog = BACKLOG,
		.mode = s->mode,
		.uid = s->uid,
		.gid = s->gid,
	};

	return listen_unix(fd, path, &options, diag, &s->name);
}

static int refuse(const struct server *s, int r, struct diag *diag)
{
	char holder[128];

	if (r == -EADDRINUSE) {
		return diag_set(diag, r,
				"%s is held by %s: Another program is already listening on a port "
				"that one of our HTTP servers is configured to use.  Shut this "
				"program down first before starting supervisord.",
				s->address, listen_holder(s->address, holder, sizeof(holder)));
	}
	if (r == -EPERM) {
		return r; /* chown=, a link: said as it is */
	}
	if (address_text_path(s->address)) {
		return diag_prefix(diag,
				   "Cannot open an HTTP server: socket.error reported "
				   "errno.%s (%d)",
				   strerrorname_np(-r), -r);
	}
	return diag_set(diag, r,
			"Cannot open an HTTP server: %s: socket.error reported errno.%s (%d)",
			s->address, strerrorname_np(-r), -r);
}

static int open_server(struct server *s, struct diag *diag)
{
	const char *path = address_text_path(s->address);
	auto_close int fd = -EBADF;
	struct address a;
	int r = address_parse(s->address, &a);

	if (r < 0) {
		return diag_set_errno(diag, r, "cannot serve %s", s->address);
	}
	fd = socket(address_family(&a), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return diag_set_errno(diag, -errno, "cannot serve %s", s->address);
	}
	r = path ? bind_unix(fd, path, s, diag) : bind_inet(fd, &a);
	if (r < 0) {
		return refuse(s, r, diag);
	}
	s->fd = TAKE_FD(fd);
	return 0;
}

static bool nobody_named(const struct owner *owner)
{
	return owner->uid == (uid_t)-1 && owner->gid == (gid_t)-1;
}

/* chown= says whose it is, else it is as if slotd had bound it as the user that it becomes. */
static void choose_owner(struct server *s, const struct owner *chosen, const struct owner *user)
{
	const struct owner *owner = nobody_named(chosen) ? user : chosen;

	s->uid = owner->uid;
	s->gid = owner->gid;
}

static void server_free(struct server *s)
{
	cleanup_closep(&s->fd);
	free(s->address);
	free(s->section);
	free(s->username);
	free(s->password);
}

/* One that was not listed. */
static void server_done(struct server *s)
{
	own_name_remove(&s->name);
	server_free(s);
}

static int copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

static const char *kept_name(const struct server *s, char *buf, size_t size)
{
	(void)snprintf(buf, size, KEEP_SERVER_PREFIX "%s", s->address);
	return buf;
}

static void keep_server(struct supervisor *sup, const struct server *s)
{
	char name[KEPT_NAME_MAX];

	keep_put_one(sup, kept_name(s, name, sizeof(name)), s->fd);
}

/* Of a slotd that was killed: who waits in its queue is served. */
static bool take_former(struct supervisor *sup, struct server *s)
{
	const struct listen_options options = {.mode = s->mode, .uid = s->uid, .gid = s->gid};
	const char *path = address_text_path(s->address);
	char name[KEPT_NAME_MAX];

	s->fd = inherited_take_one(sup, kept_name(s, name, sizeof(name)));
	if (s->fd < 0 || !path) {
		return s->fd >= 0;
	}
	if (own_name_note(&s->name, path) < 0 || listen_give(&s->name, &options, NULL) < 0) {
		own_name_done(&s->name);
		cleanup_closep(&s->fd); /* nobody can find it any more */
	}
	return s->fd >= 0;
}

static int take_or_open(struct supervisor *sup, struct server *s, struct diag *diag)
{
	s->fd = notify_take_listener(s->address);
	return s->fd >= 0 || take_former(sup, s) ? 0 : open_server(s, diag);
}

static int add(struct supervisor *sup, const struct server_config *c, struct diag *diag)
{
	CLEANUP(server_done) struct server s = {.fd = -EBADF, .mode = c->mode};
	int r;

	if (copy_text(&s.address, c->address) < 0 || copy_text(&s.section, c->section) < 0 ||
	    copy_text(&s.username, c->username) < 0 || copy_text(&s.password, c->password) < 0) {
		return diag_set_errno(diag, -ENOMEM, "cannot serve %s", c->address);
	}
	choose_owner(&s, &c->owner, &sup->config->supervisord.user);
	r = take_or_open(sup, &s, diag);
	if (r < 0) {
		return r;
	}
	r = vec_push(&servers_of(sup)->list, s);
	if (r < 0) {
		return diag_set_errno(diag, r, "cannot serve %s", c->address);
	}
	keep_server(sup, &s);
	s = (struct server){.fd = -EBADF};
	return 0;
}

/* Each request is judged. */
static mode_t own_mode(const struct config *config)
{
	if (config->grants.len) {
		return OWN_MODE_ALL;
	}
	vec_for_each (s, &config->services) {
		if ((*s)->allow_deploy) {
			return OWN_MODE_ALL;
		}
	}
	return OWN_MODE_ROOT;
}

int servers_init(struct supervisor *sup, struct diag *diag)
{
	char address[ADDRESS_TEXT_MAX], section[] = "slotd";
	struct server_config own = {.section = section,
				    .unix_socket = true,
				    .address = address,
				    .mode = own_mode(sup->config),
				    .owner = {.uid = (uid_t)-1, .gid = (gid_t)-1}};
	int r;

	sup->servers = calloc(1, sizeof(struct servers));
	if (!sup->servers) {
		return diag_set_errno(diag, -ENOMEM, "no control sockets");
	}
	(void)snprintf(address, sizeof(address), "unix:%s/slotd.sock",
		       sup->config->supervisord.run_dir);
	r = add(sup, &own, diag);
	vec_for_each (c, &sup->config->servers) {
		if (r == 0) {
			r = add(sup, c, diag);
		}
		if (r == 0 && !c->username) {
			log_line(LOG_CRIT,
				 "Server '%s' running without any HTTP authentication checking",
				 c->section);
		}
	}
	return r;
}

static void tell(struct helper *control, const struct server *s, size_t index)
{
	struct message m;

	message_init(&m, MSG_CONTROL_LISTEN, 0);
	message_put_u64(&m, TAG_INDEX, index);
	message_put_text(&m, TAG_ADDRESS, s->address);
	message_put_text(&m, TAG_SECTION, s->section);
	message_put_text(&m, TAG_USERNAME, s->username);
	message_put_text(&m, TAG_PASSWORD, s->password);
	message_put_u64(&m, TAG_MODE, s->mode);
	message_put_fd(&m, s->fd);
	helper_tell(control, &m);
}

static int add_grant(struct strbuf *to, const struct grant *g)
{
	char line[GRANT_TEXT_MAX];

	return strbuf_add(to, line, grant_format(g, line, sizeof(line)));
}

/* allow_deploy is the role deploy for that service. */
static int add_deployers(struct strbuf *to, const struct service_config *s)
{
	int r = 0;

	for (unsigned i = 0; r >= 0 && i < s->n_allow_uids; i++) {
		r = add_grant(to, &(struct grant){ROLE_DEPLOY, false, s->allow_uids[i], s->name});
	}
	for (unsigned i = 0; r >= 0 && i < s->n_allow_gids; i++) {
		r = add_grant(to, &(struct grant){ROLE_DEPLOY, true, s->allow_gids[i], s->name});
	}
	return r;
}

/* What does not fit, or cannot be said, is a role less, never one more. */
static void tell_access(struct helper *control, const struct config *config)
{
	CLEANUP(strbuf_done) struct strbuf text = {.max = MESSAGE_BYTES_MAX - 1};
	struct message m;
	int r = 0;

	vec_for_each (g, &config->grants) {
		r = r < 0 ? r : add_grant(&text, g);
	}
	vec_for_each (s, &config->services) {
		r = r < 0 ? r : add_deployers(&text, *s);
	}
	if (text.error && log_once(&servers_of(control->sup)->roles_told, usec_monotonic(), NULL)) {
		log_line(LOG_ERR, "slotd-control does not know who may read: %s",
			 strerror(-text.error));
	}
	if (text.error == -ENOMEM) { /* said once more; a running one keeps what it knows */
		helper_missed(control, text.error, true);
		return;
	}
	message_init(&m, MSG_CONTROL_ACCESS, 0);
	message_put_u64(&m, TAG_UID, geteuid());
	message_put_u64(&m, TAG_STATE, config->grants.len != 0);
	message_put_text(&m, TAG_TEXT, text.error ? "" : strbuf_str(&text));
	helper_tell(control, &m);
}

/* Nobody can find a socket whose name was removed: another takes its place. */
static void make_again(struct supervisor *sup, struct server *s, size_t index)
{
	auto_close int old = TAKE_FD(s->fd);
	struct diag diag = {0};

	if (open_server(s, &diag) < 0) {
		s->fd = TAKE_FD(old);
		lookout_failed(sup, &s->name, &diag);
		return;
	}
	keep_server(sup, s);
	tell(helper_of(sup, HELPER_CONTROL), s, index);
	lookout_made(&s->name);
}

void servers_look_after(struct supervisor *sup)
{
	struct servers *all = servers_of(sup);

	for (size_t i = 0; i < all->list.len; i++) {
		struct server *s = &all->list.at[i];

		if (s->name.path && !own_name_stands(&s->name)) {
			make_again(sup, s, i);
		}
		if (s->name.path) {
			lookout_watch(sup, &s->name);
		}
	}
}

/* ---- a reload */

static bool is_as(const struct server *s, const struct server_config *c, const struct owner *user)
{
	struct server next = {0};

	choose_owner(&next, &c->owner, user);
	return s->mode == c->mode && s->uid == next.uid && s->gid == next.gid &&
	       config_same_text(s->username, c->username) &&
	       config_same_text(s->password, c->password);
}

static const struct server *find_running(const struct supervisor *sup, const char *address)
{
	const struct servers *all = servers_of(sup);

	for (size_t i = SERVER_OWN + 1; i < all->list.len; i++) {
		if (strcmp(all->list.at[i].address, address) == 0) {
			return &all->list.at[i];
		}
	}
	return NULL;
}

static bool is_wanted(const struct config *next, const struct server *s)
{
	vec_for_each (c, &next->servers) {
		if (strcmp(c->address, s->address) == 0) {
			return true;
		}
	}
	return false;
}

static void say_pending(const char *section, const char *what, servers_pending_fn *say, void *arg)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		       "[%s] %s, which needs a restart of slotd: until then clients are let in as "
		       "before; slotctl upgrade --force keeps the workers",
		       section, what);
	say(arg, text);
}

void servers_pending(const struct supervisor *sup, const struct config *next,
		     servers_pending_fn *say, void *arg)
{
	const struct servers *all = servers_of(sup);

	vec_for_each (c, &next->servers) {
		const struct server *s = find_running(sup, c->address);

		if (!s) {
			say_pending(c->section, "was added or has another address", say, arg);
		} else if (!is_as(s, c, &next->supervisord.user)) {
			say_pending(c->section, "has changed", say, arg);
		}
	}
	for (size_t i = SERVER_OWN + 1; i < all->list.len; i++) {
		if (!is_wanted(next, &all->list.at[i])) {
			say_pending(all->list.at[i].section, "was removed or has another address",
				    say, arg);
		}
	}
}

void servers_reconfigure(struct supervisor *sup)
{
	struct server *own = &servers_of(sup)->list.at[SERVER_OWN];
	struct helper *control = helper_of(sup, HELPER_CONTROL);
	mode_t mode = own_mode(sup->config);

	if (control && channel_open(&control->channel)) {
		tell_access(control, sup->config);
	}
	if (!own->name.path || own->mode == mode) {
		return;
	}
	if (own_name_stands(&own->name) &&
	    fchmodat(AT_FDCWD, own->name.real, mode, AT_SYMLINK_NOFOLLOW) < 0) {
		log_line(LOG_ERR, "%s: cannot change its mode: %s", own->address, strerror(errno));
		return;
	}
	own->mode = mode; /* also of one that is still to be made again */
}

void servers_done(struct supervisor *sup)
{
	struct servers *all = servers_of(sup);

	if (!all) {
		return;
	}
	vec_for_each (s, &all->list) {
		lookout_let_go(sup, &s->name);
		server_free(s);
	}
	vec_done(&all->list);
	free(all);
	sup->servers = NULL;
}

void servers_refill(struct supervisor *sup, struct helper *control)
{
	struct servers *all = servers_of(sup);

	tell_access(control, sup->config); /* first: nobody is let in before */
	for (size_t i = 0; i < all->list.len; i++) {
		tell(control, &all->list.at[i], i);
	}
}
