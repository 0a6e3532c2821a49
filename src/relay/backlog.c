#include "backlog.h"

#include "relay.h"

#include <slotd/cleanup.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

/*
 * The kernel connects to a worker whether or not that accepts: one that was stopped, or hangs,
 * looks like any other until its checks fail. sock_diag(7) tells how many connections wait at its
 * socket: asked of a worker that has said nothing for a while though it has been asked something,
 * it shows that the worker does not accept. A listening unix socket cannot be asked about. Asked
 * of one connection, it tells what lies there unread, and whether anybody has accepted it.
 */

#define SILENCE	  MSECONDS(5)	/* of a worker, until it is asked about */
#define PASSED_BY MSECONDS(100) /* one that does not accept, until it is asked about again */

struct request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

struct answer {
	struct nlmsghdr head;
	struct inet_diag_msg body;
	char rest[512];
};

int backlog_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

	return fd < 0 ? -errno : fd;
}

static void fill(struct request *r, const struct address *a)
{
	*r = (struct request){
		.head = {.nlmsg_len = sizeof(*r),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = (uint8_t)address_family(a),
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = UINT32_MAX,
			 .id = {.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
	};
}

static void put_end(const struct address *a, __be16 *port, __be32 address[4])
{
	const struct sockaddr_in *in = (const void *)&a->sa;
	const struct sockaddr_in6 *in6 = (const void *)&a->sa;

	*port = htons((uint16_t)address_port(a));
	if (address_family(a) == AF_INET) {
		memcpy(address, &in->sin_addr, sizeof(in->sin_addr));
	} else {
		memcpy(address, &in6->sin6_addr, sizeof(in6->sin6_addr));
	}
}

/* The kernel answers before send returns. False: it knows of no such socket. */
static bool ask_kernel(int fd, const struct request *request, struct inet_diag_msg *ret)
{
	struct answer answer;
	bool found = false;
	ssize_t got;

	if (fd < 0 || send(fd, request, sizeof(*request), 0) < 0) {
		return false;
	}
	while ((got = recv(fd, &answer, sizeof(answer), 0)) > 0) {
		if ((size_t)got >= offsetof(struct answer, rest) &&
		    answer.head.nlmsg_type == SOCK_DIAG_BY_FAMILY) {
			*ret = answer.body;
			found = true;
		}
	}
	return found;
}

unsigned backlog_at(int fd, const struct address *a)
{
	struct request request;
	struct inet_diag_msg answer;

	if (address_is_unix(a)) {
		return 0;
	}
	fill(&request, a);
	put_end(a, &request.body.id.idiag_sport, request.body.id.idiag_src);
	return ask_kernel(fd, &request, &answer) && answer.idiag_state == TCP_LISTEN
		       ? answer.idiag_rqueue
		       : 0;
}

/* The client's end of its half counts as a byte. */
static bool lies_unread(const struct inet_diag_msg *m)
{
	switch (m->idiag_state) {
	case TCP_SYN_RECV: /* there is no room for it in the queue */
		return true;
	case TCP_ESTABLISHED:
		return !m->idiag_inode || m->idiag_rqueue > 0;
	case TCP_CLOSE_WAIT:
		return !m->idiag_inode || m->idiag_rqueue > 1;
	default:
		return false;
	}
}

bool conn_lies_unread(const struct conn *c)
{
	const struct address *worker = &c->worker->address;
	struct address own = {.len = sizeof(own.sa)};
	struct request request;
	struct inet_diag_msg answer;
	int unread = 0;

	if (address_is_unix(worker)) {
		return ioctl(c->side[WORKER].fd, SIOCOUTQ, &unread) == 0 && unread > 0;
	}
	if (getsockname(c->side[WORKER].fd, (struct sockaddr *)&own.sa, &own.len) < 0) {
		return false;
	}
	fill(&request, worker);
	put_end(worker, &request.body.id.idiag_sport, request.body.id.idiag_src);
	put_end(&own, &request.body.id.idiag_dport, request.body.id.idiag_dst);
	return ask_kernel(c->service->relay->diag_fd, &request, &answer) && lies_unread(&answer);
}

void worker_asked(struct relay_worker *w, usec_t now)
{
	if (w->n_unheard++ == 0) {
		w->heard_at = now;
	}
}

void worker_pass_by(struct relay_worker *w, usec_t now)
{
	w->place.slow_until = usec_add(now, PASSED_BY);
}

bool worker_stalls(struct relay_worker *w, usec_t now)
{
	if (w->place.slow_until > now) {
		return true;
	}
	if (!w->place.slow_until && (!w->n_unheard || usec_add(w->heard_at, SILENCE) > now)) {
		return false;
	}
	if (!backlog_at(w->service->relay->diag_fd, &w->address)) {
		w->place.slow_until = 0;
		return false;
	}
	worker_pass_by(w, now);
	return true;
}
