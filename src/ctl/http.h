#pragma once

/**
 * The part of an HTTP/1.1 client that slotctl needs: one request at a time over a unix socket or
 * TCP, replies by length, in chunks or to the end of the connection, all bounded.
 *
 * It is our own because slotctl is started for one question: loading libcurl takes six times as
 * long as asking it (3.4 ms; with everything else, slotctl takes about 1 ms).
 */

#include <slotd/diag.h>
#include <slotd/strbuf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where requests go, and as whom. */
struct http_target {
	char *url;	     /* as given */
	char *path;	     /* unix socket; NULL for TCP */
	char *host, *port;   /* TCP */
	char *authorization; /* value of the header, or NULL */
};

/**
 * Reads "unix:///path" or "http://host[:port]"; user may be NULL.
 *
 * Returns: 0, -EINVAL with a sentence, -ENOMEM.
 */
int http_target_init(struct http_target *t, const char *url, const char *user, const char *password,
		     struct diag *diag);
void http_target_done(struct http_target *t);

enum {
	HTTP_PATIENCE = 30, /* seconds */
};

/**
 * Connects, blocking. Sending blocks for HTTP_PATIENCE at most, too: -ETIMEDOUT of http_send.
 *
 * Returns: a close-on-exec descriptor, or -errno with a sentence; -ETIMEDOUT: nobody took the
 *          connection within HTTP_PATIENCE.
 */
int http_connect(const struct http_target *t, struct diag *diag);

/**
 * Sends one request, blocking. A body is a call of the API, and goes with RESULTS_HEADER; it may be
 * NULL. 0 or -errno.
 */
int http_send(int fd, const struct http_target *t, const char *method, const char *path,
	      const char *body, size_t len);

/** Appends prefix and name, what a path cannot hold in name percent-encoded. */
void http_add_path(struct strbuf *path, const char *prefix, const char *name);

/* ---- the reply, fed as it comes; pure ------------------------------------------------------ */

enum {
	HTTP_LINE_MAX = 8192,
	HTTP_HEADERS_MAX = 100,
};

enum http_phase {
	HTTP_STATUS_LINE,
	HTTP_HEADERS,
	HTTP_BODY,	  /* by length */
	HTTP_BODY_TO_END, /* until the connection ends */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	HTTP_DONE,
	HTTP_PHASE_MAX_,
	HTTP_PHASE_INVALID_ = -22,
};

/** Takes a piece of the body of a 200 (other bodies are skipped). A negative return ends the reply
 * with it. */
typedef int http_body_fn(void *data, const char *bytes, size_t len);

struct http_reply {
	enum http_phase phase;
	unsigned status;
	unsigned n_headers;
	bool keep_alive, chunked, has_length;
	uint64_t left; /* of the body or the chunk */
	size_t line_len;
	char line[HTTP_LINE_MAX];
	char reason[64];
};

void http_reply_init(struct http_reply *r);
/** Feeds bytes. Returns 0, -EPROTO when they are no reply, or what body returned. */
int http_reply_feed(struct http_reply *r, const char *bytes, size_t len, http_body_fn *body,
		    void *data);
/** The connection ended: 0 when that is a whole reply, -ECONNRESET when it is not. */
int http_reply_end(struct http_reply *r);
