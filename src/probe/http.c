#include "http.h"
#include "prober.h"

#include <slotd/cleanup.h>
#include <slotd/log.h>

#include <string.h>
#include <sys/socket.h>

/* One socket that libcurl wants watched. */
struct watch {
	struct http *http;
	struct loop_io io;
	curl_socket_t fd;
};

static void take_finished(struct http *h);

/* ---- libcurl's wishes, carried out by the loop */

static void act(struct http *h, curl_socket_t fd, int events)
{
	int running;
	CURLMcode code;

	if (h->prober->failed) {
		return;
	}
	code = curl_multi_socket_action(h->multi, fd, events, &running);
	if (code != CURLM_OK) {
		log_line(LOG_ERR, "checks by HTTP: %s", curl_multi_strerror(code));
	}
	if (code == CURLM_OUT_OF_MEMORY || code == CURLM_INTERNAL_ERROR ||
	    code == CURLM_ABORTED_BY_CALLBACK) {
		/* libcurl 7.88 would divide by 0, or have no timers any more. */
		prober_fail(h->prober, -ENOMEM);
		return;
	}
	take_finished(h);
}

static void on_socket(struct loop_io *io, unsigned events)
{
	const struct watch *w = container_of(io, struct watch, io);

	act(w->http, w->fd,
	    (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
		    (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static void on_timer(struct loop_timer *t)
{
	act(container_of(t, struct http, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int timer_wanted(CURLM *multi, long timeout_ms, void *data)
{
	struct http *h = data;

	(void)multi;
	loop_timer_set(h->prober->loop, &h->timer,
		       timeout_ms < 0 ? USEC_NEVER
				      : usec_add(usec_monotonic(), MSECONDS((usec_t)timeout_ms)));
	return 0;
}

static struct watch *watch_new(struct http *h, curl_socket_t fd)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w) {
		*w = (struct watch){.http = h, .fd = fd};
		loop_io_init(&w->io, on_socket);
		(void)curl_multi_assign(h->multi, fd, w); /* fails for a foreign socket only */
	}
	return w;
}

static int watch_wanted(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
	struct http *h = data;
	struct watch *w = socket_data;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w) {
			loop_io_stop(h->prober->loop, &w->io);
			free(w);
		}
		return 0;
	}
	w = w ? w : watch_new(h, fd);
	if (!w) {
		return -1; /* no memory: act() ends this process */
	}
	loop_io_set(h->prober->loop, &w->io, fd,
		    (what & CURL_POLL_IN ? LOOP_READ : 0u) |
			    (what & CURL_POLL_OUT ? LOOP_WRITE : 0u));
	return 0;
}

int http_init(struct http *h, struct prober *p)
{
	*h = (struct http){.prober = p, .multi = curl_multi_init()};
	loop_timer_init(&h->timer, on_timer);
	if (!h->multi ||
	    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch_wanted) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, timer_wanted) != CURLM_OK ||
	    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) != CURLM_OK) {
		http_done(h);
		return -ENOMEM;
	}
	return 0;
}

void http_done(struct http *h)
{
	if (h->multi) {
		(void)curl_multi_cleanup(h->multi); /* all transfers were removed before */
		h->multi = NULL;
		loop_timer_stop(h->prober->loop, &h->timer);
	}
}

/* ---- one check */

static size_t take_body(char *data, size_t size, size_t n, void *user)
{
	struct check *c = user;
	size_t len = size * n, room = sizeof(c->body) - c->body_len;

	if (len > room) {
		/* Enough was seen. A short count ends the transfer: CURLE_WRITE_ERROR. */
		memcpy(c->body + c->body_len, data, room);
		c->body_len += room;
		return 0;
	}
	memcpy(c->body + c->body_len, data, len);
	c->body_len += len;
	return len;
}

static int add_header(struct check *c, const char *line)
{
	struct curl_slist *longer = curl_slist_append(c->headers, line);

	if (!longer) {
		return -ENOMEM;
	}
	c->headers = longer;
	return 0;
}

/* libcurl drops a header that has a name only, unless the colon is a semicolon. */
static int add_user_header(struct check *c, char *line)
{
	char *colon = strchr(line, ':');

	if (!colon) {
		return 0;
	}
	if (colon[1 + strspn(colon + 1, " \t")] == '\0') {
		strcpy(colon, ";");
	}
	return add_header(c, line);
}

static int add_headers(struct check *c)
{
	auto_free char *lines = c->request.header ? strdup(c->request.header) : NULL;
	auto_free char *host = NULL;
	char *at = NULL;
	int r = 0;

	if (c->request.header && !lines) {
		return -ENOMEM;
	}
	if (c->request.host) {
		r = asprintf(&host, "Host: %s", c->request.host) < 0 ? -ENOMEM
								     : add_header(c, host);
	}
	if (r == 0) {
		r = add_header(c, "Connection: close");
	}
	for (char *line = lines ? strtok_r(lines, "\n", &at) : NULL; r == 0 && line;
	     line = strtok_r(NULL, "\n", &at)) {
		r = add_user_header(c, line);
	}
	return r;
}

/* libcurl's own PROXY header knows version 1 only, and tells an address. */
static curl_socket_t open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct check *c = data;

	(void)purpose;
	c->fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (c->fd < 0) {
		return CURL_SOCKET_BAD;
	}
	probe_socket_made(c->fd);
	return c->fd;
}

/* Connected, and nothing is sent yet. */
static int introduce(void *data, char *ip, char *local_ip, int port, int local_port)
{
	(void)ip, (void)local_ip, (void)port, (void)local_port;
	return check_introduce(data) < 0 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* One row an option; the first failure ends it. */
static CURLcode set_options(struct check *c, const char *url)
{
	const long timeout_ms = (long)(c->request.timeout / 1000) + 1;
	const char *unix_path = address_path(&c->request.address);
	CURLcode codes[] = {
		curl_easy_setopt(c->easy, CURLOPT_URL, url),
		curl_easy_setopt(c->easy, CURLOPT_REQUEST_TARGET, c->request.path),
		curl_easy_setopt(c->easy, CURLOPT_UNIX_SOCKET_PATH, unix_path),
		curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers),
		curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "slotd-probe/" SLOTD_VERSION),
		curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http"),
		curl_easy_setopt(c->easy, CURLOPT_PROXY, ""), /* not even from http_proxy */
		curl_easy_setopt(c->easy, CURLOPT_FOLLOWLOCATION, 0L),
		curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, 1L),
		curl_easy_setopt(c->easy, CURLOPT_FORBID_REUSE, 1L),
		curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L),
		curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, timeout_ms),
		curl_easy_setopt(c->easy, CURLOPT_BUFFERSIZE, (long)VERDICT_BODY_MAX),
		curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->error),
		curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETFUNCTION, open_socket),
		curl_easy_setopt(c->easy, CURLOPT_OPENSOCKETDATA, c),
		curl_easy_setopt(c->easy, CURLOPT_PREREQFUNCTION, introduce),
		curl_easy_setopt(c->easy, CURLOPT_PREREQDATA, c),
		curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, take_body),
		curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c),
		curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c),
	};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (codes[i] != CURLE_OK) {
			return codes[i];
		}
	}
	return CURLE_OK;
}

static int begin(struct check *c)
{
	char url[ADDRESS_TEXT_MAX + sizeof("http:///")];
	int r = add_headers(c);

	if (r < 0) {
		return r;
	}
	c->easy = curl_easy_init();
	if (!c->easy) {
		return -ENOMEM;
	}
	if (set_options(c, request_url(&c->request, url, sizeof(url))) != CURLE_OK ||
	    curl_multi_add_handle(c->prober->http.multi, c->easy) != CURLM_OK) {
		return -ENOMEM;
	}
	return 0;
}

void http_begin(struct check *c)
{
	int r = begin(c);

	if (r < 0) {
		const struct outcome o = {.kind = OUTCOME_OTHER, .error = -r, .text = strerror(-r)};

		check_finish(c, &o);
	}
}

void http_end(struct check *c)
{
	if (c->easy) {
		/* Not added is no failure that matters: it is freed next. */
		(void)curl_multi_remove_handle(c->prober->http.multi, c->easy);
		curl_easy_cleanup(c->easy);
		c->easy = NULL;
	}
	curl_slist_free_all(c->headers);
	c->headers = NULL;
}

/* ---- what came of it */

static enum outcome_kind late(unsigned status, curl_off_t connected_after)
{
	if (status) {
		return OUTCOME_BODY_LATE;
	}
	return connected_after > 0 ? OUTCOME_ANSWER_LATE : OUTCOME_CONNECT_LATE;
}

static enum outcome_kind kind_of(CURLcode code, unsigned status, curl_off_t connected_after)
{
	switch (code) {
	case CURLE_OK:
	case CURLE_WRITE_ERROR: /* take_body had seen enough */
		return OUTCOME_ANSWERED;
	case CURLE_OPERATION_TIMEDOUT:
		return late(status, connected_after);
	case CURLE_COULDNT_CONNECT:
		return OUTCOME_NOT_CONNECTED;
	case CURLE_ABORTED_BY_CALLBACK: /* introduce */
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_PARTIAL_FILE:
		/* The status is what is judged; a body cut short by the worker's end is not. */
		return status ? OUTCOME_ANSWERED : OUTCOME_CLOSED;
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, that is, anything */
	case CURLE_WEIRD_SERVER_REPLY:
		return OUTCOME_NOT_HTTP;
	default:
		return OUTCOME_OTHER;
	}
}

static int errno_of(CURLcode code, CURL *easy)
{
	long error = 0;

	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return ENOMEM;
	case CURLE_COULDNT_CONNECT:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		(void)curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
		return (int)error;
	default:
		return 0;
	}
}

static void finished(CURL *easy, CURLcode code)
{
	curl_off_t connected_after = 0;
	struct check *c = NULL;
	struct outcome o;
	long status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &c);
	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected_after);
	o = (struct outcome){
		.kind = kind_of(code, (unsigned)status, connected_after),
		.error = errno_of(code, easy),
		.status = (unsigned)status,
		.body = c->body,
		.body_len = c->body_len,
		.text = *c->error ? c->error : curl_easy_strerror(code),
	};
	check_finish(c, &o);
}

static void take_finished(struct http *h)
{
	const CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(h->multi, &left))) {
		if (msg->msg == CURLMSG_DONE) {
			finished(msg->easy_handle, msg->data.result);
		}
	}
}
