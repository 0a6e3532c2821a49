#include "service/sockets.h"
#include "link/inheritance.h"
#include "link/kept.h"
#include "link/lookout.h"
#include "service/handoff_ops.h"
#include "service/service.h"

#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/notify.h>
#include <slotd/ownname.h>

#include <stdio.h>
#include <string.h>

#define BIND_RETRY     SECONDS(5)
#define HOLDER_TIMEOUT SECONDS(60) /* all of /proc, on a busy machine; nobody waits for it */

enum {
	KEPT_NAME_MAX = sizeof(KEEP_LISTEN_PREFIX) + LEDGER_NAME_MAX * 2,
};

static const char *kept_name(const struct service *s, const char *address, char *buf, size_t size)
{
	(void)snprintf(buf, size, KEEP_LISTEN_PREFIX "%s %s", s->name, address);
	return buf;
}

static void keep_socket(struct service *s, const struct public_socket *socket)
{
	struct kept_fd kept = {.fd = socket->fd};
	char name[KEPT_NAME_MAX];

	(void)snprintf(kept.tag, sizeof(kept.tag), KEEP_TAG_SOCKET "%u", socket->index);
	keep_put(s->sup, kept_name(s, socket->address, name, sizeof(name)), &kept, 1);
}

struct listen_options service_listen_options(const struct service_config *c)
{
	return (struct listen_options){
		.backlog = c->backlog,
		.mode = c->socket_mode,
		.uid = c->socket_owner.uid,
		.gid = c->socket_owner.gid,
	};
}

static int take_ready(struct supervisor *sup, const char *address, struct own_name *ret_name)
{
	struct ready_sockets *ready = sup->ready_sockets;

	for (size_t i = 0; ready && i < ready->all.len; i++) {
		struct ready_socket *b = &ready->all.at[i];

		if (b->fd >= 0 && strcmp(b->address, address) == 0) {
			own_name_done(ret_name);
			*ret_name = own_name_take(&b->name);
			return TAKE_FD(b->fd);
		}
	}
	return -ENOENT;
}

/* Of a slotd that was killed: its relays accept on it, and know it by its number. */
static bool take_former(struct service *s, struct public_socket *socket)
{
	char name[KEPT_NAME_MAX];
	struct inherited *item =
		inherited_item(s->sup, kept_name(s, socket->address, name, sizeof(name)));
	int64_t index = item ? keep_tags_number(item->tags, 0, KEEP_TAG_SOCKET) : -ENOENT;
	const char *path = address_text_path(socket->address);

	if (index < 0 || item->fds[0] < 0 || (path && own_name_note(&socket->name, path) < 0)) {
		return false; /* nobody can find a socket whose name has gone */
	}
	socket->fd = TAKE_FD(item->fds[0]);
	socket->index = (uint32_t)index;
	if (s->next_socket <= socket->index) {
		s->next_socket = socket->index + 1;
	}
	return true;
}

/* systemd has it, too, and goes on with that. */
static void share_with_systemd(struct public_socket *socket)
{
	auto_close int held = notify_take_listener(socket->address);

	if (held < 0) {
		notify_store_listener(socket->address, socket->fd);
	} else {
		own_name_done(&socket->name); /* a path is systemd's */
	}
}

static void refresh(struct service *s, const struct public_socket *socket)
{
	const struct listen_options options = service_listen_options(s->config);
	struct diag diag = {0};

	if (listen_refresh(socket->fd, &socket->name, &options, &diag) < 0) {
		service_say(s, LOG_ERR, "%s", diag.text);
	}
}

static int open_socket(struct service *s, struct public_socket *socket, struct diag *diag)
{
	struct listen_options options = service_listen_options(s->config);
	int r = 0, fd;

	if (take_former(s, socket)) {
		share_with_systemd(socket);
		refresh(s, socket);
		return 0;
	}
	fd = take_ready(s->sup, socket->address, &socket->name);
	if (fd < 0) {
		fd = notify_take_listener(socket->address);
		if (fd >= 0) {
			socket->fd = fd;
			(void)listen_again(fd, &options); /* at worst its backlog stays */
			return 0;
		}
		options.nameless = true;
		r = listen_open(socket->address, &options, diag, &fd, &socket->name);
	}
	if (r == 0) {
		socket->fd = fd;
		notify_store_listener(socket->address, fd);
	}
	return r;
}

/* ---- what is taken ---- */

static void explain(struct service *s)
{
	char why[SERVICE_WHY_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; i < s->sockets.len && used < sizeof(why); i++) {
		if (s->sockets.at[i].fd < 0) {
			used += (size_t)snprintf(why + used, sizeof(why) - used, "%s%s",
						 used ? "; " : "", s->sockets.at[i].why);
		}
	}
	service_explain(s, TROUBLE_ADDRESS, "%s", why);
}

static void say_refused(struct service *s, struct public_socket *socket, const char *why)
{
	(void)snprintf(socket->why, sizeof(socket->why), "%s", why);
	service_say(s, LOG_ERR, "%s; trying again every 5 s", why);
}

/* A child's: all of /proc is looked through. One line each: the address, a space, its holder. */
static int look_for_holders(void *data)
{
	const struct service *s = data;
	char holder[128];

	vec_for_each (socket, &s->sockets) {
		if (socket->taken) {
			(void)dprintf(STDOUT_FILENO, "%s %s\n", socket->address,
				      listen_holder(socket->address, holder, sizeof(holder)));
		}
	}
	return 0;
}

/* What has no holder by now is free, and soon ours. */
static const char *find_holder(const struct holders *h, const char *address)
{
	size_t len = strlen(address);

	for (const char *line = h->said; *line; line += strcspn(line, "\n") + 1) {
		if (strncmp(line, address, len) == 0 && line[len] == ' ') {
			return line + len + 1;
		}
		if (!line[strcspn(line, "\n")]) {
			break;
		}
	}
	return "another process\n";
}

static void name_holders(struct service *s)
{
	vec_for_each (socket, &s->sockets) {
		const char *holder = find_holder(&s->holders, socket->address);
		char why[SERVICE_WHY_MAX];

		if (socket->taken && !socket->named) {
			socket->named = true;
			(void)snprintf(why, sizeof(why), "%s is held by %.*s", socket->address,
				       (int)strcspn(holder, "\n"), holder);
			say_refused(s, socket, why);
		}
	}
	explain(s);
}

static void on_holders_output(struct child *c, const char *data, size_t len)
{
	struct holders *h = container_of(c, struct holders, child);

	child_keep_output(h->said, sizeof(h->said), &h->n_said, data, len);
}

static void on_holders_known(struct child *c, const struct child_result *result)
{
	(void)result; /* whatever it did not say is not known */
	name_holders(container_of(c, struct service, holders.child));
}

/* They are named once: who holds an address is often about to leave, and /proc is long. */
static void ask_for_holders(struct service *s)
{
	struct child_spec spec = CHILD_SPEC_INIT;

	if (child_running(&s->holders.child)) {
		return;
	}
	s->holders.n_said = 0;
	s->holders.said[0] = '\0';
	spec.spawn.run = look_for_holders;
	spec.spawn.data = s;
	spec.timeout = HOLDER_TIMEOUT;
	spec.done = on_holders_known;
	spec.output = on_holders_output;
	if (child_run(&s->sup->children, &s->holders.child, &spec) < 0) {
		name_holders(s);
	}
}

/* ---- opening ---- */

static void opened(struct service *s, struct public_socket *socket)
{
	socket->taken = false;
	socket->why[0] = '\0';
	keep_socket(s, socket);
	s->sup->handoff->socket(s, socket);
	lookout_look(s->sup);
	service_say(s, LOG_INFO,
		    socket->preview ? "listening on %s, for the idle slot" : "listening on %s",
		    socket->address);
}

/* Taken addresses are tried again: whoever holds one is often about to leave. */
static bool try_open(struct service *s, struct public_socket *socket)
{
	struct diag diag = {0};
	int r;

	if (socket->taken && !listen_is_free(socket->address)) {
		return false;
	}
	r = open_socket(s, socket, &diag);
	if (r == 0) {
		opened(s, socket);
	} else if (r == -EADDRINUSE && !address_text_path(socket->address)) {
		socket->taken = true;
		socket->named = false;
		(void)snprintf(socket->why, sizeof(socket->why), "%s is held by another process",
			       socket->address);
	} else {
		socket->taken = false;
		if (strcmp(diag.text, socket->why) != 0) {
			say_refused(s, socket, diag.text);
		}
	}
	return r == 0;
}

void sockets_open(struct service *s)
{
	bool all = true, unnamed = false;

	vec_for_each (socket, &s->sockets) {
		if (socket->untold) {
			socket->untold = false;
			s->sup->handoff->socket(s, socket);
		}
		if (socket->fd < 0) {
			all = try_open(s, socket) && all;
			unnamed = unnamed || (socket->taken && !socket->named);
		}
	}
	explain(s);
	if (unnamed) {
		ask_for_holders(s);
	}
	loop_timer_set(s->sup->loop, &s->bind_timer,
		       all ? USEC_NEVER : usec_add(usec_monotonic(), BIND_RETRY));
}

static void on_bind_timer(struct loop_timer *t)
{
	sockets_open(container_of(t, struct service, bind_timer));
}

static void close_socket(struct service *s, struct public_socket *socket)
{
	int fd = TAKE_FD(socket->fd);

	lookout_let_go(s->sup, &socket->name);
	keep_socket(s, socket);
	if (fd >= 0 && s->sup->mood == MOOD_RESTARTING) {
		notify_hand_on(socket->address, TAKE_FD(fd));
	} else if (s->sup->mood == MOOD_RUNNING && !s->sup->leaving) {
		notify_drop_listener(socket->address);
	}
	cleanup_closep(&fd);
	free(socket->address);
}

void sockets_close(struct service *s)
{
	loop_timer_stop(s->sup->loop, &s->bind_timer);
	child_abandon(&s->holders.child);
	vec_for_each (socket, &s->sockets) {
		close_socket(s, socket);
	}
	vec_done(&s->sockets);
}

static bool lists(const struct service_config *c, const char *address, bool *ret_preview)
{
	for (size_t i = 0; i < c->listen.len; i++) {
		if (strcmp(c->listen.at[i], address) == 0) {
			*ret_preview = service_is_preview(c, i);
			return true;
		}
	}
	return false;
}

/* From listen to preview_listen, or back. The relays know what it is now by another number, and
 * serve who has connected before as it was. */
static void change_role(struct service *s, struct public_socket *socket, bool preview)
{
	if (socket->fd >= 0) {
		s->sup->handoff->socket_gone(s, socket);
	}
	socket->preview = preview;
	socket->index = s->next_socket++;
	if (socket->fd >= 0) {
		socket->untold = true; /* once it knows whether there is a preview */
		keep_socket(s, socket);
	}
}

static void sockets_drop(struct service *s)
{
	for (size_t i = s->sockets.len; i > 0; i--) {
		struct public_socket *socket = &s->sockets.at[i - 1];
		bool preview;

		if (lists(s->config, socket->address, &preview)) {
			if (preview != socket->preview) {
				change_role(s, socket, preview);
			}
		} else {
			service_say(s, LOG_INFO, "no longer listening on %s", socket->address);
			s->sup->handoff->socket_gone(s, socket);
			close_socket(s, socket);
			vec_remove(&s->sockets, i - 1);
		}
	}
}

static bool has_socket(const struct service *s, const char *address)
{
	vec_for_each (socket, &s->sockets) {
		if (strcmp(socket->address, address) == 0) {
			return true;
		}
	}
	return false;
}

/* Who has connected to the old one is served; nobody else can find it. The relays know the new one
 * by another number, for each closes the old one when its queue is empty. */
static void make_again(struct service *s, struct public_socket *socket)
{
	const struct listen_options options = service_listen_options(s->config);
	struct diag diag = {0};
	int fd;

	if (listen_open(socket->address, &options, &diag, &fd, &socket->name) < 0) {
		lookout_failed(s->sup, &socket->name, &diag);
		return;
	}
	s->sup->handoff->socket_gone(s, socket);
	cleanup_closep(&socket->fd);
	socket->fd = fd;
	socket->index = s->next_socket++;
	keep_socket(s, socket);
	s->sup->handoff->socket(s, socket);
	lookout_made(&socket->name);
}

void services_look_after(struct supervisor *sup)
{
	vec_for_each (s, &sup->services) {
		vec_for_each (socket, &(*s)->sockets) {
			if (socket->name.path && !own_name_stands(&socket->name)) {
				make_again(*s, socket);
			}
			if (socket->name.path) {
				lookout_watch(sup, &socket->name);
			}
		}
	}
}

static int sockets_add(struct service *s)
{
	for (size_t i = 0; i < s->config->listen.len; i++) {
		const char *address = s->config->listen.at[i];
		struct public_socket socket = {.index = s->next_socket,
					       .preview = service_is_preview(s->config, i),
					       .fd = -EBADF};

		if (has_socket(s, address)) {
			continue;
		}
		socket.address = strdup(address);
		if (!socket.address || vec_push(&s->sockets, socket) < 0) {
			free(socket.address);
			return -ENOMEM;
		}
		s->next_socket++;
	}
	return 0;
}

int sockets_init(struct service *s)
{
	loop_timer_init(&s->bind_timer, on_bind_timer);
	return sockets_add(s);
}

void sockets_reconfigure(struct service *s)
{
	sockets_drop(s);
	vec_for_each (socket, &s->sockets) {
		if (socket->fd >= 0) {
			refresh(s, socket);
		}
	}
	if (sockets_add(s) < 0) {
		service_say(s, LOG_ERR, "out of memory: not all addresses are listened on");
	}
}
