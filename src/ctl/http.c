#include "http.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <slotd/cleanup.h>
#include <slotd/command.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* ---- where to ------------------------------------------------------------------------------ */

/* Standard base64 with padding. */
static int base64(struct strbuf *to, const char *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *b = (const unsigned char *)bytes;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t three = (uint32_t)b[i] << 16 | (n > 1 ? (uint32_t)b[i + 1] << 8 : 0) |
				 (n > 2 ? b[i + 2] : 0);

		(void)strbuf_addc(to, digits[three >> 18 & 63]);
		(void)strbuf_addc(to, digits[three >> 12 & 63]);
		(void)strbuf_addc(to, n > 1 ? digits[three >> 6 & 63] : '=');
		(void)strbuf_addc(to, n > 2 ? digits[three & 63] : '=');
	}
	return to->error;
}

static int make_authorization(struct http_target *t, const char *user, const char *password)
{
	CLEANUP(strbuf_done) struct strbuf both = {0}, header = {0};

	(void)strbuf_addf(&both, "%s:%s", user ? user : "", password ? password : "");
	(void)strbuf_adds(&header, "Basic ");
	(void)base64(&header, strbuf_str(&both), both.len);
	t->authorization = strbuf_take(&header);
	return t->authorization ? 0 : -ENOMEM;
}

/* "host", "host:port", "[::1]:port"; what follows a slash is not ours */
static int split_host(struct http_target *t, const char *text, struct diag *diag)
{
	bool bracketed = text[0] == '[';
	const char *host = text + bracketed, *end = host + strcspn(host, bracketed ? "]/" : ":/");
	const char *after = bracketed && *end == ']' ? end + 1 : end;

	if (end == host || (bracketed && *end != ']') ||
	    (*after && *after != ':' && *after != '/')) {
		return diag_set(diag, -EINVAL, "\"%s\" is not http://HOST[:PORT]", t->url);
	}
	t->host = strndup(host, (size_t)(end - host));
	t->port = *after == ':' ? strndup(after + 1, strcspn(after + 1, "/")) : strdup("80");
	if (!t->host || !t->port) {
		return -ENOMEM;
	}
	if (t->port[0] == '\0' || t->port[strspn(t->port, "0123456789")] != '\0' ||
	    strtoul(t->port, NULL, 10) > UINT16_MAX) {
		return diag_set(diag, -EINVAL, "\"%s\": \"%s\" is not a port", t->url, t->port);
	}
	return 0;
}

static int fill_target(struct http_target *t, const char *url, struct diag *diag)
{
	static const char unix_scheme[] = "unix://", http_scheme[] = "http://";

	t->url = strdup(url);
	if (!t->url) {
		return -ENOMEM;
	}
	if (strncasecmp(url, http_scheme, strlen(http_scheme)) == 0) {
		return split_host(t, url + strlen(http_scheme), diag);
	}
	if (strncasecmp(url, unix_scheme, strlen(unix_scheme)) != 0) {
		return diag_set(diag, -EINVAL,
				"\"%s\" is neither unix:///PATH nor http://HOST:PORT", url);
	}
	t->path = strdup(url + strlen(unix_scheme));
	if (!t->path) {
		return -ENOMEM;
	}
	if (t->path[0] == '\0' || strlen(t->path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		return diag_set(diag, -EINVAL, "\"%s\": a socket's path has 1 to 107 characters",
				url);
	}
	return 0;
}

int http_target_init(struct http_target *t, const char *url, const char *user, const char *password,
		     struct diag *diag)
{
	int r;

	*t = (struct http_target){0};
	r = fill_target(t, url, diag);
	if (r == 0 && (user || password)) {
		r = make_authorization(t, user, password);
	}
	if (r < 0) {
		http_target_done(t);
	}
	return r;
}

void http_target_done(struct http_target *t)
{
	free(t->url);
	free(t->path);
	free(t->host);
	free(t->port);
	free(t->authorization);
	*t = (struct http_target){0};
}

/* ---- connecting and sending ---------------------------------------------------------------- */

/* What a blocking call says when SO_SNDTIMEO is over: connect(2) and send(2) differ. */
static int send_error(int error)
{
	return error == EAGAIN || error == EINPROGRESS ? -ETIMEDOUT : -error;
}

/* With the queue of its socket full, a server that accepts nobody blocks connect(2), too. */
static int connect_one(int family, const struct sockaddr *addr, socklen_t len)
{
	const struct timeval patience = {.tv_sec = HTTP_PATIENCE};
	auto_close int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0) {
		return -errno;
	}
	if (connect(fd, addr, len) < 0) {
		return send_error(errno);
	}
	return TAKE_FD(fd);
}

static void free_addresses(struct addrinfo **list)
{
	if (*list) {
		freeaddrinfo(*list);
	}
}

static int connect_tcp(const struct http_target *t, struct diag *diag)
{
	CLEANUP(free_addresses) struct addrinfo *list = NULL;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	int r = getaddrinfo(t->host, t->port, &hints, &list), fd = -EADDRNOTAVAIL;

	if (r != 0) {
		return diag_set(diag, -EADDRNOTAVAIL, "%s: %s", t->host, gai_strerror(r));
	}
	for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = connect_one(a->ai_family, a->ai_addr, a->ai_addrlen);
	}
	return fd < 0 ? diag_set_errno(diag, fd, "%s:%s", t->host, t->port) : fd;
}

int http_connect(const struct http_target *t, struct diag *diag)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd;

	if (!t->path) {
		return connect_tcp(t, diag);
	}
	memcpy(addr.sun_path, t->path, strlen(t->path)); /* fits: http_target_init */
	fd = connect_one(AF_UNIX, (struct sockaddr *)&addr, sizeof(addr));
	return fd < 0 ? diag_set_errno(diag, fd, "%s", t->path) : fd;
}

int http_send(int fd, const struct http_target *t, const char *method, const char *path,
	      const char *body, size_t len)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};

	(void)strbuf_addf(&out, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: slotctl/%s\r\n", method,
			  path, t->host ? t->host : "localhost", SLOTD_VERSION);
	if (t->authorization) {
		(void)strbuf_addf(&out, "Authorization: %s\r\n", t->authorization);
	}
	if (body) {
		(void)strbuf_addf(&out,
				  "Content-Type: text/xml\r\nContent-Length: %zu\r\n" RESULTS_HEADER
				  ": " RESULTS_BRIEF "\r\n",
				  len);
	}
	(void)strbuf_adds(&out, "\r\n");
	(void)strbuf_add(&out, body, body ? len : 0);
	if (out.error < 0) {
		return out.error;
	}
	for (size_t at = 0; at < out.len;) {
		ssize_t n = send(fd, out.data + at, out.len - at, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR) {
			return send_error(errno);
		}
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

void http_add_path(struct strbuf *path, const char *prefix, const char *name)
{
	(void)strbuf_adds(path, prefix);
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c <= ' ' || c >= 0x7f || strchr("%?#/\"<>", c)) {
			(void)strbuf_addf(path, "%%%02X", c);
		} else {
			(void)strbuf_addc(path, (char)c);
		}
	}
}

/* ---- the reply ----------------------------------------------------------------------------- */

void http_reply_init(struct http_reply *r)
{
	r->phase = HTTP_STATUS_LINE;
	r->status = 0;
	r->n_headers = 0;
	r->keep_alive = r->chunked = r->has_length = false;
	r->left = 0;
	r->line_len = 0;
	r->reason[0] = '\0';
}

static int read_status_line(struct http_reply *r, const char *line)
{
	unsigned minor = 0;
	int at = 0;

	if (line[0] == '\0') {
		return 0; /* blank lines before a reply are allowed: RFC 9112, 2.2 */
	}
	if (sscanf(line, "HTTP/1.%1u %3u %n", &minor, &r->status, &at) < 2 || r->status < 100) {
		return -EPROTO;
	}
	r->keep_alive = minor > 0;
	(void)snprintf(r->reason, sizeof(r->reason), "%s", at > 0 ? line + at : "");
	r->phase = HTTP_HEADERS;
	return 0;
}

static int read_number(const char *text, int base, uint64_t *ret)
{
	char *end;

	if (!isxdigit((unsigned char)text[0])) {
		return -EPROTO;
	}
	errno = 0;
	*ret = strtoull(text, &end, base);
	return errno != 0 || end == text || *ret > INT64_MAX ? -EPROTO : 0;
}

static void end_of_headers(struct http_reply *r)
{
	if (r->status / 100 == 1) { /* "100 Continue": the real one follows */
		http_reply_init(r);
	} else if (r->status == 204 || r->status == 304) {
		r->phase = HTTP_DONE;
	} else if (r->chunked) {
		r->phase = HTTP_CHUNK_SIZE;
	} else if (r->has_length) {
		r->phase = r->left > 0 ? HTTP_BODY : HTTP_DONE;
	} else {
		r->phase = HTTP_BODY_TO_END;
		r->keep_alive = false;
	}
}

static int read_header(struct http_reply *r, char *line)
{
	char *value = strchr(line, ':');

	if (line[0] == '\0') {
		end_of_headers(r);
		return 0;
	}
	if (!value || ++r->n_headers > HTTP_HEADERS_MAX) {
		return -EPROTO;
	}
	*value++ = '\0';
	value += strspn(value, " \t");
	if (strcasecmp(line, "Content-Length") == 0) {
		r->has_length = true;
		return read_number(value, 10, &r->left);
	}
	if (strcasecmp(line, "Transfer-Encoding") == 0) {
		r->chunked = strcasecmp(value, "chunked") == 0;
		return r->chunked ? 0 : -EPROTO;
	}
	if (strcasecmp(line, "Connection") == 0) {
		r->keep_alive = strcasecmp(value, "close") != 0;
	}
	return 0;
}

static int read_line(struct http_reply *r)
{
	int error;

	if (r->line_len > 0 && r->line[r->line_len - 1] == '\r') {
		r->line_len--;
	}
	r->line[r->line_len] = '\0';
	r->line_len = 0;
	switch (r->phase) {
	case HTTP_STATUS_LINE:
		return read_status_line(r, r->line);
	case HTTP_HEADERS:
		return read_header(r, r->line);
	case HTTP_CHUNK_SIZE:
		error = read_number(r->line, 16, &r->left);
		r->phase = r->left > 0 ? HTTP_CHUNK : HTTP_TRAILER;
		return error;
	case HTTP_CHUNK_END:
		r->phase = HTTP_CHUNK_SIZE;
		return r->line[0] == '\0' ? 0 : -EPROTO;
	case HTTP_TRAILER:
		r->phase = r->line[0] == '\0' ? HTTP_DONE : HTTP_TRAILER;
		return 0;
	default:
		return -EPROTO; /* the other phases have no lines */
	}
}

/* Takes a line's bytes up to its end. Returns how many, or -EPROTO. */
static ssize_t feed_line(struct http_reply *r, const char *bytes, size_t len)
{
	const char *newline = memchr(bytes, '\n', len);
	size_t n = newline ? (size_t)(newline - bytes) : len;
	int error;

	if (r->line_len + n >= sizeof(r->line)) {
		return -EPROTO;
	}
	memcpy(r->line + r->line_len, bytes, n);
	r->line_len += n;
	if (!newline) {
		return (ssize_t)n;
	}
	error = read_line(r);
	return error < 0 ? error : (ssize_t)n + 1;
}

static ssize_t feed_body(struct http_reply *r, const char *bytes, size_t len, http_body_fn *body,
			 void *data)
{
	bool bounded = r->phase != HTTP_BODY_TO_END;
	size_t n = bounded && r->left < len ? (size_t)r->left : len;
	int error = body && r->status == 200 ? body(data, bytes, n) : 0;

	if (error < 0) {
		return error;
	}
	if (bounded) {
		r->left -= n;
		if (r->left == 0) {
			r->phase = r->phase == HTTP_CHUNK ? HTTP_CHUNK_END : HTTP_DONE;
		}
	}
	return (ssize_t)n;
}

int http_reply_feed(struct http_reply *r, const char *bytes, size_t len, http_body_fn *body,
		    void *data)
{
	while (len > 0 && r->phase != HTTP_DONE) {
		bool in_body = r->phase == HTTP_BODY || r->phase == HTTP_BODY_TO_END ||
			       r->phase == HTTP_CHUNK;
		ssize_t n =
			in_body ? feed_body(r, bytes, len, body, data) : feed_line(r, bytes, len);

		if (n < 0) {
			return (int)n;
		}
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int http_reply_end(struct http_reply *r)
{
	if (r->phase == HTTP_BODY_TO_END) {
		r->phase = HTTP_DONE;
	}
	return r->phase == HTTP_DONE ? 0 : -ECONNRESET;
}
