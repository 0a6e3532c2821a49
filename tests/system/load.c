/*
 * load ADDRESS SECONDS NEW KEPT SLOW: users of an HTTP service, each in a thread of its own, until
 * SECONDS have passed or SIGTERM. ADDRESS is 127.0.0.1:8000, [::1]:8000 or unix:/path.
 *
 *	NEW   users open a connection for every request
 *	KEPT  users keep theirs and ask some 60 times a second, every other time by POST
 *	SLOW  users ask for /slow (200 ms) on a new connection each
 *
 * Writes one line a request to stdout when all is over:
 *
 *	kind opened asked done outcome first-word-of-the-body
 *
 * with times in monotonic microseconds. Outcomes: ok, refused, reset, short, status, timeout, and
 * crossed: a kept connection was closed by the server before a byte of the answer. HTTP/1.1 allows
 * that between requests (RFC 9112, 9.3.1), and the request is lost all the same. As other clients
 * do, this one looks before it asks: an end that has already come crosses nothing.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	ANSWER_MAX = 8192,
	WORD_MAX = 24,
	USERS_MAX = 256,
	REQUEST_TIMEOUT_S = 30,
	PAUSE_NEW_US = 2000,
	PAUSE_KEPT_US = 15000,
};

enum kind {
	KIND_NEW,
	KIND_KEPT,
	KIND_SLOW,
	KIND_MAX_,
};

static const char *const kind_names[KIND_MAX_] = {"new", "kept", "slow"};

enum outcome {
	OK,
	REFUSED,
	RESET,
	SHORT,
	STATUS,
	TIMEOUT,
	CROSSED,
	OUTCOME_MAX_,
};

static const char *const outcome_names[OUTCOME_MAX_] = {
	"ok", "refused", "reset", "short", "status", "timeout", "crossed",
};

struct record {
	unsigned long long opened, asked, done;
	enum outcome outcome;
	char word[WORD_MAX];
};

struct user {
	pthread_t thread;
	enum kind kind;
	int fd; /* -1: none */
	unsigned long long opened;
	unsigned asked; /* on this connection */
	struct record *records;
	size_t n, room;
};

static union {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
} target;
static socklen_t target_len;
static volatile sig_atomic_t ending;

static volatile sig_atomic_t count_wanted;

static void on_term(int signo)
{
	(void)signo;
	ending = 1;
}

static unsigned long long now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (unsigned long long)ts.tv_sec * 1000000ULL + (unsigned long long)ts.tv_nsec / 1000;
}

static bool parse_target(const char *text)
{
	const char *colon = strrchr(text, ':');
	char host[64];

	memset(&target, 0, sizeof(target));
	if (strncmp(text, "unix:", 5) == 0) {
		target.un.sun_family = AF_UNIX;
		(void)snprintf(target.un.sun_path, sizeof(target.un.sun_path), "%s", text + 5);
		target_len = sizeof(target.un);
		return true;
	}
	if (!colon || (size_t)(colon - text) >= sizeof(host)) {
		return false;
	}
	if (text[0] == '[') {
		(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text - 2), text + 1);
		target.in6.sin6_family = AF_INET6;
		target.in6.sin6_port = htons((uint16_t)atoi(colon + 1));
		target_len = sizeof(target.in6);
		return inet_pton(AF_INET6, host, &target.in6.sin6_addr) == 1;
	}
	(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	target.in.sin_family = AF_INET;
	target.in.sin_port = htons((uint16_t)atoi(colon + 1));
	target_len = sizeof(target.in);
	return inet_pton(AF_INET, host, &target.in.sin_addr) == 1;
}

static void hang_up(struct user *u)
{
	if (u->fd >= 0) {
		(void)close(u->fd);
	}
	u->fd = -1;
	u->asked = 0;
}

static enum outcome from_errno(int error)
{
	return error == ECONNREFUSED			 ? REFUSED
	       : error == EAGAIN || error == EINPROGRESS ? TIMEOUT
							 : RESET;
}

static enum outcome dial(struct user *u)
{
	const struct timeval patience = {.tv_sec = REQUEST_TIMEOUT_S};
	int one = 1;

	u->fd = socket(target.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (u->fd < 0) {
		perror("load: socket");
		exit(EXIT_FAILURE);
	}
	(void)setsockopt(u->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(u->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (target.any.sa_family != AF_UNIX) {
		(void)setsockopt(u->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	}
	u->opened = now();
	return connect(u->fd, &target.any, target_len) < 0 ? from_errno(errno) : OK;
}

/* The body's length, or -1 while the head is not complete. */
static long body_length(const char *answer, const char **ret_body)
{
	const char *end = strstr(answer, "\r\n\r\n"), *length;

	if (!end) {
		return -1;
	}
	*ret_body = end + 4;
	length = strcasestr(answer, "\r\ncontent-length:");
	return length && length < end ? strtol(length + 17, NULL, 10) : 0;
}

static enum outcome read_answer(struct user *u, struct record *r, bool *ret_close)
{
	char answer[ANSWER_MAX + 1];
	size_t got = 0;
	const char *body = NULL;
	long length = -1;

	while (got < ANSWER_MAX) {
		ssize_t n = recv(u->fd, answer + got, ANSWER_MAX - got, 0);

		if (n <= 0) {
			bool crossed = got == 0 && u->asked > 0 &&
				       (n == 0 || errno == ECONNRESET || errno == EPIPE);

			return crossed ? CROSSED : n == 0 ? SHORT : from_errno(errno);
		}
		got += (size_t)n;
		answer[got] = '\0';
		length = body_length(answer, &body);
		if (length >= 0 && answer + got >= body + length) {
			break;
		}
	}
	if (length < 0) {
		return SHORT;
	}
	(void)snprintf(r->word, sizeof(r->word), "%.*s", (int)strcspn(body, " \r\n"), body);
	*ret_close = strcasestr(answer, "connection: close") != NULL;
	return strncmp(answer + 8, " 200 ", 5) == 0 ? OK : STATUS;
}

static enum outcome ask_on(struct user *u, struct record *r)
{
	bool close_after = u->kind != KIND_KEPT, server_closes = false;
	enum outcome outcome = u->fd >= 0 ? OK : dial(u);
	const bool post = u->kind == KIND_KEPT && u->n % 2;
	char request[256];
	int n = snprintf(request, sizeof(request),
			 "%s %s HTTP/1.1\r\nHost: payinv.example\r\n%s%s\r\n%s",
			 post ? "POST" : "GET", u->kind == KIND_SLOW ? "/slow" : "/",
			 close_after ? "Connection: close\r\n" : "",
			 post ? "Content-Length: 4\r\n" : "", post ? "body" : "");

	r->opened = u->opened;
	r->asked = now();
	if (outcome == OK && send(u->fd, request, (size_t)n, MSG_NOSIGNAL) != n) {
		outcome = u->asked ? CROSSED : from_errno(errno);
	}
	if (outcome == OK) {
		outcome = read_answer(u, r, &server_closes);
	}
	r->done = now();
	r->outcome = outcome;
	u->asked++;
	if (outcome != OK || close_after || server_closes) {
		hang_up(u);
	}
	return outcome;
}

/* Has the server ended a kept connection meanwhile? */
static bool has_ended(const struct user *u)
{
	char byte;
	ssize_t n = recv(u->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

static enum outcome ask(struct user *u, struct record *r)
{
	if (u->fd >= 0 && has_ended(u)) {
		hang_up(u);
	}
	return ask_on(u, r);
}

static void one_request(struct user *u)
{
	if (u->n == u->room) {
		u->room = u->room ? u->room * 2 : 1024;
		u->records = reallocarray(u->records, u->room, sizeof(*u->records));
		if (!u->records) {
			fprintf(stderr, "load: out of memory\n");
			exit(EXIT_FAILURE);
		}
	}
	u->records[u->n].word[0] = '\0';
	(void)ask(u, &u->records[u->n]);
	u->n++;
}

static void *run_user(void *data)
{
	struct user *u = data;

	while (!ending) {
		one_request(u);
		if (u->kind != KIND_SLOW) {
			(void)usleep(u->kind == KIND_KEPT ? PAUSE_KEPT_US : PAUSE_NEW_US);
		}
	}
	hang_up(u);
	return NULL;
}

static void print(const struct user *u)
{
	for (size_t i = 0; i < u->n; i++) {
		const struct record *r = &u->records[i];

		printf("%s %llu %llu %llu %s %s\n", kind_names[u->kind], r->opened, r->asked,
		       r->done, outcome_names[r->outcome], r->word[0] ? r->word : "-");
	}
}

static void on_usr1(int signo)
{
	(void)signo;
	count_wanted = 1;
}

/* SIGUSR1: how many requests so far, to stderr. */
static void print_count(const struct user *users, int n)
{
	size_t all = 0;

	for (int i = 0; i < n; i++) {
		all += users[i].n;
	}
	fprintf(stderr, "%zu\n", all);
}

int main(int argc, char **argv)
{
	static struct user users[USERS_MAX];
	const struct sigaction sa = {.sa_handler = on_term}, count = {.sa_handler = on_usr1};
	int n = 0;

	if (argc != 6 || !parse_target(argv[1])) {
		fprintf(stderr, "usage: load ADDRESS SECONDS NEW KEPT SLOW\n");
		return 2;
	}
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGUSR1, &count, NULL);
	for (int kind = 0; kind < KIND_MAX_; kind++) {
		for (int i = atoi(argv[3 + kind]); i > 0 && n < USERS_MAX; i--, n++) {
			users[n] = (struct user){.kind = (enum kind)kind, .fd = -1};
			if (pthread_create(&users[n].thread, NULL, run_user, &users[n]) != 0) {
				fprintf(stderr, "load: no thread\n");
				return EXIT_FAILURE;
			}
		}
	}
	for (unsigned long long end = now() + strtoull(argv[2], NULL, 10) * 1000000ULL;
	     !ending && now() < end;) {
		(void)usleep(10000);
		if (count_wanted) {
			count_wanted = 0;
			print_count(users, n);
		}
	}
	ending = 1;
	for (int i = 0; i < n; i++) {
		(void)pthread_join(users[i].thread, NULL);
		print(&users[i]);
		free(users[i].records);
	}
	return 0;
}
