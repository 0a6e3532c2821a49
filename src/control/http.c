#include "http.h"

#include "client.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

enum {
	ACCEPTS_PER_TURN = 16,
};

/* ---- libmicrohttpd in our loop */

static void run_daemon(struct http *h)
{
	unsigned MHD_LONG_LONG ms;

	(void)MHD_run(h->daemon);
	if (MHD_get_timeout(h->daemon, &ms) == MHD_YES) {
		loop_timer_set(h->loop, &h->timer, usec_add(usec_monotonic(), MSECONDS(ms)));
	} else {
		loop_timer_stop(h->loop, &h->timer);
	}
}

static void on_io(struct loop_io *io, unsigned events)
{
	(void)events;
	run_daemon(container_of(io, struct http, io));
}

static void on_timer(struct loop_timer *t)
{
	run_daemon(container_of(t, struct http, timer));
}

static void on_turn(struct loop_idle *idle)
{
	run_daemon(container_of(idle, struct http, turn));
}

void http_flush(struct http *h)
{
	/* Once to take resumed connections up, once to write; what the peer does not take stays. */
	for (int i = 0; i < 3; i++) {
		(void)MHD_run(h->daemon);
	}
}

/* ---- clients */

static void link_last(struct client *c)
{
	struct server *s = c->server;

	c->next = NULL;
	c->previous = s->last;
	if (s->last) {
		s->last->next = c;
	} else {
		s->first = c;
	}
	s->last = c;
}

static void unlink_client(struct client *c)
{
	struct server *s = c->server;

	if (c->previous) {
		c->previous->next = c->next;
	} else {
		s->first = c->next;
	}
	if (c->next) {
		c->next->previous = c->previous;
	} else {
		s->last = c->previous;
	}
}

static void watch_server(struct server *s)
{
	if (s->http->accepting && !s->gone) {
		loop_io_set(s->http->loop, &s->io, s->fd, LOOP_READ);
	}
}

static struct server *server_free(struct server *s)
{
	struct http *h = s->http;

	for (size_t i = 0; i < h->servers.len; i++) {
		if (h->servers.at[i] == s) {
			vec_remove(&h->servers, i);
			break;
		}
	}
	loop_io_stop(s->http->loop, &s->io);
	cleanup_closep(&s->fd);
	auth_done(&s->auth);
	free(s);
	return NULL;
}

static void on_deadline(struct loop_timer *t)
{
	client_close(container_of(t, struct client, deadline));
}

static struct client *client_new(struct server *s, int fd)
{
	socklen_t len = sizeof(struct ucred);
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		return NULL;
	}
	c->server = s;
	c->fd = fd;
	c->peer.server = s->index;
	c->peer.has_credentials = s->unix_socket && getsockopt(fd, SOL_SOCKET, SO_PEERCRED,
							       &c->peer.credentials, &len) == 0;
	loop_timer_init(&c->deadline, on_deadline);
	link_last(c);
	s->n_clients++;
	return c;
}

static void client_free(struct client *c)
{
	struct server *s = c->server;

	if (c->watched) {
		(void)epoll_ctl(s->http->gone_fd, EPOLL_CTL_DEL, c->fd, NULL);
	}
	loop_timer_stop(s->http->loop, &c->deadline);
	unlink_client(c);
	s->n_clients -= c->closing ? 0 : 1;
	free(c);
	if (s->gone && !s->first) {
		server_free(s);
	} else {
		watch_server(s);
	}
}

void client_close(struct client *c)
{
	if (!c->closing) {
		c->closing = true;
		c->server->n_clients--;
		(void)shutdown(c->fd, SHUT_RDWR);
	}
}

void client_rest(struct client *c)
{
	unlink_client(c);
	link_last(c);
	if (!c->good) {
		client_hurry(c);
	}
	watch_server(c->server);
}

void client_hurry(struct client *c)
{
	loop_timer_set(c->server->http->loop, &c->deadline,
		       usec_add(usec_monotonic(), SECONDS(HTTP_REQUEST_SECONDS)));
}

/* A suspended connection is not read, so its end would go unnoticed. Edge-triggered: what the
 * client sends meanwhile wakes nobody. */
void client_watch(struct client *c)
{
	struct epoll_event e = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = c};

	if (!c->watched) {
		c->watched = epoll_ctl(c->server->http->gone_fd, EPOLL_CTL_ADD, c->fd, &e) == 0;
	}
}

static void on_gone(struct loop_io *io, unsigned events)
{
	struct http *h = container_of(io, struct http, gone_io);
	struct epoll_event e;

	(void)events;
	/* One at a time: what follows from one may free others. */
	while (epoll_wait(h->gone_fd, &e, 1, 0) == 1) {
		struct client *c = e.data.ptr;

		c->left = true;
		if (c->rq) {
			request_abandon(c->rq);
		}
	}
}

static void on_connection(void *data, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http *h = data;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		h->arriving->connection = connection;
		*context = TAKE_PTR(h->arriving);
	} else if (*context) {
		client_free(TAKE_PTR(*(struct client **)context));
	}
}

/* The request line is here: the headers must follow. Once decoded a NUL would hide what is behind
 * it. */
static void *on_request_line(void *data, const char *uri, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct client *c = info->socket_context;

	(void)data;
	c->nul = strstr(uri, "%00") != NULL;
	client_hurry(c);
	return NULL; /* becomes the request's context: none yet */
}

/* ---- servers */

/* What a client has just sent may lie unread: it is not idle. */
static struct client *idle_client(struct server *s, bool good)
{
	for (struct client *c = s->first; c; c = c->next) {
		if (!c->rq && !c->closing && c->good == good && !io_has_bytes(c->fd)) {
			return c;
		}
	}
	return NULL;
}

/* Is there one without a request, though something of it lies unread? Its turn comes at once. */
static bool somebody_speaks(const struct server *s)
{
	for (const struct client *c = s->first; c; c = c->next) {
		if (!c->rq && !c->closing) {
			return true;
		}
	}
	return false;
}

/* At the limit the longest idle client goes, first of those who never were let in. */
static bool make_room(struct server *s)
{
	struct pollfd waiting = {.fd = s->fd, .events = POLLIN};
	struct client *c;

	if (s->n_clients < HTTP_CLIENTS_MAX || poll(&waiting, 1, 0) <= 0) {
		return true; /* or nobody needs it */
	}
	c = idle_client(s, false);
	c = c ? c : idle_client(s, true);
	if (c) {
		client_close(c);
	}
	return c != NULL;
}

static void add_client(struct server *s, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct http *h = s->http;
	struct client *c = client_new(s, fd);

	if (!c) {
		(void)close(fd);
		return;
	}
	client_hurry(c);
	h->arriving = c;
	if (MHD_add_connection(h->daemon, fd, sa, len) != MHD_YES && h->arriving) {
		c->watched = false;
		client_free(TAKE_PTR(h->arriving));
	}
	loop_idle_queue(h->loop, &h->turn);
}

static void on_accept_again(struct loop_timer *t)
{
	struct http *h = container_of(t, struct http, accept_again);

	vec_for_each (s, &h->servers) {
		watch_server(*s);
	}
}

/* No descriptor is free: the listening sockets stay readable, so look away for a while. */
static void exhausted(struct http *h, int error)
{
	if (log_once(&h->exhausted, usec_monotonic(), NULL)) {
		log_line(LOG_ERR, "cannot take connections: %s", strerror(error));
	}
	vec_for_each (s, &h->servers) {
		struct client *idle = idle_client(*s, false);

		loop_io_stop(h->loop, &(*s)->io);
		if (idle) {
			client_close(idle);
		}
	}
	loop_timer_set(h->loop, &h->accept_again, usec_add(usec_monotonic(), MSECONDS(200)));
}

static void on_acceptable(struct loop_io *io, unsigned events)
{
	struct server *s = container_of(io, struct server, io);

	(void)events;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		struct sockaddr_storage sa;
		socklen_t len = sizeof(sa);
		int fd;

		if (!make_room(s)) {
			if (!somebody_speaks(
				    s)) { /* all are busy: who rests or ends lets it go on */
				loop_io_stop(s->http->loop, &s->io);
			}
			return;
		}
		fd = accept4(s->fd, (struct sockaddr *)&sa, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			add_client(s, fd, (struct sockaddr *)&sa, len);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			exhausted(s->http, errno);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

/* It is freed with its last client. */
static void listen_no_more(struct server *s)
{
	loop_io_stop(s->http->loop, &s->io);
	cleanup_closep(&s->fd);
	s->gone = true;
	if (!s->first) {
		server_free(s);
	}
}

static struct server *find_server(const struct http *h, uint64_t index, size_t *ret_listening)
{
	struct server *found = NULL;

	*ret_listening = 0;
	vec_for_each (s, &h->servers) {
		*ret_listening += !(*s)->gone;
		found = (*s)->index == index && !(*s)->gone ? *s : found;
	}
	return found;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* slotd says all once more now and then. */
static bool is_as(const struct server *s, int fd, const char *username, const char *password)
{
	const bool asks = username && password;
	struct stat ours, theirs;

	return fstat(s->fd, &ours) == 0 && fstat(fd, &theirs) == 0 &&
	       ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino &&
	       same_text(s->auth.username, asks ? username : NULL) &&
	       same_text(s->auth.password, asks ? password : NULL);
}

static struct server *new_server(struct http *h, uint64_t index, int fd)
{
	int family = AF_UNSPEC;
	socklen_t len = sizeof(family);
	struct server *s = calloc(1, sizeof(*s));

	if (!s) {
		(void)close(fd);
		return NULL;
	}
	s->http = h;
	s->index = index;
	s->fd = fd;
	s->unix_socket =
		getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) == 0 && family == AF_UNIX;
	loop_io_init(&s->io, on_acceptable);
	return s;
}

int http_listen(struct http *h, uint64_t index, int fd, const char *username, const char *password)
{
	size_t listening;
	struct server *before = find_server(h, index, &listening), *s;
	int r;

	if (before && is_as(before, fd, username, password)) {
		(void)close(fd);
		return 0;
	}
	if (!before && listening >= HTTP_SERVERS_MAX) {
		(void)close(fd);
		return -ENOSPC;
	}
	s = new_server(h, index, fd);
	if (!s) {
		return -ENOMEM;
	}
	r = auth_init(&s->auth, username, password);
	if (r == 0) {
		r = vec_push(&h->servers, s);
	}
	if (r < 0) {
		server_free(s);
		return r;
	}
	if (before) {
		listen_no_more(before);
	}
	watch_server(s);
	return 0;
}

void http_accept(struct http *h)
{
	h->accepting = true;
	on_accept_again(&h->accept_again);
}

/* ---- the whole */

static int start_daemon(struct http *h)
{
	const union MHD_DaemonInfo *info;

	h->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL,
		request_received, h, MHD_OPTION_NOTIFY_COMPLETED, request_completed, h,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)HTTP_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_HEADER_MAX, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)(2 * HTTP_SERVERS_MAX * HTTP_CLIENTS_MAX), MHD_OPTION_URI_LOG_CALLBACK,
		on_request_line, h, MHD_OPTION_END);
	if (!h->daemon) {
		return errno ? -errno : -ENOMEM;
	}
	info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info) {
		return -ENOTSUP;
	}
	loop_io_set(h->loop, &h->io, info->epoll_fd, LOOP_READ);
	return 0;
}

int http_init(struct http *h, struct control *control, struct loop *loop, route_find_fn *find)
{
	*h = (struct http){.control = control, .loop = loop, .find_route = find};
	loop_io_init(&h->io, on_io);
	loop_io_init(&h->gone_io, on_gone);
	loop_timer_init(&h->timer, on_timer);
	loop_timer_init(&h->accept_again, on_accept_again);
	loop_idle_init(&h->turn, on_turn);
	h->gone_fd = epoll_create1(EPOLL_CLOEXEC);
	if (h->gone_fd < 0) {
		return -errno;
	}
	loop_io_set(loop, &h->gone_io, h->gone_fd, LOOP_READ);
	return start_daemon(h);
}

/* libmicrohttpd may not be stopped while it has suspended connections. */
static void abandon_all(struct http *h)
{
	vec_for_each (s, &h->servers) {
		for (struct client *c = (*s)->first; c; c = c->next) {
			if (c->rq) {
				request_abandon(c->rq);
			}
		}
	}
	http_flush(h);
}

void http_done(struct http *h)
{
	if (!h->loop) {
		return;
	}
	h->accepting = false;
	if (h->daemon) {
		abandon_all(h);
		MHD_stop_daemon(h->daemon); /* ends every client */
	}
	while (h->servers.len) {
		server_free(h->servers.at[0]);
	}
	loop_io_stop(h->loop, &h->io);
	loop_timer_stop(h->loop, &h->timer);
	loop_timer_stop(h->loop, &h->accept_again);
	loop_idle_cancel(h->loop, &h->turn);
	loop_io_stop(h->loop, &h->gone_io);
	cleanup_closep(&h->gone_fd);
	vec_done(&h->servers);
}
