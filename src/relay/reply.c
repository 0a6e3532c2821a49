#include "reply.h"

#include "relay_service.h"
#include "service_facts.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const char builtin[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<title>Back soon</title>\n</head>\n<body>\n<h1>Back soon</h1>\n"
	"<p>This service is out of order for maintenance. Please try again later.</p>\n"
	"</body>\n</html>\n";
static const char healthy[] = "offline\n";
static const char no_preview[] =
	"No worker of the idle slot is up, so there is nothing to preview.\n";

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

bool reply_compose(struct conn *c)
{
	const struct relay_service *s = c->service;
	struct reply *r = c->reply;
	struct answer_head head = {
		.healthy = service_is_offline(s) && answer_asks_for(&r->request, s->health_paths),
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

int reply_send(struct conn *c)
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

bool reply_sends(const struct conn *c)
{
	return c->reply->page || c->reply->n_rest;
}

void reply_drop(struct conn *c)
{
	struct reply *r = TAKE_PTR(c->reply);

	if (r) {
		page_unref(r->page);
		free(r->rest);
		free(r);
	}
}

bool reply_put_by(struct reply *r, const unsigned char *data, size_t n)
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
