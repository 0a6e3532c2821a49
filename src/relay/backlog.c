#include "relay.h"

#include <slotd/cleanup.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/*
 * The kernel connects to a worker whether or not that accepts: one that was stopped, or hangs,
 * looks like any other until its checks fail. sock_diag(7) tells how many connections wait at its
 * socket: asked of a worker that has said nothing for a while though it has been asked something,
 * it shows that the worker does not accept. A worker at a unix socket cannot be asked about.
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
	const struct sockaddr_in *in = (const void *)&a->sa;
	const struct sockaddr_in6 *in6 = (const void *)&a->sa;

	*r = (struct request){
		.head = {.nlmsg_len = sizeof(*r),
			 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			 .nlmsg_flags = NLM_F_REQUEST},
		.body = {.sdiag_family = (uint8_t)address_family(a),
			 .sdiag_protocol = IPPROTO_TCP,
			 .idiag_states = 1u << TCP_LISTEN,
			 .id = {.idiag_sport = htons((uint16_t)address_port(a)),
				.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
	};
	if (address_family(a) == AF_INET) {
		memcpy(r->body.id.idiag_src, &in->sin_addr, sizeof(in->sin_addr));
	} else {
		memcpy(r->body.id.idiag_src, &in6->sin6_addr, sizeof(in6->sin6_addr));
	}
}

/* The kernel answers before send returns. Connections that wait at the address; 0: none, or
 * unknown. */
static unsigned waiting_at(int fd, const struct address *a)
{
	struct request request;
	struct answer answer;
	unsigned n = 0;
	ssize_t got;

	if (fd < 0 || address_is_unix(a)) {
		return 0;
	}
	fill(&request, a);
	if (send(fd, &request, sizeof(request), 0) < 0) {
		return 0;
	}
	while ((got = recv(fd, &answer, sizeof(answer), 0)) > 0) {
		if ((size_t)got >= offsetof(struct answer, rest) &&
		    answer.head.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
		    answer.body.idiag_state == TCP_LISTEN) {
			n = answer.body.idiag_rqueue;
		}
	}
	return n;
}

void worker_asked(struct relay_worker *w, usec_t now)
{
	if (w->n_unheard++ == 0) {
		w->heard_at = now;
	}
}

bool worker_stalls(struct relay_worker *w, usec_t now)
{
	if (w->place.slow_until > now) {
		return true;
	}
	if (!w->n_unheard || usec_add(w->heard_at, SILENCE) > now ||
	    !waiting_at(w->service->relay->diag_fd, &w->address)) {
		return false;
	}
	w->place.slow_until = usec_add(now, PASSED_BY);
	return true;
}
