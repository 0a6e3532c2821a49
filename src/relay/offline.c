#include "relay.h"

#include "answer.h"

#include <slotd/cleanup.h>

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/*
 * Connections that get their answers from this relay: the service is offline, or nobody can take
 * them. A connection waits without memory (FRESH, PARKED) until its client speaks. Then it has a
 * struct reply, in the class ANSWERED, until it is between requests again. Whatever it says next is
 * placed as ever, so that it goes to a worker once there is one.
 */

enum {
	ANSWERS_A_TURN = 16, /* pipelined requests of a client; others have their turn then */
	READ_SIZE = 16 * 1024,
};

/* What a service answers; it stays while some client has not got all of it. */
struct page {
	unsigned users;
	size_t len;
	char type[ANSWER_TYPE_MAX];
	char body[];
};

struct reply {
	struct answer_request request;
	struct page *page; /* that is being sent; NULL: none is */
	char head[ANSWER_HEAD_MAX];
	size_t n_head, sent, total;
	bool last;
	unsigned char *rest; /* what the client has said after the request that is answered */
	size_t n_rest;
};

static const char builtin[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<title>Back soon</title>\n</head>\n<body>\n<h1>Back soon</h1>\n"
	"<p>This service is out of order for maintenance. Please try again later.</p>\n"
	"</body>\n</html>\n";
static const char healthy[] = "offline\n";
static const char no_preview[] =
	"No worker of the idle slot is up, so there is nothing to preview.\n";

/* ---- pages */

static struct page *page_new(const char *type, const char *body, size_t len)
{
	struct page *p = malloc(sizeof(*p) + len);

	if (p) {
		p->users = 1;
		p->len = len;
		(void)snprintf(p->type, sizeof(p->type), "%s", type);
		if (body) {
			memcpy(p->body, body, len);
		}
	}
	return p;
}

struct page *page_unref(struct page *p)
{
	if (p && --p->users == 0) {
		free(p);
	}
	return NULL;
}

int page_read(int fd, const char *type, struct page **ret)
{
	struct stat st;
	struct page *p;
	size_t n = 0;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if (st.st_size < 0 || st.st_size > OFFLINE_PAGE_MAX) {
		return -E2BIG;
	}
	p = page_new(type, NULL, (size_t)st.st_size);
	while (p && n < p->len) {
		ssize_t r = pread(fd, p->body + n, p->len - n, (off_t)n);

		if (r <= 0) {
			page_unref(p);
			return r < 0 ? -errno : -EIO;
		}
		n += (size_t)r;
	}
	*ret = p;
	return p ? 0 : -ENOMEM;
}

static bool is_offline(const struct relay_service *s)
{
	return service_word(s).mode == SWITCH_OFFLINE;
}

/* A reference to what is answered now. */
static struct page *choose_page(const struct relay_service *s, bool is_healthy)
{
	if (is_healthy) {
		return page_new("text/plain", healthy, sizeof(healthy) - 1);
	}
	if (s->is_preview) {
		return page_new("text/plain", no_preview, sizeof(no_preview) - 1);
	}
	if (!s->page) {
		return page_new("text/html; charset=utf-8", builtin, sizeof(builtin) - 1);
	}
	s->page->users++;
	return s->page;
}

bool service_answers(const struct relay_service *s)
{
	if (s->is_preview) {
		return s->complete && !place_any_up(&s->slots[service_word(s).live].table);
	}
	return is_offline(s) || (service_gave_up(s) && s->page);
}

/* ---- one answer */

/* False: without memory. */
static bool compose(struct conn *c)
{
	const struct relay_service *s = c->service;
	struct reply *r = c->reply;
	struct answer_head head = {
		.healthy = is_offline(s) && answer_asks_for(&r->request, s->health_paths),
		.last = answer_is_last(&r->request) || c->side[CLIENT].eof,
		.old = answer_is_old(&r->request),
		.now = usec_wall(),
	};

	r->page = choose_page(s, head.healthy);
	if (!r->page) {
		return false;
	}
	head.type = r->page->type;
	head.length = r->page->len;
	head.retry_after = head.healthy || s->is_preview ? 0 : s->retry_after;
	r->n_head = answer_compose(&head, r->head);
	r->total = r->n_head + (answer_is_head(&r->request) ? 0 : r->page->len);
	r->sent = 0;
	r->last = head.last;
	return true;
}

/* 1: all of it is sent; 0: the client does not take more now; or -errno. */
static int send_more(struct conn *c)
{
	struct reply *r = c->reply;

	while (r->sent < r->total) {
		const size_t head_left = r->sent < r->n_head ? r->n_head - r->sent : 0;
		const size_t at = head_left ? 0 : r->sent - r->n_head;
		struct iovec parts[] = {
			{r->head + (r->n_head - head_left), head_left},
			{r->page->body + at, r->total - r->sent - head_left},
		};
		const struct msghdr m = {.msg_iov = parts, .msg_iovlen = ARRAY_SIZE(parts)};
		ssize_t n = sendmsg(c->side[CLIENT].fd, &m, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return errno == EAGAIN ? 0 : -errno;
		}
		r->sent += (size_t)n;
	}
	r->page = page_unref(r->page);
	return 1;
}

/* ---- the connection */

static void watch(struct conn *c, unsigned events)
{
	loop_io_set(c->service->relay->loop, &c->side[CLIENT].io, c->side[CLIENT].fd, events);
}

static void enter(struct conn *c, enum conn_class class)
{
	conn_leave(c);
	conn_enter(c, NULL, class);
}

void offline_drop(struct conn *c)
{
	struct reply *r = TAKE_PTR(c->reply);

	if (r) {
		page_unref(r->page);
		free(r->rest);
		free(r);
	}
}

static void wait_for_request(struct conn *c, enum conn_class class)
{
	offline_drop(c);
	enter(c, class);
	watch(c, LOOP_READ);
}

/* After its last answer. What the client still sends is read, so that a reset does not overtake the
 * answer. */
static void end_well(struct conn *c)
{
	if (c->side[CLIENT].eof) {
		conn_end(c);
		return;
	}
	offline_drop(c);
	(void)shutdown(c->side[CLIENT].fd, SHUT_WR);
	enter(c, CONN_LINGER);
	watch(c, LOOP_READ);
}

/* Between two requests a worker may take over, with the n bytes that are there already. */
static void go_on(struct conn *c, const unsigned char *data, size_t n)
{
	memmove(copier_buffer(&c->service->relay->copier), data, n);
	offline_drop(c);
	conn_place_first(c, n);
}

/* Keeps what is left for later. False: without memory. */
static bool put_by(struct reply *r, const unsigned char *data, size_t n)
{
	unsigned char *rest = n ? malloc(n) : NULL;

	if (n && !rest) {
		return false;
	}
	if (n) {
		memcpy(rest, data, n);
	}
	free(r->rest);
	r->rest = rest;
	r->n_rest = n;
	return true;
}

static void wait_to_send(struct conn *c, const unsigned char *data, size_t n)
{
	if (!put_by(c->reply, data, n)) {
		conn_end(c);
		return;
	}
	watch(c, LOOP_WRITE);
}

/* The answer to a request, after which there are n bytes. True: there may be more to answer. */
static bool answer(struct conn *c, const unsigned char *data, size_t n)
{
	int r = compose(c) ? send_more(c) : -ENOMEM;

	if (r < 0) {
		conn_end(c);
		return false;
	}
	if (r == 0) {
		wait_to_send(c, data, n);
		return false;
	}
	if (c->reply->last) {
		end_well(c);
		return false;
	}
	answer_start(&c->reply->request);
	return true;
}

/* What the client has said: a request after the other is answered. */
static void hear(struct conn *c, const unsigned char *data, size_t n)
{
	for (unsigned turns = ANSWERS_A_TURN; n; turns--) {
		enum answer_step step;
		size_t taken;

		if (!answer_begun(&c->reply->request) && !service_answers(c->service)) {
			go_on(c, data, n);
			return;
		}
		if (!turns) {
			wait_to_send(c, data, n);
			return;
		}
		step = answer_hear(&c->reply->request, data, n, &taken);
		data += taken;
		n -= taken;
		if (step == ANSWER_REFUSED) {
			conn_end(c);
			return;
		}
		if (step == ANSWER_DUE && !answer(c, data, n)) {
			return;
		}
	}
	if (!answer_begun(&c->reply->request)) {
		wait_for_request(c, CONN_PARKED);
	} else {
		watch(c, LOOP_READ);
	}
}

void offline_begin(struct conn *c, size_t n)
{
	exchange_end(c);
	if (c->service->protocol == PROTOCOL_TCP) {
		conn_end(c); /* nobody knows how to say it to them */
		return;
	}
	if (n == 0) {
		wait_for_request(c, c->client_spoke ? CONN_PARKED : CONN_FRESH);
		return;
	}
	c->reply = calloc(1, sizeof(*c->reply));
	if (!c->reply) {
		conn_end(c);
		return;
	}
	answer_start(&c->reply->request);
	enter(c, CONN_ANSWERED);
	hear(c, copier_buffer(&c->service->relay->copier), n);
}

static void hear_more(struct conn *c)
{
	unsigned char *buffer = copier_buffer(&c->service->relay->copier);
	ssize_t n = recv(c->side[CLIENT].fd, buffer, READ_SIZE, 0);

	if (n > 0) {
		hear(c, buffer, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		conn_end(c); /* in the middle of a request */
	}
}

/* The client takes more: of the answer, then of what it has asked for since. */
static void go_on_sending(struct conn *c)
{
	struct reply *r = c->reply;
	auto_free unsigned char *rest = NULL;
	size_t n;

	if (r->page) {
		int sent = send_more(c);

		if (sent < 0) {
			conn_end(c);
			return;
		}
		if (!sent) {
			return;
		}
		if (r->last) {
			end_well(c);
			return;
		}
		answer_start(&r->request);
		enter(c, CONN_ANSWERED); /* its time begins anew */
	}
	rest = TAKE_PTR(r->rest);
	n = r->n_rest;
	r->n_rest = 0;
	hear(c, rest, n);
}

bool offline_sends(const struct conn *c)
{
	return c->reply->page || c->reply->n_rest;
}

void offline_event(struct conn *c)
{
	if (offline_sends(c)) {
		go_on_sending(c);
	} else {
		hear_more(c);
	}
}
