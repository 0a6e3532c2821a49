#include "filter.h"

#include <slotd/indent.h>

#include <stdbool.h>
#include <string.h>

#define ESCAPE '\x1b'

static const char begin_token[] = "<!--XSUPERVISOR:BEGIN-->";
static const char end_token[] = "<!--XSUPERVISOR:END-->";

enum ansi {
	ANSI_TEXT,
	ANSI_ESCAPE,   /* an escape is held back */
	ANSI_SEQUENCE, /* after "ESC [", until a terminator */
};

struct run {
	unsigned filters;
	enum ansi ansi;
	bool capturing;
	unsigned matched; /* bytes of the awaited token, held back */
	char *out;
	size_t n;
	const struct filter_capture *capture;
	void *data;
};

static void put(struct run *r, const char *text, size_t n)
{
	memcpy(r->out + r->n, text, n);
	r->n += n;
}

/* ---- strip_ansi */

static size_t pass_text(struct run *r, const char *text, size_t n)
{
	const char *escape = memchr(text, ESCAPE, n);
	size_t plain = escape ? (size_t)(escape - text) : n;

	put(r, text, plain);
	r->ansi = escape ? ANSI_ESCAPE : ANSI_TEXT;
	return plain + (escape != NULL);
}

static size_t pass_escape(struct run *r, const char *text)
{
	if (*text == '[') {
		r->ansi = ANSI_SEQUENCE;
		return 1;
	}
	put(r, (const char[]){ESCAPE}, 1);
	r->ansi = ANSI_TEXT;
	return 0;
}

static size_t pass_sequence(struct run *r, const char *text)
{
	if (strchr("HfABCDRsuJKhlpm", *text) && *text) {
		r->ansi = ANSI_TEXT;
	}
	return 1;
}

static void log_text(struct run *r, const char *text, size_t n)
{
	if (!(r->filters & FILTER_ANSI)) {
		put(r, text, n);
		return;
	}
	while (n) {
		size_t used = r->ansi == ANSI_TEXT     ? pass_text(r, text, n)
			      : r->ansi == ANSI_ESCAPE ? pass_escape(r, text)
						       : pass_sequence(r, text);

		text += used;
		n -= used;
	}
}

/* ---- capture mode */

static void plain(struct run *r, const char *text, size_t n)
{
	if (!r->capturing) {
		log_text(r, text, n);
	} else if (r->capture && n) {
		r->capture->text(r->data, text, n);
	}
}

static const char *awaited(const struct run *r)
{
	return r->capturing ? end_token : begin_token;
}

static void token_complete(struct run *r)
{
	if (r->capturing && r->capture) {
		r->capture->end(r->data);
	}
	r->capturing = !r->capturing;
	r->matched = 0;
}

/* '<' is in a token only at its beginning: a mismatch need not look back. */
static size_t match(struct run *r, const char *text, size_t n)
{
	const char *token = awaited(r), *start;
	size_t before;

	if (r->matched == 0) {
		start = memchr(text, token[0], n);
		before = start ? (size_t)(start - text) : n;
		plain(r, text, before);
		r->matched = start ? 1 : 0;
		return before + (start != NULL);
	}
	if (*text != token[r->matched]) {
		before = r->matched;
		r->matched = 0;
		plain(r, token, before);
		return 0;
	}
	if (token[++r->matched] == '\0') {
		token_complete(r);
	}
	return 1;
}

/* ---- the state in 32 bits: ansi:2 | capturing:1 | matched:5; of FILTER_INDENT: the column */

static struct run unpack(unsigned filters, uint32_t state, char *out)
{
	return (struct run){
		.filters = filters,
		.ansi = (enum ansi)(state & 3u),
		.capturing = state >> 2 & 1u,
		.matched = state >> 3 & 31u,
		.out = out,
	};
}

static uint32_t pack(const struct run *r)
{
	return (uint32_t)r->ansi | (uint32_t)r->capturing << 2 | (uint32_t)r->matched << 3;
}

size_t filter_room(unsigned filters, size_t n)
{
	return filters & FILTER_INDENT ? INDENT_ROOM(n) : n + FILTER_HELD_MAX;
}

size_t filter_fit(unsigned filters, size_t room)
{
	return filters & FILTER_INDENT ? room / sizeof(INDENT_PREFIX) - 1 : room - FILTER_HELD_MAX;
}

size_t filter_run(unsigned filters, uint32_t *state, const char *in, size_t n, char *out,
		  const struct filter_capture *capture, void *data)
{
	struct run r = unpack(filters, *state, out);

	if (filters & FILTER_INDENT) {
		return indent_run(state, in, n, out);
	}
	r.capture = capture;
	r.data = data;
	if (!(filters & FILTER_CAPTURE)) {
		log_text(&r, in, n);
		n = 0;
	}
	while (n) {
		size_t used = match(&r, in, n);

		in += used;
		n -= used;
	}
	*state = pack(&r);
	return r.n;
}

size_t filter_end(unsigned filters, uint32_t *state, char *out)
{
	struct run r = unpack(filters, *state, out);

	if (filters & FILTER_INDENT) {
		return indent_end(state, out);
	}
	if (r.matched && !r.capturing) {
		log_text(&r, begin_token, r.matched);
	}
	if (r.ansi == ANSI_ESCAPE) {
		put(&r, (const char[]){ESCAPE}, 1);
	}
	*state = 0;
	return r.n;
}
