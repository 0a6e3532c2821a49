#pragma once

/** A log that goes on: one GET on a connection of its own, to be polled with others. */

#include "http.h"

struct stream {
	int fd; /* -EBADF when it has ended */
	struct http_reply reply;
};

/** Connects and asks for path. 0 or -errno with a sentence. */
int stream_open(struct stream *s, const struct http_target *target, const char *path,
		struct diag *diag);
void stream_done(struct stream *s);
/**
 * Takes what is there, without waiting, and hands bodies to body.
 *
 * Returns: 1 when more may come; 0 at the end; -EPROTO when it is not answered with 200 or not by
 *          HTTP; another -errno.
 */
int stream_read(struct stream *s, http_body_fn *body, void *data);
