#include "exposition.h"

#include <slotd/utf8.h>

#include <inttypes.h>
#include <string.h>

void exposition_family(struct strbuf *out, const char *name, const char *type, const char *help)
{
	(void)strbuf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void exposition_begin(struct strbuf *out, const char *name)
{
	(void)strbuf_adds(out, name);
}

static const char *escape(const unsigned char *p, int n)
{
	(void)n;
	switch (*p) {
	case '\\':
		return "\\\\";
	case '"':
		return "\\\"";
	case '\n':
		return "\\n";
	default:
		return NULL;
	}
}

/* Behind the name of a metric the labels are opened; behind the quote of a value they go on. */
static bool has_labels(const struct strbuf *out)
{
	return out->len && out->data[out->len - 1] == '"';
}

void exposition_label(struct strbuf *out, const char *name, const char *value)
{
	if (!value || !*value) {
		return;
	}
	(void)strbuf_addc(out, has_labels(out) ? ',' : '{');
	(void)strbuf_adds(out, name);
	(void)strbuf_adds(out, "=\"");
	utf8_add_escaped(out, value, strlen(value), escape);
	(void)strbuf_addc(out, '"');
}

static void close_labels(struct strbuf *out)
{
	(void)strbuf_adds(out, has_labels(out) ? "} " : " ");
}

void exposition_end(struct strbuf *out, int64_t value)
{
	close_labels(out);
	(void)strbuf_addf(out, "%" PRId64 "\n", value);
}

void exposition_end_time(struct strbuf *out, usec_t wall)
{
	close_labels(out);
	(void)strbuf_addf(out, "%" PRIu64 ".%03u\n", (uint64_t)(wall / SECONDS(1)),
			  (unsigned)(wall % SECONDS(1) / MSECONDS(1)));
}

void exposition_end_ratio(struct strbuf *out, int64_t part, int64_t whole)
{
	close_labels(out);
	(void)strbuf_addf(out, "%.4f\n", (double)part / (double)whole);
}
