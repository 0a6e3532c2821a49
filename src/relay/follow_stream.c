#include "follow_stream.h"

#include <string.h>

static struct follow_stream *stream_of(llhttp_t *parser)
{
	return (struct follow_stream *)(void *)((char *)parser -
						offsetof(struct follow_stream, parser));
}

/* Paused, it takes no byte of what follows. */
static int on_headers_complete(llhttp_t *parser)
{
	stream_of(parser)->headers_complete = true;
	return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser)
{
	stream_of(parser)->message_complete = true;
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_headers_complete = on_headers_complete,
	.on_message_complete = on_message_complete,
};

void stream_start(struct follow_stream *s)
{
	s->left = 0;
	s->part = PART_START;
}

void stream_begin(struct follow_stream *s, llhttp_type_t type)
{
	llhttp_init(&s->parser, type, &settings);
	strict_start(&s->strict, type == HTTP_RESPONSE);
	s->headers_complete = s->message_complete = false;
	s->fresh = true;
	s->withheld = 0;
}

bool stream_agrees(struct follow_stream *s, const char *data, size_t len, bool done,
		   const bool *ended)
{
	const llhttp_errno_t r = llhttp_execute(&s->parser, data, len);

	if (!done) {
		return r == HPE_OK && !*ended;
	}
	return *ended && r == HPE_PAUSED && llhttp_get_error_pos(&s->parser) == data + len;
}

static bool is_known(const struct follow_known *known, const char *data, size_t len)
{
	return len && known->len == len && memcmp(known->start, data, len) == 0;
}

static void learn(struct follow_known *known, const struct follow_stream *s, const char *data,
		  size_t len)
{
	if (len <= sizeof(known->start)) {
		known->parser = s->parser;
		known->headers_complete = s->headers_complete;
		known->len = (uint16_t)len;
		memcpy(known->start, data, len);
	}
}

bool stream_show_method(struct follow_stream *s, size_t n, size_t *ret_had)
{
	const char *method = s->strict.method;

	*ret_had = 0;
	if (!s->fresh || (s->strict.usual && !s->withheld)) {
		return true;
	}
	if (!method) {
		s->withheld += (uint8_t)n;
		*ret_had = n;
		return true;
	}
	s->fresh = false;
	*ret_had = s->strict.n_method - s->withheld;
	return llhttp_execute(&s->parser, method, strlen(method)) == HPE_OK;
}

bool stream_head_agrees(struct follow_known *known, struct follow_stream *s, const char *data,
			size_t len, bool done)
{
	const bool fresh = s->fresh;

	s->fresh = false;
	if (fresh && known && is_known(known, data, len)) {
		s->parser = known->parser;
		s->headers_complete = known->headers_complete;
		return true;
	}
	if (!stream_agrees(s, data, len, done, &s->headers_complete)) {
		return false;
	}
	if (fresh && known) {
		learn(known, s, data, len);
	}
	return true;
}

bool stream_facts_agree(const struct follow_stream *s)
{
	const struct strict_facts *facts = &s->strict.facts;

	return facts->chunked == !!(s->parser.flags & F_CHUNKED) &&
	       facts->has_length == !!(s->parser.flags & F_CONTENT_LENGTH) &&
	       (!facts->has_length || facts->length == s->parser.content_length);
}
