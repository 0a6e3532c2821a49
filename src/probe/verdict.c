#include "verdict.h"

#include <slotd/cleanup.h>
#include <slotd/status_list.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

typedef void say_fn(const struct request *r, const struct outcome *o, char *buf, size_t size);

/* ---- the first line of a body */

/* Where a tag that begins at p ends; what stands inside style and script is part of it. */
static const char *skip_tag(const char *p, const char *end)
{
	static const char *const silent[] = {"style", "script"};
	const char *close = memchr(p, '>', (size_t)(end - p));

	for (size_t i = 0; close && i < ARRAY_SIZE(silent); i++) {
		size_t len = strlen(silent[i]);
		const char *q = close;

		if ((size_t)(end - p) <= len + 1 || strncasecmp(p + 1, silent[i], len) != 0) {
			continue;
		}
		while ((q = memchr(q, '<', (size_t)(end - q)))) {
			if ((size_t)(end - q) > len + 2 && q[1] == '/' &&
			    strncasecmp(q + 2, silent[i], len) == 0) {
				return memchr(q, '>', (size_t)(end - q));
			}
			q++;
		}
		return NULL;
	}
	return close;
}

static bool is_tag(const char *p, const char *end)
{
	return *p == '<' && end - p > 1 && (isalpha((unsigned char)p[1]) || strchr("/!?", p[1]));
}

const char *verdict_first_line(const char *body, size_t len, char *buf, size_t size)
{
	const char *end = body + len;
	size_t used = 0;

	for (const char *p = body; p < end && used + 1 < size; p++) {
		unsigned char c = (unsigned char)*p;

		if (is_tag(p, end)) {
			p = skip_tag(p, end);
			if (!p) {
				break;
			}
		} else if (c == '\n' && used > 0) {
			break;
		} else if (isspace(c)) {
			if (used > 0 && buf[used - 1] != ' ') {
				buf[used++] = ' ';
			}
		} else {
			buf[used++] = isprint(c) || c >= 0x80 ? (char)c : '?';
		}
	}
	while (used > 0 && buf[used - 1] == ' ') {
		used--;
	}
	buf[used] = '\0';
	return buf;
}

/* ---- what each outcome is called */

static void say_connected(const struct request *r, const struct outcome *o, char *buf, size_t size)
{
	(void)o;
	(void)snprintf(buf, size, "accepted a connection on %s", r->address_text);
}

/* An application that knows only its own name answers 400 to the address. */
static const char *hint(const struct request *r, const struct outcome *o)
{
	return o->status == 400 && !r->host ? " -> set health_host=" : "";
}

static void say_answered(const struct request *r, const struct outcome *o, char *buf, size_t size)
{
	char line[VERDICT_LINE_MAX] = "";
	int used = snprintf(buf, size, "answered %u to GET %.200s (Host: %.200s)", o->status,
			    r->path, request_host(r));

	if (status_list_has(r->expect, o->status)) {
		return;
	}
	if (o->body_len) {
		verdict_first_line(o->body, o->body_len, line, sizeof(line));
	}
	if (*line || *hint(r, o)) {
		(void)snprintf(buf + used, size - (size_t)used, "\n%s%s", line, hint(r, o));
	}
}

static void say_not_connected(const struct request *r, const struct outcome *o, char *buf,
			      size_t size)
{
	static const char *const usual[] = {
		[ECONNREFUSED] = "refused the connection to",
		[ENOENT] = "has not made its socket",
		[EAGAIN] = "accepts nothing: the queue is full at",
		[EACCES] = "does not let slotd-probe open its socket",
	};
	const char *words =
		o->error > 0 && (size_t)o->error < ARRAY_SIZE(usual) ? usual[o->error] : NULL;

	if (words) {
		(void)snprintf(buf, size, "%s %s", words, r->address_text);
	} else {
		(void)snprintf(buf, size, "cannot be reached at %s: %s", r->address_text,
			       o->error ? strerror(o->error) : "no reason given");
	}
}

static void say_connect_late(const struct request *r, const struct outcome *o, char *buf,
			     size_t size)
{
	char span[USEC_TEXT_MAX];

	(void)o;
	(void)snprintf(buf, size, "took no connection on %s within %s", r->address_text,
		       usec_format(r->timeout, span, sizeof(span)));
}

static void say_answer_late(const struct request *r, const struct outcome *o, char *buf,
			    size_t size)
{
	char span[USEC_TEXT_MAX];

	(void)o;
	(void)snprintf(buf, size, "did not answer GET %.200s (Host: %.200s) within %s", r->path,
		       request_host(r), usec_format(r->timeout, span, sizeof(span)));
}

static void say_body_late(const struct request *r, const struct outcome *o, char *buf, size_t size)
{
	char span[USEC_TEXT_MAX];

	(void)snprintf(
		buf, size, "answered %u to GET %.200s (Host: %.200s) but did not finish within %s",
		o->status, r->path, request_host(r), usec_format(r->timeout, span, sizeof(span)));
}

static void say_closed(const struct request *r, const struct outcome *o, char *buf, size_t size)
{
	(void)snprintf(buf, size,
		       "%s the connection without an answer to GET %.200s (Host: %.200s)",
		       o->error == ECONNRESET ? "reset" : "closed", r->path, request_host(r));
}

static void say_not_http(const struct request *r, const struct outcome *o, char *buf, size_t size)
{
	(void)o;
	(void)snprintf(buf, size, "answered GET %.200s on %s with something that is not HTTP",
		       r->path, r->address_text);
}

static void say_other(const struct request *r, const struct outcome *o, char *buf, size_t size)
{
	(void)snprintf(buf, size, "cannot be checked on %s: %.200s", r->address_text,
		       o->text ? o->text : "no reason given");
}

static const struct {
	const char *name;
	say_fn *say;
} outcomes[OUTCOME_MAX_] = {
	[OUTCOME_CONNECTED] = {"connected", say_connected},
	[OUTCOME_ANSWERED] = {"answered", say_answered},
	[OUTCOME_NOT_CONNECTED] = {"not-connected", say_not_connected},
	[OUTCOME_CONNECT_LATE] = {"connect-late", say_connect_late},
	[OUTCOME_ANSWER_LATE] = {"answer-late", say_answer_late},
	[OUTCOME_BODY_LATE] = {"body-late", say_body_late},
	[OUTCOME_CLOSED] = {"closed", say_closed},
	[OUTCOME_NOT_HTTP] = {"not-http", say_not_http},
	[OUTCOME_OTHER] = {"other", say_other},
};

const char *outcome_name(enum outcome_kind kind)
{
	return kind >= 0 && kind < OUTCOME_MAX_ ? outcomes[kind].name : "?";
}

/* Want of our own that says nothing about the worker. */
static bool is_our_want(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
	       error == EADDRNOTAVAIL;
}

static int code_of(const struct request *r, const struct outcome *o)
{
	switch (o->kind) {
	case OUTCOME_CONNECTED:
		return PROBE_PASSED;
	case OUTCOME_ANSWERED:
		return status_list_has(r->expect, o->status) ? PROBE_PASSED : PROBE_FAILED;
	default:
		return is_our_want(o->error) ? -o->error : PROBE_FAILED;
	}
}

void verdict_reach(const struct request *r, const struct outcome *o, struct verdict *ret)
{
	*ret = (struct verdict){.code = code_of(r, o)};
	outcomes[o->kind].say(r, o, ret->text, sizeof(ret->text));
}
