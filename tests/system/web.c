/*
 * A worker that answers every request with "SLOT ADDRESS PID".
 *
 *     web ADDRESS SLOT [--listen-after S] [--status N] [--die-on-term] [--hang-up] [--posts FILE]
 *         [--unless FILE]
 *
 * ADDRESS is 127.0.0.1:8001, [::1]:8001 or unix:/path. Paths: /slow?MS answers after MS
 * milliseconds; /bytes?N with N bytes; /healthz as /. SIGTERM: it listens no more, finishes what it
 * has, then ends; with --die-on-term it just ends. With --hang-up it ends each connection but those
 * of /healthz without an answer. --posts: the path of each POST becomes a line of FILE before it is
 * answered. --unless: if FILE-SLOT is there at the start, it holds the status of all answers; with
 * 0 it exits.
 *
 * A thread for each connection. In C, since the tests start thousands of it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	HEAD_MAX = 1024 * 1024,
	STACK = 256 * 1024,
	BACKLOG = 512,
	PATIENCE = 5, /* seconds for what is under way at SIGTERM */
};

struct connection {
	int fd;
	char *held; /* received, not used yet */
	size_t len, room;
	struct connection *next, **prev;
};

static struct {
	const char *address, *slot;
	int listener, status, posts;
	bool die_on_term, hang_up;
	struct timespec listen_after;
} web = {.status = 200, .posts = -1};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static struct connection *open_ones;
static bool stopping;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static bool is_stopping(void)
{
	bool is;

	(void)pthread_mutex_lock(&lock);
	is = stopping;
	(void)pthread_mutex_unlock(&lock);
	return is;
}

/* ---- a connection */

static bool receive_more(struct connection *c)
{
	ssize_t n;

	if (c->len + 1 >= c->room) {
		char *held = c->room < HEAD_MAX ? realloc(c->held, c->room * 2 + 4096) : NULL;

		if (!held) {
			return false;
		}
		c->held = held;
		c->room = c->room * 2 + 4096;
	}
	n = recv(c->fd, c->held + c->len, c->room - c->len - 1, 0);
	if (n <= 0) {
		return false;
	}
	c->len += (size_t)n;
	c->held[c->len] = '\0';
	return true;
}

static void use(struct connection *c, size_t n)
{
	memmove(c->held, c->held + n, c->len - n + 1);
	c->len -= n;
}

/* Takes a head, to be freed, and the body that belongs to it. NULL: the end. */
static char *receive_request(struct connection *c)
{
	const char *end, *length;
	char *head;
	size_t body, n;

	while (!(end = c->held ? strstr(c->held, "\r\n\r\n") : NULL)) {
		if (!receive_more(c)) {
			return NULL;
		}
	}
	head = strndup(c->held, (size_t)(end - c->held));
	if (!head) {
		return NULL;
	}
	use(c, (size_t)(end - c->held) + 4);
	length = strcasestr(head, "content-length:");
	for (body = length ? strtoull(length + 15, NULL, 10) : 0; body; body -= n) {
		n = body < c->len ? body : c->len;
		use(c, n);
		if (n == 0 && !receive_more(c)) {
			free(head);
			return NULL;
		}
	}
	return head;
}

static bool send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0) {
			return false;
		}
		data += n;
		len -= (size_t)n;
	}
	return true;
}

static bool send_answer(int fd, const char *body, size_t len, bool close)
{
	char head[128];
	int n = snprintf(head, sizeof(head), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n",
			 web.status, len, close ? "Connection: close\r\n" : "");
	size_t size = (size_t)n + len;
	char *all = malloc(size);
	bool sent;

	if (!all) {
		return false;
	}
	memcpy(all, head, (size_t)n);
	memcpy(all + n, body, len);
	sent = send_all(fd, all, size);
	free(all);
	return sent;
}

static bool send_bytes(int fd, size_t len, bool close)
{
	char *body = malloc(len + 1);
	bool sent;

	if (!body) {
		return false;
	}
	memset(body, 'x', len);
	sent = send_answer(fd, body, len, close);
	free(body);
	return sent;
}

static void note_post(const char *path)
{
	if (dprintf(web.posts, "%s\n", path) < 0) {
		fail("--posts");
	}
}

static bool answer(int fd, char *head)
{
	bool posted = strncmp(head, "POST ", 5) == 0;
	bool close = strcasestr(head, "connection: close") || is_stopping();
	char *path = strchr(head, ' '), *rest = NULL, *argument, body[512];
	unsigned long n;
	int len;

	if (!path || !(path = strtok_r(path, " ", &rest))) {
		return false;
	}
	argument = strchr(path, '?');
	if (argument) {
		*argument++ = '\0';
	}
	n = argument ? strtoul(argument, NULL, 10) : 0;
	if (strcmp(path, "/bytes") == 0) {
		return send_bytes(fd, n, close) && !close;
	}
	if (strcmp(path, "/slow") == 0) {
		struct timespec time = {(time_t)(n / 1000), (long)(n % 1000) * 1000000};

		(void)nanosleep(&time, NULL);
	} else if (web.posts >= 0 && posted) {
		note_post(path);
	}
	len = snprintf(body, sizeof(body), "%s %s %d\n", web.slot, web.address, (int)getpid());
	return send_answer(fd, body, (size_t)len, close) && !close;
}

static void forget(struct connection *c)
{
	(void)pthread_mutex_lock(&lock);
	*c->prev = c->next;
	if (c->next) {
		c->next->prev = c->prev;
	}
	(void)close(c->fd);
	(void)pthread_cond_signal(&ended);
	(void)pthread_mutex_unlock(&lock);
	free(c->held);
	free(c);
}

static void *serve(void *arg)
{
	struct connection *c = arg;
	bool goes_on = true;

	while (goes_on && !is_stopping()) {
		char *head = receive_request(c);

		goes_on =
			head && !(web.hang_up && !strstr(head, "/healthz")) && answer(c->fd, head);
		free(head);
	}
	forget(c);
	return NULL;
}

/* ---- listening */

static void begin(int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	pthread_attr_t small;
	pthread_t thread;

	if (!c) {
		fail("web");
	}
	c->fd = fd;
	(void)pthread_mutex_lock(&lock);
	c->next = open_ones;
	c->prev = &open_ones;
	if (c->next) {
		c->next->prev = &c->next;
	}
	open_ones = c;
	(void)pthread_mutex_unlock(&lock);
	if (pthread_attr_init(&small) != 0 || pthread_attr_setstacksize(&small, STACK) != 0 ||
	    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED) != 0) {
		fail("pthread_attr");
	}
	if (pthread_create(&thread, &small, serve, c) != 0) {
		forget(c);
	}
	(void)pthread_attr_destroy(&small);
}

static void *accept_all(void *arg)
{
	int fd;

	(void)arg;
	while ((fd = accept(web.listener, NULL, NULL)) >= 0 || errno == ECONNABORTED) {
		if (fd >= 0) {
			begin(fd);
		}
	}
	return NULL;
}

static int listen_unix(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	if (unlink(path) < 0 && errno != ENOENT) {
		fail(path);
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || chmod(path, 0666) < 0) {
		fail(path);
	}
	return fd;
}

static int listen_inet(const char *address)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *found;
	char host[64] = "";
	const char *colon = strrchr(address, ':');
	bool bracket = address[0] == '[';
	int fd, one = 1;

	if (!colon || colon - address >= (long)sizeof(host) || colon < address + 2 * bracket) {
		fprintf(stderr, "web: what address is '%s'?\n", address);
		exit(2);
	}
	memcpy(host, address + bracket, (size_t)(colon - address) - 2 * bracket);
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
		fprintf(stderr, "web: what address is '%s'?\n", address);
		exit(2);
	}
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, found->ai_addr, found->ai_addrlen) < 0) {
		fail(address);
	}
	freeaddrinfo(found);
	return fd;
}

/* ---- the whole */

static void finish(void)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE;
	(void)pthread_mutex_lock(&lock);
	stopping = true;
	(void)shutdown(web.listener, SHUT_RDWR);
	for (struct connection *c = open_ones; c; c = c->next) {
		(void)shutdown(c->fd, SHUT_RD);
	}
	while (open_ones && pthread_cond_timedwait(&ended, &lock, &until) == 0) {
	}
	_exit(0);
}

static void look_whether_to_run(const char *unless)
{
	char path[4096], text[16] = "";
	FILE *told;

	(void)snprintf(path, sizeof(path), "%s-%s", unless, web.slot);
	told = fopen(path, "re");
	if (!told) {
		return;
	}
	if (!fgets(text, sizeof(text), told)) {
		fail(path);
	}
	(void)fclose(told);
	web.status = atoi(text);
	if (!web.status) {
		exit(1);
	}
}

static void take_option(int option)
{
	double seconds;

	switch (option) {
	case 'l':
		seconds = strtod(optarg, NULL);
		web.listen_after.tv_sec = (time_t)seconds;
		web.listen_after.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9);
		break;
	case 's':
		web.status = atoi(optarg);
		break;
	case 'd':
		web.die_on_term = true;
		break;
	case 'h':
		web.hang_up = true;
		break;
	case 'p':
		web.posts = open(optarg, O_WRONLY | O_APPEND | O_CLOEXEC);
		if (web.posts < 0) {
			fail(optarg);
		}
		break;
	default:
		fprintf(stderr, "usage: web ADDRESS SLOT [OPTION]...\n");
		exit(2);
	}
}

static void take_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{"listen-after", required_argument, NULL, 'l'},
		{"status", required_argument, NULL, 's'},
		{"die-on-term", no_argument, NULL, 'd'},
		{"hang-up", no_argument, NULL, 'h'},
		{"posts", required_argument, NULL, 'p'},
		{"unless", required_argument, NULL, 'u'},
		{0},
	};
	const char *unless = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'u') {
			unless = optarg;
		} else {
			take_option(option);
		}
	}
	if (argc - optind != 2) {
		take_option('?');
	}
	web.address = argv[optind];
	web.slot = argv[optind + 1];
	if (unless) {
		look_whether_to_run(unless);
	}
}

int main(int argc, char **argv)
{
	sigset_t ends;
	pthread_t thread;
	int signo;

	take_arguments(argc, argv);
	(void)sigemptyset(&ends);
	(void)sigaddset(&ends, SIGTERM);
	(void)sigaddset(&ends, SIGINT);
	if (!web.die_on_term && sigprocmask(SIG_BLOCK, &ends, NULL) < 0) {
		fail("sigprocmask");
	}
	(void)nanosleep(&web.listen_after, NULL);
	web.listener = strncmp(web.address, "unix:", 5) == 0 ? listen_unix(web.address + 5)
							     : listen_inet(web.address);
	if (listen(web.listener, BACKLOG) < 0 ||
	    pthread_create(&thread, NULL, accept_all, NULL) != 0) {
		fail(web.address);
	}
	printf("listening on %s\n", web.address);
	if (fflush(stdout) != 0) {
		fail("stdout");
	}
	if (web.die_on_term) {
		(void)pause();
	}
	(void)sigwait(&ends, &signo);
	finish();
}
