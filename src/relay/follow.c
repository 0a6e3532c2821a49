#include "follow.h"

#include "follow_stream.h"
#include "strict_chunks.h"

#include <string.h>

/* Expect: 100-continue of the newest request. A client whose request was answered at once may send
 * the body or leave it: what it says next cannot be told apart. */
enum expects {
	EXPECTS_NOTHING,
	EXPECTS_WORD,
	EXPECTS_ANSWERED, /* finally, before a byte of the body */
};

/* ---- both sides together */

void follow_start(struct follow *f, struct follow_memo *memo)
{
	stream_start(&f->client);
	stream_start(&f->worker);
	f->memo = memo;
	f->pinned = NULL;
	f->n_runs = 0;
	f->open = 0;
	f->n_answers = f->n_errors = 0;
	f->expects = EXPECTS_NOTHING;
	f->answer_begun = f->early = f->switched = false;
	f->last = f->client_last = false;
}

static void pin(struct follow *f, const char *why)
{
	f->pinned = f->pinned ? f->pinned : why;
}

/* The oldest request is done. */
static void forget_oldest(struct follow *f)
{
	f->open--;
	if (--f->runs[0].n == 0) {
		f->n_runs--;
		memmove(f->runs, f->runs + 1, f->n_runs * sizeof(f->runs[0]));
	}
}

/* The newest request, whose head has come. */
static void remember(struct follow *f, struct follow_run one)
{
	struct follow_run *newest = f->n_runs ? &f->runs[f->n_runs - 1] : NULL;

	if (newest && newest->n < FOLLOW_RUN_MAX && newest->kind == one.kind &&
	    newest->head == one.head && newest->old == one.old) {
		newest->n++;
	} else if (f->n_runs < FOLLOW_RUNS) {
		f->runs[f->n_runs++] = one;
	} else {
		pin(f, "too many requests at once");
	}
}

/* The newest request has come whole. */
static void request_ended(struct follow *f)
{
	stream_start(&f->client);
	f->expects = EXPECTS_NOTHING;
	if (f->early) {
		f->early = false;
		forget_oldest(f);
	}
}

/* The oldest request has its answer. */
static void answer_ended(struct follow *f)
{
	stream_start(&f->worker);
	f->answer_begun = false;
	if (f->open == 1 && !follow_requests_whole(f)) {
		f->early = true;
		return;
	}
	forget_oldest(f);
}

/* ---- what a head says */

static bool is_1_0(const struct follow_stream *s)
{
	return s->parser.http_major == 1 && s->parser.http_minor == 0;
}

static bool is_1_1(const struct follow_stream *s)
{
	return s->parser.http_major == 1 && s->parser.http_minor == 1;
}

static bool says_last(const struct follow_stream *s)
{
	return s->strict.facts.close || (is_1_0(s) && !s->strict.facts.keep);
}

static enum request_kind kind_of(uint8_t method)
{
	switch (method) {
	case HTTP_GET:
	case HTTP_HEAD:
	case HTTP_OPTIONS:
		return REQUEST_SAFE;
	case HTTP_PUT:
	case HTTP_DELETE:
		return REQUEST_IDEMPOTENT;
	default:
		return REQUEST_OTHER;
	}
}

static bool has_body(const struct strict_facts *facts)
{
	return facts->chunked || facts->length > 0;
}

static void begin_body(struct follow_stream *s)
{
	if (s->strict.facts.chunked) {
		s->part = PART_CHUNKED;
		strict_chunks(&s->strict);
		llhttp_resume(&s->parser);
	} else {
		s->part = PART_COUNTED;
		s->left = s->strict.facts.length;
	}
}

static void request_head(struct follow *f)
{
	struct follow_stream *s = &f->client;
	const uint8_t method = s->parser.method;
	const struct strict_facts *facts = &s->strict.facts;

	if (!is_1_0(s) && !is_1_1(s)) {
		pin(f, "a version other than 1.0 and 1.1");
	} else if (is_1_0(s) && facts->chunked) {
		pin(f, "chunks in HTTP/1.0");
	} else if (facts->close && facts->keep) {
		pin(f, "a connection that both ends and stays");
	} else if (method == HTTP_CONNECT) {
		pin(f, "CONNECT");
	} else if (has_body(facts) && (method == HTTP_HEAD || method == HTTP_TRACE)) {
		pin(f, "a request that should have no body");
	}
	if (f->pinned) {
		return;
	}
	f->client_last |= says_last(s);
	f->last |= f->client_last;
	remember(f, (struct follow_run){.n = 1,
					.kind = (uint16_t)kind_of(method) & 3,
					.head = method == HTTP_HEAD,
					.old = is_1_0(s)});
	if (has_body(facts)) {
		f->expects = facts->expect ? EXPECTS_WORD : EXPECTS_NOTHING;
		begin_body(s);
	} else {
		request_ended(f);
	}
}

static bool is_bodiless(const struct follow *f, unsigned status)
{
	return f->runs[0].head || status == 204 || status == 304;
}

static void final_answer(struct follow *f, unsigned status)
{
	struct follow_stream *s = &f->worker;
	const struct strict_facts *facts = &s->strict.facts;

	f->n_answers++;
	f->n_errors += status >= 500;
	f->last |= says_last(s);
	if (f->open == 1 && f->expects == EXPECTS_WORD) {
		f->expects = EXPECTS_ANSWERED;
	}
	if (is_bodiless(f, status)) {
		answer_ended(f);
	} else if (facts->chunked || facts->length > 0) {
		begin_body(s);
	} else if (facts->has_length) {
		answer_ended(f);
	} else {
		s->part = PART_TO_END;
		f->last = true;
	}
}

/* 100, 102 and 103 are no answers; what clients make of any other 1xx differs. */
static void interim_answer(struct follow *f, unsigned status)
{
	if (status == 101) {
		f->switched = true;
		pin(f, "another protocol");
	} else if (f->runs[0].old) {
		pin(f, "an interim answer to HTTP/1.0");
	} else if (status != 100 && status != 102 && status != 103) {
		pin(f, "an unknown interim answer");
	} else {
		if (status == 100 && f->open == 1) {
			f->expects = EXPECTS_NOTHING;
		}
		stream_start(&f->worker);
	}
}

/* Some frameworks say "Content-Length: 0" with a 204: nobody reads a body then. */
static bool must_not_have_body(unsigned status, const struct strict_facts *facts)
{
	if (status / 100 == 1) {
		return facts->chunked || facts->has_length;
	}
	return (status == 204 && has_body(facts)) || (status == 304 && facts->chunked);
}

static void answer_head(struct follow *f)
{
	struct follow_stream *s = &f->worker;
	const struct strict_facts *facts = &s->strict.facts;
	const unsigned status = s->parser.status_code;

	if (!is_1_0(s) && !is_1_1(s)) {
		pin(f, "a version other than 1.0 and 1.1");
	} else if ((is_1_0(s) || f->runs[0].old) && facts->chunked) {
		pin(f, "chunks in HTTP/1.0");
	} else if (facts->close && facts->keep) {
		pin(f, "a connection that both ends and stays");
	} else if (must_not_have_body(status, facts)) {
		pin(f, "an answer that should have no body");
	} else if (status < 100 || status > 599) {
		pin(f, "an unknown class of answers");
	} else if (status / 100 == 1) {
		interim_answer(f, status);
	} else {
		final_answer(f, status);
	}
}

/* ---- hearing; each returns how many bytes it took */

typedef void head_fn(struct follow *f);
typedef void ended_fn(struct follow *f);

static enum follow_side side_of(const struct follow *f, const struct follow_stream *s)
{
	return s == &f->client ? FOLLOW_CLIENT : FOLLOW_WORKER;
}

static struct follow_known *known_of(const struct follow *f, const struct follow_stream *s)
{
	return f->memo ? &f->memo->known[side_of(f, s)] : NULL;
}

/* What a head means depends on its bytes alone: the same ones mean the same. */
static size_t recall_head(const struct follow *f, struct follow_stream *s, const char *data,
			  size_t len)
{
	struct follow_head *known = f->memo ? &f->memo->heads[side_of(f, s)] : NULL;

	if (!known || !known->len || known->len > len ||
	    memcmp(known->bytes, data, known->len) != 0) {
		return 0;
	}
	known->n_missed = 0;
	*s = known->after;
	return known->len;
}

static void learn_head(const struct follow *f, const struct follow_stream *s, const char *end)
{
	struct follow_head *known = f->memo ? &f->memo->heads[side_of(f, s)] : NULL;
	const size_t len = s->head ? (size_t)(end - s->head) : 0;

	if (known && len && len <= sizeof(known->bytes) &&
	    known->n_missed++ % FOLLOW_HEAD_MISSES == 0) {
		known->after = *s;
		known->len = (uint16_t)len;
		memcpy(known->bytes, s->head, len);
	}
}

static size_t hear_head(struct follow *f, struct follow_stream *s, const char *data, size_t len,
			head_fn *fn)
{
	bool done;
	size_t n, had;

	s->part = PART_HEAD;
	n = strict_head(&s->strict, data, len, &done);
	if (s->strict.why) {
		pin(f, s->strict.why);
	} else if (s->strict.dull) {
		return n;
	} else if (!stream_show_method(s, n, &had) ||
		   (had < n && !stream_head_agrees(known_of(f, s), s, data + had, n - had, done))) {
		pin(f, "not HTTP/1 according to llhttp");
	} else if (done && !stream_facts_agree(s)) {
		pin(f, "a body that two readers understand differently");
	} else if (done) {
		learn_head(f, s, data + n);
		fn(f);
	}
	return n;
}

static size_t hear_chunked(struct follow *f, struct follow_stream *s, const char *data, size_t len,
			   ended_fn *fn)
{
	bool done;
	size_t n = strict_chunked(&s->strict, data, len, &done);

	if (s->strict.why) {
		pin(f, s->strict.why);
	} else if (!stream_agrees(s, data, n, done, &s->message_complete)) {
		pin(f, "not chunks according to llhttp");
	} else if (done) {
		fn(f);
	}
	return n;
}

static size_t hear_counted(struct follow *f, struct follow_stream *s, uint64_t len, ended_fn *fn)
{
	const uint64_t n = len < s->left ? len : s->left;

	s->left -= n;
	if (s->left == 0) {
		fn(f);
	}
	return (size_t)n;
}

/* The first byte of a message. */
static void begin_request(struct follow *f)
{
	if (f->last) {
		pin(f, "a request after the last");
	} else if (f->open == FOLLOW_OPEN_MAX) {
		pin(f, "too many requests at once");
	} else {
		f->open++;
	}
}

static void begin_answer(struct follow *f)
{
	if (f->open == 0 || f->early) {
		pin(f, "an answer without a request");
	} else if (f->open == 1 && f->client.part == PART_HEAD) {
		pin(f, "an answer before its request");
	}
	f->answer_begun = true;
}

/* Its head, or a part of it. */
static size_t hear_begin(struct follow *f, struct follow_stream *s, const char *data, size_t len,
			 head_fn *fn)
{
	const size_t n = recall_head(f, s, data, len);

	if (n) {
		fn(f);
		return n;
	}
	stream_begin(s, s == &f->client ? HTTP_REQUEST : HTTP_RESPONSE);
	s->head = data;
	return hear_head(f, s, data, len, fn);
}

/* More of the newest request's body. */
static void go_on_with_body(struct follow *f)
{
	if (f->expects == EXPECTS_ANSWERED) {
		pin(f, "a body, or a request, after an answer instead of 100");
	}
	f->expects = EXPECTS_NOTHING;
}

static bool is_of_blank_line(const struct follow_stream *s, char c)
{
	return (s->part == PART_START && c == '\r') || (s->part == PART_BLANK && c == '\n');
}

static size_t hear_some(struct follow *f, enum follow_side who, const char *data, size_t len)
{
	struct follow_stream *s = who == FOLLOW_CLIENT ? &f->client : &f->worker;
	ended_fn *ended = who == FOLLOW_CLIENT ? request_ended : answer_ended;
	head_fn *head = who == FOLLOW_CLIENT ? request_head : answer_head;

	if (who == FOLLOW_CLIENT && (s->part == PART_COUNTED || s->part == PART_CHUNKED)) {
		go_on_with_body(f);
	} else if (who == FOLLOW_CLIENT && is_of_blank_line(s, data[0])) {
		s->part = s->part == PART_START ? PART_BLANK : PART_START;
		return 1;
	} else if (s->part == PART_BLANK) {
		pin(f, "a bare CR");
	} else if (s->part == PART_START) {
		(who == FOLLOW_CLIENT ? begin_request : begin_answer)(f);
	}
	if (f->pinned) {
		return len;
	}
	switch (s->part) {
	case PART_START:
		return hear_begin(f, s, data, len, head);
	case PART_HEAD:
		return hear_head(f, s, data, len, head);
	case PART_COUNTED:
		return hear_counted(f, s, len, ended);
	case PART_CHUNKED:
		return hear_chunked(f, s, data, len, ended);
	default: /* PART_TO_END */
		return len;
	}
}

size_t follow_some(struct follow *f, enum follow_side who, const void *data, size_t len)
{
	(who == FOLLOW_CLIENT ? &f->client : &f->worker)->head = NULL;
	return f->pinned ? len : hear_some(f, who, data, len);
}

void follow_heard(struct follow *f, enum follow_side who, const void *data, size_t len)
{
	const char *at = data;

	(who == FOLLOW_CLIENT ? &f->client : &f->worker)->head = NULL;
	while (len && !f->pinned) {
		const size_t n = hear_some(f, who, at, len);

		at += n;
		len -= n;
	}
}

uint64_t follow_unseen(const struct follow *f, enum follow_side who)
{
	const struct follow_stream *s = who == FOLLOW_CLIENT ? &f->client : &f->worker;

	if (f->pinned || s->part == PART_TO_END) {
		return UINT64_MAX;
	}
	return s->part == PART_COUNTED ? s->left : 0;
}

void follow_skip(struct follow *f, enum follow_side who, uint64_t n)
{
	struct follow_stream *s = who == FOLLOW_CLIENT ? &f->client : &f->worker;

	if (n && who == FOLLOW_CLIENT && !f->pinned) {
		go_on_with_body(f);
	}
	if (!f->pinned && s->part == PART_COUNTED) {
		(void)hear_counted(f, s, n, who == FOLLOW_CLIENT ? request_ended : answer_ended);
	}
}

void follow_ended(struct follow *f, enum follow_side who)
{
	if (!f->pinned && who == FOLLOW_WORKER && f->worker.part == PART_TO_END) {
		answer_ended(f);
	}
}

/* ---- what is known */

bool follow_between(const struct follow *f)
{
	return !f->pinned && f->open == 0 && f->client.part == PART_START &&
	       f->worker.part == PART_START;
}

bool follow_pinned(const struct follow *f, const char **ret_why)
{
	if (ret_why) {
		*ret_why = f->pinned;
	}
	return f->pinned;
}

bool follow_head_open(const struct follow *f)
{
	return f->client.part == PART_HEAD || (f->client.part == PART_BLANK && f->open == 0);
}

unsigned follow_open(const struct follow *f)
{
	return f->open;
}

void follow_take_answers(struct follow *f, unsigned *ret_n, unsigned *ret_errors)
{
	*ret_n = f->n_answers;
	*ret_errors = f->n_errors;
	f->n_answers = f->n_errors = 0;
}

bool follow_requests_whole(const struct follow *f)
{
	return f->client.part <= PART_BLANK;
}

bool follow_answer_begun(const struct follow *f)
{
	return f->answer_begun;
}

bool follow_answered_early(const struct follow *f)
{
	return f->early;
}

bool follow_last(const struct follow *f)
{
	return f->last;
}

bool follow_client_last(const struct follow *f)
{
	return f->client_last;
}

bool follow_switched(const struct follow *f)
{
	return f->switched;
}

enum request_kind follow_kind(const struct follow *f)
{
	const bool known = !f->pinned && f->open && (f->client.part != PART_HEAD || f->open > 1);

	return known ? (enum request_kind)f->runs[0].kind : REQUEST_OTHER;
}
