#include "metrics.h"

#include "control.h"
#include "exposition.h"
#include "metrics_page.h"

#include <slotd/cleanup.h>

#include <string.h>

/* A scrape: pieces are made as the client takes them, so that one of a thousand workers neither
 * takes memory nor keeps others waiting. */
struct scrape {
	struct metrics_source from;
	struct metrics_place at;
	struct strbuf piece;
	size_t sent; /* of piece */
};

static ssize_t read_page(void *data, char *buf, size_t size)
{
	struct scrape *s = data;
	size_t n;

	while (s->sent == s->piece.len) {
		int r;

		strbuf_reset(&s->piece);
		s->sent = 0;
		r = metrics_next(&s->from, &s->at, &s->piece);
		if (r <= 0) {
			return r;
		}
	}
	n = s->piece.len - s->sent;
	n = n < size ? n : size;
	memcpy(buf, s->piece.data + s->sent, n);
	s->sent += n;
	return (ssize_t)n;
}

void metrics_run(struct request *rq)
{
	struct control *c = request_control(rq);
	struct scrape *s = calloc(1, sizeof(*s));

	if (!s) {
		request_reply_status(rq, MHD_HTTP_SERVICE_UNAVAILABLE);
		return;
	}
	s->from = (struct metrics_source){.mirror = &c->mirror,
					  .counts = &c->counts,
					  .jobs = &c->jobs,
					  .access = &c->access,
					  .peer = request_peer(rq),
					  .alive = !c->commands.nobody};
	request_set_data(rq, s);
	request_reply_parts(rq, EXPOSITION_TYPE, read_page);
}

void metrics_gone(struct request *rq)
{
	struct scrape *s = request_data(rq);

	if (s) {
		metrics_place_done(&s->at);
		strbuf_done(&s->piece);
		free(s);
	}
}
