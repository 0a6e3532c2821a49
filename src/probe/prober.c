#include "prober.h"
#include "http.h"
#include "tcp.h"

#include <slotd/cleanup.h>
#include <slotd/log.h>
#include <slotd/proxy.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
	void (*begin)(struct check *c);
	void (*end)(struct check *c);
} kinds[PROBE_KIND_MAX_] = {
	[PROBE_TCP] = {tcp_begin, tcp_end},
	[PROBE_HTTP] = {http_begin, http_end},
};

/* ---- lists */

static void list_add(struct check_list *l, struct check *c)
{
	c->next = NULL;
	c->previous = l->last;
	*(l->last ? &l->last->next : &l->first) = c;
	l->last = c;
	l->len++;
}

static void list_remove(struct check_list *l, struct check *c)
{
	*(c->previous ? &c->previous->next : &l->first) = c->next;
	*(c->next ? &c->next->previous : &l->last) = c->previous;
	l->len--;
}

/* ---- one check */

static void check_free(struct check *c)
{
	struct prober *p = c->prober;

	if (c->began) {
		kinds[c->request.kind].end(c);
		list_remove(&p->running, c);
		loop_idle_queue(p->loop, &p->next);
	} else {
		list_remove(&p->waiting, c);
	}
	request_done(&c->request);
	free(c);
}

static void answer(struct prober *p, uint32_t id, const struct verdict *v)
{
	struct message m;
	int r;

	message_init(&m, MSG_PROBE_RESULT, id);
	message_put_i64(&m, TAG_CODE, v->code);
	message_put_text(&m, TAG_TEXT, v->text);
	r = channel_send(p->channel, &m);
	if (r < 0 && r != -ENOTCONN) { /* not connected: that slotd is gone */
		log_line(LOG_WARNING, "a result was not sent: %s", strerror(-r));
	}
}

int check_introduce(const struct check *c)
{
	unsigned char header[PROXY_HEADER_MAX];
	size_t len;
	ssize_t n;

	if (!c->request.proxy_protocol) {
		return 0;
	}
	len = proxy_header_of_check(c->request.proxy_protocol, header);
	n = send(c->fd, header, len, MSG_NOSIGNAL);
	/* The first bytes of a connection always fit. */
	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

void check_finish(struct check *c, const struct outcome *o)
{
	struct verdict v;

	verdict_reach(&c->request, o, &v);
	answer(c->prober, c->id, &v);
	check_free(c);
}

/* ---- all of them */

static void begin_waiting(struct loop_idle *idle)
{
	struct prober *p = container_of(idle, struct prober, next);

	while (p->waiting.first && p->running.len < PROBER_RUNNING_MAX) {
		struct check *c = p->waiting.first;

		list_remove(&p->waiting, c);
		list_add(&p->running, c);
		c->began = usec_monotonic();
		kinds[c->request.kind].begin(c); /* may finish and free it */
	}
}

int prober_init(struct prober *p, struct loop *loop, struct channel *channel)
{
	*p = (struct prober){.loop = loop, .channel = channel};
	loop_idle_init(&p->next, begin_waiting);
	return http_init(&p->http, p);
}

void prober_done(struct prober *p)
{
	while (p->running.first) {
		check_free(p->running.first);
	}
	while (p->waiting.first) {
		check_free(p->waiting.first);
	}
	loop_idle_cancel(p->loop, &p->next);
	http_done(&p->http);
}

void prober_fail(struct prober *p, int error)
{
	p->failed = error;
	loop_stop(p->loop);
}

static int check_new(struct prober *p, const struct message *m, const char **ret_why)
{
	auto_free struct check *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	if (p->waiting.len >= PROBER_WAITING_MAX) {
		*ret_why = "too many checks wait";
		return -ENOBUFS;
	}
	r = request_read(m, &c->request, ret_why);
	if (r < 0) {
		return r;
	}
	c->prober = p;
	c->id = m->id;
	tcp_init(c);
	list_add(&p->waiting, TAKE_PTR(c));
	return 0;
}

void prober_ask(struct prober *p, const struct message *m)
{
	const char *why;
	int r = check_new(p, m, &why);

	if (r < 0) {
		struct verdict v = {.code = r};

		(void)snprintf(v.text, sizeof(v.text), "cannot be checked: %s", why);
		answer(p, m->id, &v);
		return;
	}
	loop_idle_queue(p->loop, &p->next);
}

void probe_socket_made(int fd)
{
	const int one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
}
