#include "connect.h"

#include "keepalive.h"
#include "relay.h"
#include "workers.h"

#include <slotd/cleanup.h>

#include <netinet/in.h>
#include <string.h>

/*
 * All connections to one worker share its address and port, so the local port alone tells them
 * apart: some 28,000 at once from one address. When they run out, the next address of 127.0.0.0/8
 * is taken for workers on loopback, and after a while the kernel's choice is tried again.
 */
enum {
	OWN_SOURCES = 64,
	LOCAL_PORT_RANGE = 51, /* IP_LOCAL_PORT_RANGE, which older headers do not have */
};

#define SOURCE_FOR SECONDS(10)

static bool is_loopback(const struct address *a)
{
	const struct sockaddr_in *in = (const void *)&a->sa;

	return address_family(a) == AF_INET && ntohl(in->sin_addr.s_addr) >> 24 == 127;
}

/* May it be another machine, which can vanish? */
static bool is_remote(const struct address *a)
{
	const struct sockaddr_in6 *in6 = (const void *)&a->sa;

	return address_family(a) == AF_INET6 ? !IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)
					     : address_family(a) == AF_INET && !is_loopback(a);
}

static int bind_source(int fd, unsigned source)
{
	const int one = 1;
	const struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source),
	};

	/* The port is chosen by connect, which needs it free for this one peer only. */
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) < 0 ||
	    bind(fd, (const void *)&from, sizeof(from)) < 0) {
		return -errno;
	}
	return 0;
}

/* A worker that is not up yet finds its port free, also in the range of local ones: the kernel is
 * told another part of that range (Linux 6.3), and a port that was taken before the worker was
 * known can be bound all the same. */
static void keep_off_workers(struct relay *relay, int fd)
{
	const int one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (relay->port_range && !relay->no_port_range) {
		relay->no_port_range =
			setsockopt(fd, IPPROTO_IP, LOCAL_PORT_RANGE, &relay->port_range,
				   sizeof(relay->port_range)) < 0;
	}
}

static bool is_worker_port(const struct relay *relay, unsigned port)
{
	return relay->worker_ports[port / 8] & 1u << port % 8;
}

/* The longest run of local ports that are no worker's. */
static void choose_port_range(struct relay *relay)
{
	unsigned best = 0, first = relay->local_ports[0];

	for (unsigned port = first; port <= relay->local_ports[1] + 1; port++) {
		if (port <= relay->local_ports[1] && !is_worker_port(relay, port)) {
			continue;
		}
		if (port - first > best) {
			best = port - first;
			relay->port_range = first | (port - 1) << 16;
		}
		first = port + 1;
	}
}

void connect_told(struct relay *relay, struct relay_worker *w)
{
	unsigned port = address_port(&w->address);

	w->reach = 0;
	if (port && !is_worker_port(relay, port)) {
		relay->worker_ports[port / 8] |= (uint8_t)(1u << port % 8);
		if (port >= relay->local_ports[0] && port <= relay->local_ports[1]) {
			choose_port_range(relay);
		}
	}
}

static int new_socket(struct relay *relay, const struct address *to, unsigned source, int *ret_fd)
{
	auto_close int fd =
		socket(address_family(to), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0) {
		return -errno;
	}
	if (!address_is_unix(to)) {
		keep_off_workers(relay, fd);
		if (is_remote(to)) {
			socket_find_the_dead(fd);
		}
	}
	r = source ? bind_source(fd, source) : 0;
	if (r < 0) {
		return r;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Where nobody listens, a local port that happens to be the worker's joins with itself, unless the
 * kernel keeps off those. */
static bool joined_itself(const struct relay *relay, int fd, const struct address *to)
{
	struct address own = {.len = sizeof(own.sa)};

	return (!relay->port_range || relay->no_port_range) &&
	       address_port(to) >= relay->local_ports[0] &&
	       address_port(to) <= relay->local_ports[1] &&
	       getsockname(fd, (struct sockaddr *)&own.sa, &own.len) == 0 && own.len == to->len &&
	       memcmp(&own.sa, &to->sa, to->len) == 0;
}

static int connect_from(struct relay *relay, const struct address *to, unsigned source, int *ret_fd)
{
	auto_close int fd = -EBADF;
	int r = new_socket(relay, to, source, &fd);

	if (r < 0) {
		return r;
	}
	if (connect(fd, (const struct sockaddr *)&to->sa, to->len) < 0 && errno != EINPROGRESS) {
		return -errno;
	}
	if (joined_itself(relay, fd, to)) {
		return -ECONNREFUSED;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static void report_no_ports(struct relay *relay, const struct relay_worker *w, usec_t now)
{
	if (log_once(&relay->ports_log, now, NULL)) {
		log_line(LOG_WARNING,
			 "%s: no local port is free for one more connection to it; "
			 "a unix socket for the worker has no such limit",
			 worker_label(w));
	}
}

static void report_reach(struct relay *relay, struct relay_worker *w, int8_t reach)
{
	static struct message m;

	if (w->reach == reach) {
		return;
	}
	w->reach = reach;
	message_init(&m, MSG_RELAY_DENIED, 0);
	message_put_u64(&m, TAG_SERVICE_INDEX, w->service->index);
	message_put_u64(&m, TAG_WORKER, w->place.key);
	message_put_u64(&m, TAG_UP, reach > 0);
	(void)channel_send(&relay->channel, &m);
}

static int connect_local(struct relay *relay, struct relay_worker *w, int *ret_fd)
{
	int r = connect_from(relay, &w->address, 0, ret_fd);

	if (r == 0 || r == -EACCES || r == -EPERM) {
		report_reach(relay, w, r < 0 ? -1 : 1);
	}
	return r;
}

int connect_worker(struct relay *relay, struct relay_worker *w, int *ret_fd)
{
	const bool loopback = is_loopback(&w->address);
	usec_t now;
	int r;

	if (address_is_unix(&w->address)) {
		return connect_local(relay, w, ret_fd);
	}
	if (relay->source && relay->source_until <= usec_monotonic()) {
		relay->source = 0;
	}
	r = connect_from(relay, &w->address, loopback ? relay->source : 0, ret_fd);
	if (r != -EADDRNOTAVAIL) {
		return r;
	}
	now = usec_monotonic();
	report_no_ports(relay, w, now);
	for (unsigned i = 0; loopback && r == -EADDRNOTAVAIL && i < OWN_SOURCES; i++) {
		relay->source = relay->source % OWN_SOURCES + 1;
		relay->source_until = usec_add(now, SOURCE_FOR);
		r = connect_from(relay, &w->address, relay->source, ret_fd);
	}
	return r;
}
