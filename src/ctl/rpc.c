#include "rpc.h"

#include <errno.h>
#include <poll.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

void rpc_init(struct rpc *rpc)
{
	*rpc = (struct rpc){.fd = -EBADF};
}

void rpc_done(struct rpc *rpc)
{
	cleanup_closep(&rpc->fd);
	http_target_done(&rpc->target);
	xmlrpc_fault_done(&rpc->fault);
}

int rpc_open(struct rpc *rpc, const char *url, const char *user, const char *password,
	     struct diag *diag)
{
	struct http_target target;
	int r = http_target_init(&target, url, user, password, diag);

	if (r < 0) {
		return r;
	}
	cleanup_closep(&rpc->fd);
	http_target_done(&rpc->target);
	rpc->target = target;
	return 0;
}

/*
 * A kept connection that the server has closed in the meantime is replaced before the call is
 * sent. After that nothing is ever sent twice: the server may have acted on it.
 */
static int ensure_connected(struct rpc *rpc, struct diag *diag)
{
	char byte;
	int fd;

	if (rpc->fd >= 0) {
		ssize_t n = recv(rpc->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			return 0;
		}
		cleanup_closep(&rpc->fd);
	}
	fd = http_connect(&rpc->target, diag);
	if (fd < 0) {
		return fd;
	}
	rpc->fd = fd;
	return 0;
}

/* A second, or what is left of the time. */
static const struct timespec *next_look(const struct rpc *rpc, struct timespec *ret)
{
	const usec_t left = rpc->until ? usec_sub(rpc->until, usec_monotonic()) : USEC_NEVER;

	*ret = (struct timespec){.tv_sec = 1};
	if (left < SECONDS(1)) {
		*ret = (struct timespec){.tv_nsec = (long)left * 1000};
	}
	return ret;
}

/* Waits for bytes, counting the seconds aloud. 0 or -errno. */
static int wait_readable(struct rpc *rpc)
{
	struct pollfd p = {.fd = rpc->fd, .events = POLLIN};
	const bool counts = rpc->tick || rpc->patience || rpc->until;
	struct timespec step;
	unsigned seconds = 0;
	int n;

	while ((n = ppoll(&p, 1, counts ? next_look(rpc, &step) : NULL, rpc->wait_mask)) == 0) {
		if (rpc->until && usec_monotonic() >= rpc->until) {
			break;
		}
		seconds++;
		if (rpc->tick) {
			rpc->tick(rpc->tick_data, seconds);
		}
		if (rpc->patience && seconds >= rpc->patience) {
			break;
		}
	}
	n = n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
	if (seconds > 0 && rpc->tick) {
		rpc->tick(rpc->tick_data, 0);
	}
	return n;
}

static int receive(struct rpc *rpc, struct http_reply *reply, http_body_fn *body, void *data)
{
	char buf[65536];

	while (reply->phase != HTTP_DONE) {
		int r = wait_readable(rpc);
		ssize_t n;

		if (r < 0) {
			return r;
		}
		n = recv(rpc->fd, buf, sizeof(buf), 0);
		if (n < 0) {
			return -errno;
		}
		r = n == 0 ? http_reply_end(reply)
			   : http_reply_feed(reply, buf, (size_t)n, body, data);
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

static int take_bytes(void *data, const char *bytes, size_t len)
{
	return strbuf_add(data, bytes, len);
}

static int exchange(struct rpc *rpc, const char *method, const char *path, struct strbuf *request,
		    http_body_fn *body, void *data, struct diag *diag)
{
	struct http_reply reply;
	int r;

	(void)fflush(stdout); /* what is known shows before a wait */
	rpc->http_status = 0;
	rpc->sent = false;
	r = ensure_connected(rpc, diag);
	if (r < 0) {
		return r;
	}
	http_reply_init(&reply);
	rpc->sent = true;
	r = http_send(rpc->fd, &rpc->target, method, path, request ? strbuf_str(request) : NULL,
		      request ? request->len : 0);
	r = r < 0 ? r : receive(rpc, &reply, body, data);
	if (r < 0 || !reply.keep_alive) {
		cleanup_closep(&rpc->fd);
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "%s", rpc->target.url);
	}
	if (reply.status != 200) {
		rpc->http_status = reply.status;
		(void)snprintf(rpc->http_reason, sizeof(rpc->http_reason), "%s", reply.reason);
		return diag_set(diag, -EPROTO, "%s: answered %u %s", rpc->target.url, reply.status,
				reply.reason);
	}
	return 0;
}

/* Those that wait for processes, disks, jobs or commands take as long as these do. */
static bool waits(const char *method)
{
	static const char *const names[] = {
		"start",  "stop",   "restart", "addProcessGroup", "removeProcessGroup",
		"reload", "follow", "update",  "shutdown",	  "clear",
		"pause",  "resume", "offline", "online",	  "notifyTest"};
	const char *dot = strchr(method, '.');

	for (size_t i = 0; dot && i < ARRAY_SIZE(names); i++) {
		if (strncmp(dot + 1, names[i], strlen(names[i])) == 0) {
			return true;
		}
	}
	return false;
}

int rpc_call(struct rpc *rpc, struct value *ret, struct diag *diag, const char *method,
	     const char *types, ...)
{
	CLEANUP(strbuf_done) struct strbuf request = {0}, reply = {0};
	struct value result = {0};
	va_list ap;
	int r;

	xmlrpc_fault_done(&rpc->fault);
	va_start(ap, types);
	r = xmlrpc_encode(&request, method, types, ap);
	va_end(ap);
	rpc->sent = false;
	if (r == -EILSEQ) {
		return diag_set(diag, r,
				"an argument is not UTF-8, or has control characters: it cannot be "
				"sent. Write it without them");
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "%s", method);
	}
	rpc->patience = waits(method) ? 0 : RPC_PATIENCE;
	r = exchange(rpc, "POST", "/RPC2", &request, take_bytes, &reply, diag);
	if (r == -ETIMEDOUT) {
		return diag_set(diag, r,
				"%s: no answer to %s within %d s: slotd-control hangs, or has too "
				"much to do. slotd restarts it if it hangs; slotd's log says more",
				rpc->target.url, method, RPC_PATIENCE);
	}
	if (r < 0) {
		return r;
	}
	r = xmlrpc_decode(strbuf_str(&reply), reply.len, diag, &result, &rpc->fault);
	if (r < 0) {
		return r;
	}
	if (ret) {
		*ret = result;
	} else {
		value_done(&result);
	}
	return 0;
}

int rpc_get(struct rpc *rpc, const char *path, struct strbuf *ret, struct diag *diag)
{
	rpc->patience = RPC_PATIENCE;
	return exchange(rpc, "GET", path, NULL, take_bytes, ret, diag);
}

int rpc_stream(struct rpc *rpc, const char *path, http_body_fn *body, void *data, struct diag *diag)
{
	int r;

	rpc->patience = 0; /* a quiet log is no hanging server */
	r = exchange(rpc, "GET", path, NULL, body, data, diag);

	cleanup_closep(&rpc->fd); /* it may end in the middle of a body */
	return r;
}
