#include "service/sockets.h"
#include "link/helpers.h"
#include "link/lookout.h"
#include "service/handoff_ops.h"
#include "service/service.h"

#include <slotd/cleanup.h>
#include <slotd/keep.h>
#include <slotd/notify.h>
#include <slotd/ownname.h>

#include <stdio.h>
#include <string.h>

#define BIND_RETRY SECONDS(5)

static void keep_socket(struct service *s, const struct public_socket *socket)
{
	char name[sizeof(KEEP_LISTEN_PREFIX) + LEDGER_NAME_MAX * 2];

	(void)snprintf(name, sizeof(name), KEEP_LISTEN_PREFIX "%s %s", s->name, socket->address);
	if (socket->fd >= 0) {
		keep_put_one(s->sup, name, socket->fd);
	} else {
		keep_drop(s->sup, name);
	}
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

static int open_socket(struct service *s, struct public_socket *socket, struct diag *diag)
{
	const struct listen_options options = service_listen_options(s->config);

	socket->fd = take_ready(s->sup, socket->address, &socket->name);
	if (socket->fd < 0) {
		socket->fd = notify_take_listener(socket->address);
	}
	if (socket->fd >= 0) {
		return 0;
	}
	socket->fd = -EBADF;
	return listen_open(socket->address, &options, diag, &socket->fd, &socket->name);
}

/* Taken addresses are tried again: whoever holds one is often about to leave. */
void sockets_open(struct service *s)
{
	char note[SERVICE_NOTE_MAX] = "";
	bool all = true;

	for (size_t i = 0; i < s->sockets.len; i++) {
		struct diag diag = {0};

		if (s->sockets.at[i].fd >= 0) {
			continue;
		}
		if (strstr(s->note, "trying again") && !listen_is_free(s->sockets.at[i].address)) {
			all = false; /* who holds it was told: looking again takes long */
			(void)snprintf(note, sizeof(note), "%s", s->note);
			continue;
		}
		if (open_socket(s, &s->sockets.at[i], &diag) == 0) {
			keep_socket(s, &s->sockets.at[i]);
			s->sup->handoff->socket(s, &s->sockets.at[i]);
			lookout_look(s->sup);
			service_say(s, LOG_INFO, "listening on %s", s->sockets.at[i].address);
		} else {
			all = false;
			(void)snprintf(note, sizeof(note), "%s; trying again every 5 s", diag.text);
		}
	}
	if (*note && strcmp(note, s->note) != 0) {
		service_say(s, LOG_ERR, "%s", note);
	}
	if (*note || strstr(s->note, "trying again")) {
		service_set_note(s, "%s", note);
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

	own_name_remove(&socket->name);
	keep_socket(s, socket);
	cleanup_closep(&fd);
	free(socket->address);
}

void sockets_close(struct service *s)
{
	loop_timer_stop(s->sup->loop, &s->bind_timer);
	vec_for_each (socket, &s->sockets) {
		close_socket(s, socket);
	}
	vec_done(&s->sockets);
}

static bool lists(const struct service_config *c, const char *address)
{
	vec_for_each (a, &c->listen) {
		if (strcmp(*a, address) == 0) {
			return true;
		}
	}
	return false;
}

static void sockets_drop(struct service *s)
{
	for (size_t i = s->sockets.len; i > 0; i--) {
		struct public_socket *socket = &s->sockets.at[i - 1];

		if (!lists(s->config, socket->address)) {
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
	vec_for_each (address, &s->config->listen) {
		struct public_socket socket = {.index = s->next_socket, .fd = -EBADF};

		if (has_socket(s, *address)) {
			continue;
		}
		socket.address = strdup(*address);
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
	if (sockets_add(s) < 0) {
		service_say(s, LOG_ERR, "out of memory: not all addresses are listened on");
	}
}
