#include "client.h"

#include "control.h"

#include <slotd/cleanup.h>

#include <string.h>

enum request_state {
	REQUEST_ARRIVING,
	REQUEST_RUNNING,   /* inside of the route's run */
	REQUEST_PARKED,	   /* complete, not answered: the connection is suspended */
	REQUEST_ANSWERED,  /* response is set, to be queued */
	REQUEST_SENDING,   /* queued */
	REQUEST_WAITING,   /* a stream without new bytes: suspended */
	REQUEST_ABANDONED, /* its client left */
};

struct request {
	struct client *client;
	struct http *http;
	const struct route *route;
	enum request_state state;
	char *path;
	void *data;	  /* the route's */
	size_t declared;  /* of the body, counted in http->receiving */
	size_t unwanted;  /* bytes of a refused body so far */
	size_t reply_len; /* counted in http->replying */
	unsigned refused; /* status, once the body has passed */
	unsigned status;
	struct MHD_Response *response;
	bool head;	       /* no text is wanted */
	request_read_fn *read; /* of a stream, or of parts */
	struct {
		const char *name;
		char *value;
	} headers[HTTP_HEADERS_MAX]; /* of the answer */
	unsigned n_headers;
};

struct control *request_control(const struct request *rq)
{
	return rq->http->control;
}

const struct peer *request_peer(const struct request *rq)
{
	return &rq->client->peer;
}

const char *request_path(const struct request *rq)
{
	return rq->path;
}

const char *request_argument(const struct request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->client->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *request_header(const struct request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->client->connection, MHD_HEADER_KIND, name);
}

void *request_data(const struct request *rq)
{
	return rq->data;
}

void request_set_data(struct request *rq, void *data)
{
	rq->data = data;
}

/* ---- answering */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	/* Fails for want of memory only; the answer is good without. */
	(void)MHD_add_response_header(response, name, value);
}

void request_set_header(struct request *rq, const char *name, const char *value)
{
	char *copy = rq->n_headers < HTTP_HEADERS_MAX ? strdup(value) : NULL;

	if (copy) {
		rq->headers[rq->n_headers].name = name;
		rq->headers[rq->n_headers++].value = copy;
	}
}

/* libmicrohttpd takes it up at its next turn, of which nothing else would remind us. */
static void resume(struct request *rq)
{
	MHD_resume_connection(rq->client->connection);
	loop_idle_queue(rq->http->loop, &rq->http->turn);
}

static void describe(struct request *rq, struct MHD_Response *response, const char *type)
{
	add_header(response, MHD_HTTP_HEADER_SERVER, "slotd");
	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	for (unsigned i = 0; i < rq->n_headers; i++) {
		add_header(response, rq->headers[i].name, rq->headers[i].value);
	}
}

/* The answer is known: goes out now, or when the connection is awake again. */
static void answered(struct request *rq, unsigned status, struct MHD_Response *response)
{
	bool parked = rq->state == REQUEST_PARKED;

	if (rq->state > REQUEST_PARKED) {
		if (response) {
			MHD_destroy_response(response);
		}
		return;
	}
	rq->status = status;
	rq->response = response;
	rq->state = REQUEST_ANSWERED;
	if (parked) {
		resume(rq);
	}
}

void request_reply(struct request *rq, unsigned status, const char *type, struct strbuf *text)
{
	struct MHD_Response *response;
	size_t len = text->len;
	char *data;

	if (text->error ||
	    (len > HTTP_SMALL_REPLY && rq->http->replying + len > HTTP_REPLYING_MAX)) {
		strbuf_done(text);
		request_reply_status(rq, MHD_HTTP_SERVICE_UNAVAILABLE);
		return;
	}
	data = strbuf_take(text);
	response = MHD_create_response_from_buffer_with_free_callback(len, data, free);
	if (!response) {
		free(data);
		answered(rq, status, NULL);
		return;
	}
	rq->reply_len = len;
	rq->http->replying += len;
	describe(rq, response, type);
	answered(rq, status, response);
}

void request_reply_status(struct request *rq, unsigned status)
{
	const char *reason = MHD_get_reason_phrase_for(status);
	struct strbuf page = {0};

	if (status == MHD_HTTP_UNAUTHORIZED) {
		request_set_header(rq, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Basic realm=\"default\"");
	}
	(void)strbuf_addf(&page,
			  "<!DOCTYPE html>\n<title>%u %s</title>\n<h1>%u %s</h1>\n"
			  "<p>Error code %u.\n<p>Message: %s.\n",
			  status, reason, status, reason, status, reason);
	if (page.error) {
		strbuf_done(&page);
		answered(rq, status, NULL);
		return;
	}
	request_reply(rq, status, "text/html", &page);
}

/* ---- texts that are made while they are sent */

enum {
	BLOCK_SIZE = 16 * 1024,
};

static ssize_t read_part(void *data, uint64_t pos, char *buf, size_t size)
{
	struct request *rq = data;
	ssize_t n = rq->read(rq->data, buf, size);

	(void)pos;
	return n < 0	? MHD_CONTENT_READER_END_WITH_ERROR
	       : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM
			: n;
}

static void answer_by(struct request *rq, const char *type, MHD_ContentReaderCallback by,
		      request_read_fn *read)
{
	struct MHD_Response *response =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_SIZE, by, rq, NULL);

	rq->read = read;
	if (response) {
		describe(rq, response, type);
	}
	if (response && rq->head) { /* libmicrohttpd would send the end of the chunks, alone */
		(void)MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT,
					       MHD_RO_END);
	}
	answered(rq, MHD_HTTP_OK, response);
}

void request_reply_parts(struct request *rq, const char *type, request_read_fn *read)
{
	answer_by(rq, type, read_part, read);
}

/* ---- streams */

static ssize_t read_stream(void *data, uint64_t pos, char *buf, size_t size)
{
	struct request *rq = data;
	ssize_t n;

	(void)pos;
	if (rq->state == REQUEST_ABANDONED || rq->client->left) {
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	rq->state = REQUEST_SENDING;
	n = rq->read(rq->data, buf, size);
	if (n < 0) {
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	if (n == 0) {
		rq->state = REQUEST_WAITING;
		MHD_suspend_connection(rq->client->connection);
	}
	return n;
}

void request_stream(struct request *rq, const char *type, request_read_fn *read)
{
	client_watch(rq->client);
	answer_by(rq, type, read_stream, read);
}

void request_stream_more(struct request *rq)
{
	if (rq->state == REQUEST_WAITING) {
		rq->state = REQUEST_SENDING;
		resume(rq);
	}
}

void request_abandon(struct request *rq)
{
	if (rq->state == REQUEST_PARKED || rq->state == REQUEST_WAITING) {
		rq->state = REQUEST_ABANDONED;
		resume(rq);
	}
}

/* ---- arriving */

static unsigned method_of(const char *method)
{
	static const struct {
		const char *name;
		enum http_method method;
	} methods[] = {{"GET", HTTP_GET}, {"HEAD", HTTP_HEAD}, {"POST", HTTP_POST}};

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].name, method) == 0) {
			return methods[i].method;
		}
	}
	return 0;
}

static unsigned check_auth(struct request *rq)
{
	static const unsigned statuses[] = {
		[AUTH_OK] = 0,
		[AUTH_MISSING] = MHD_HTTP_UNAUTHORIZED,
		[AUTH_MALFORMED] = MHD_HTTP_BAD_REQUEST,
		[AUTH_WRONG] = MHD_HTTP_UNAUTHORIZED,
		[AUTH_LATER] = MHD_HTTP_SERVICE_UNAVAILABLE,
	};
	struct client *c = rq->client;
	enum auth_result result =
		auth_check(&c->server->auth, request_header(rq, MHD_HTTP_HEADER_AUTHORIZATION),
			   usec_monotonic());

	c->good = result == AUTH_OK;
	c->peer.who = result == AUTH_OK ? c->server->auth.username : NULL;
	return statuses[result];
}

static unsigned check_length(struct request *rq, unsigned method)
{
	const char *text = request_header(rq, MHD_HTTP_HEADER_CONTENT_LENGTH);
	unsigned long long len = text ? strtoull(text, NULL, 10) : 0;

	if (!text &&
	    (method == HTTP_POST || request_header(rq, MHD_HTTP_HEADER_TRANSFER_ENCODING))) {
		return MHD_HTTP_LENGTH_REQUIRED;
	}
	rq->declared = len > HTTP_BODY_MAX ? HTTP_BODY_MAX + 1 : (size_t)len;
	if (rq->declared > HTTP_BODY_MAX) {
		return MHD_HTTP_CONTENT_TOO_LARGE;
	}
	if (rq->declared > HTTP_SMALL_BODY &&
	    rq->http->receiving + rq->declared > HTTP_RECEIVING_MAX) {
		return MHD_HTTP_SERVICE_UNAVAILABLE;
	}
	return 0;
}

static bool may_have(const struct request *rq)
{
	const struct access *a = &rq->http->control->access;
	const struct peer *p = &rq->client->peer;

	return rq->route->role == ROLE_NONE ||
	       (rq->route->role == ROLE_READ ? access_reads(a, p, NULL)
					     : access_has(a, p, rq->route->role));
}

static unsigned wrong_method(struct request *rq)
{
	if (!rq->route->ours) {
		return MHD_HTTP_BAD_REQUEST;
	}
	request_set_header(rq, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	return MHD_HTTP_METHOD_NOT_ALLOWED;
}

/* 0, or the status with which the request is refused. */
static unsigned check(struct request *rq, const char *method_name)
{
	unsigned method = method_of(method_name), status = check_length(rq, method);

	rq->head = method == HTTP_HEAD;
	if (status == 0) {
		status = check_auth(rq);
	}
	if (status == 0 && rq->client->nul) {
		status = MHD_HTTP_BAD_REQUEST;
	}
	if (status) {
		return status;
	}
	rq->route = rq->http->find_route(rq->path);
	if (!rq->route) {
		return method ? MHD_HTTP_NOT_FOUND : MHD_HTTP_BAD_REQUEST;
	}
	if (!(rq->route->methods & method)) {
		return wrong_method(rq);
	}
	if (!may_have(rq)) {
		return MHD_HTTP_FORBIDDEN;
	}
	return rq->route->begin && rq->route->begin(rq) < 0 ? MHD_HTTP_INTERNAL_SERVER_ERROR : 0;
}

static enum MHD_Result queue(struct request *rq)
{
	enum MHD_Result result;

	if (!rq->response) {
		return MHD_NO;
	}
	rq->state = REQUEST_SENDING;
	result = MHD_queue_response(rq->client->connection, rq->status, rq->response);
	MHD_destroy_response(rq->response); /* the connection has its own reference */
	rq->response = NULL;
	return result;
}

/* The headers are here. A small body is read even if it is refused: closing with unread bytes
 * would reset the connection and take the answer with it. */
static enum MHD_Result arrived(struct request *rq, const char *method)
{
	rq->refused = check(rq, method);
	rq->http->receiving += rq->declared;
	client_hurry(rq->client);
	if (rq->refused && rq->declared > HTTP_SMALL_BODY) {
		request_reply_status(rq, rq->refused);
		return queue(rq);
	}
	return MHD_YES;
}

/* A request may name the whole URL, as to a proxy. */
static const char *path_of(const char *url)
{
	const char *host = strstr(url, "://"), *path;

	if (url[0] == '/' || !host) {
		return url;
	}
	path = strchr(host + strlen("://"), '/');
	return path ? path : "/";
}

static enum MHD_Result begin(struct http *h, struct MHD_Connection *connection, const char *url,
			     const char *method, void **ret_rq)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *rq = calloc(1, sizeof(*rq));

	if (!rq) {
		return MHD_NO;
	}
	rq->client = info->socket_context;
	rq->http = h;
	rq->path = strdup(path_of(url));
	if (!rq->path) {
		free(rq);
		return MHD_NO;
	}
	rq->client->rq = rq;
	*ret_rq = rq;
	return arrived(rq, method);
}

static void forget_body(struct request *rq)
{
	rq->http->receiving -= rq->declared;
	rq->declared = 0;
}

static enum MHD_Result complete(struct request *rq)
{
	loop_timer_stop(rq->http->loop, &rq->client->deadline);
	rq->state = REQUEST_RUNNING;
	if (rq->refused) {
		request_reply_status(rq, rq->refused);
	} else {
		rq->route->run(rq);
	}
	if (rq->state == REQUEST_ANSWERED) {
		return queue(rq);
	}
	rq->state = REQUEST_PARKED;
	MHD_suspend_connection(rq->client->connection);
	client_watch(rq->client);
	if (rq->client->left) {
		request_abandon(rq);
	}
	return MHD_YES;
}

/* Chunks have no length to be refused by beforehand. */
static enum MHD_Result body_part(struct request *rq, const char *body, size_t *size)
{
	size_t len = *size;

	*size = 0;
	if (rq->refused) {
		rq->unwanted += len;
		return rq->unwanted > HTTP_SMALL_BODY ? MHD_NO : MHD_YES;
	}
	if (rq->route->body) {
		rq->route->body(rq, body, len);
	}
	return MHD_YES;
}

enum MHD_Result request_received(void *data, struct MHD_Connection *connection, const char *url,
				 const char *method, const char *version, const char *body,
				 size_t *size, void **context)
{
	struct request *rq = *context;

	(void)version;
	if (!rq) {
		return begin(data, connection, url, method, context);
	}
	if (*size) {
		return body_part(rq, body, size);
	}
	switch (rq->state) {
	case REQUEST_ARRIVING:
		return complete(rq);
	case REQUEST_ANSWERED:
		return queue(rq);
	case REQUEST_ABANDONED:
		return MHD_NO;
	case REQUEST_RUNNING:
	case REQUEST_PARKED:
	case REQUEST_SENDING:
	case REQUEST_WAITING:
		break;
	}
	return MHD_YES;
}

void request_completed(void *data, struct MHD_Connection *connection, void **context,
		       enum MHD_RequestTerminationCode how)
{
	struct request *rq = *context;

	(void)data, (void)connection, (void)how;
	if (!rq) {
		return;
	}
	*context = NULL;
	if (rq->route && rq->route->gone) {
		rq->route->gone(rq);
	}
	if (rq->response) {
		MHD_destroy_response(rq->response);
	}
	forget_body(rq);
	rq->http->replying -= rq->reply_len;
	rq->client->rq = NULL;
	client_rest(rq->client);
	for (unsigned i = 0; i < rq->n_headers; i++) {
		free(rq->headers[i].value);
	}
	free(rq->path);
	free(rq);
}
