#include "view.h"

#include "names.h"

#include <string.h>

size_t view_width(const char *text)
{
	size_t n = 0;

	for (; *text; text++) {
		n += ((unsigned char)*text & 0xc0) != 0x80; /* not the rest of a character */
	}
	return n;
}

void view_pad(struct strbuf *to, const char *text, size_t width)
{
	size_t have = view_width(text);

	(void)strbuf_adds(to, text);
	(void)strbuf_addf(to, "%*s", have < width ? (int)(width - have) : 0, "");
}

void view_column(struct strbuf *to, const char *text, size_t width)
{
	view_pad(to, text, width);
	if (view_width(text) >= width) {
		(void)strbuf_addc(to, ' ');
	}
}

const char *view_ago(int64_t since, usec_t now, char *buf, size_t size)
{
	if (since <= 0) {
		return "";
	}
	/* the server counts in seconds */
	now = usec_sub(now, SECONDS((usec_t)since)) / SECONDS(1);
	if (now < 60) {
		(void)snprintf(buf, size, "%u s", (unsigned)now);
		return buf;
	}
	return usec_format(SECONDS(now), buf, size);
}

const char *slot_words(int64_t state)
{
	return state >= 0 && state < SLOT_STATE_MAX_ ? slot_state_name((enum slot_state)state)
						     : "?";
}

const char *slot_note(const struct value *slot)
{
	return value_text(slot, "remark")[0] ? value_text(slot, "note") : "";
}

unsigned view_troubles(struct strbuf *to, const struct value *service)
{
	const struct value *troubles = value_array(service, "troubles");

	const char *note = value_text(service, "note");

	value_for_each(trouble, troubles)
	{
		(void)strbuf_addf(to, "  ! %s\n", value_text(trouble, "text"));
	}
	if (!value_member(service, "troubles") && *note) {
		(void)strbuf_addf(to, "  ! %s\n", note); /* a slotd that knows one at a time */
		return 1;
	}
	return (unsigned)troubles->len;
}

void view_print(FILE *to, const char *text, bool terminal)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool harmless = (c >= ' ' && c != 0x7f) || c == '\n' || c == '\t';

		(void)putc(terminal && !harmless ? '?' : c, to);
	}
}

/* ---- workers -----------------------------------------------------------------------------------
 */

enum worker_state worker_state_of(const struct value *worker)
{
	return worker_state_of_code(value_int(worker, "state"));
}

bool worker_is_stopped(enum worker_state state)
{
	return state == WORKER_STOPPED || state == WORKER_EXITED || state == WORKER_FATAL ||
	       state == WORKER_UNKNOWN;
}

static const char *spec_of(const struct value *worker, char *buf, size_t size)
{
	return namespec_format(value_text(worker, "group"), value_text(worker, "name"), buf, size);
}

int view_plain(struct strbuf *to, const struct value *const *workers, size_t n)
{
	char spec[NAMESPEC_MAX];
	size_t widest = 30;

	for (size_t i = 0; i < n; i++) {
		size_t width = view_width(spec_of(workers[i], spec, sizeof(spec)));

		widest = width > widest ? width : widest;
	}
	for (size_t i = 0; i < n; i++) {
		view_pad(to, spec_of(workers[i], spec, sizeof(spec)), widest + 3);
		view_pad(to, value_text(workers[i], "statename"), 10);
		(void)strbuf_addf(to, "%s\n", value_text(workers[i], "description"));
	}
	return to->error;
}
