#include "view.h"

#include "names.h"

#include <string.h>

bool worker_is_stopped(int64_t state)
{
	return state == WORKER_NUMBER_STOPPED || state == WORKER_NUMBER_EXITED ||
	       state == WORKER_NUMBER_FATAL || state == WORKER_NUMBER_UNKNOWN;
}

/* Characters, as Python counts them: bytes that do not continue one. */
static size_t characters(const char *text)
{
	size_t n = 0;

	for (; *text; text++) {
		n += ((unsigned char)*text & 0xc0) != 0x80;
	}
	return n;
}

static void add_padded(struct strbuf *to, const char *text, size_t width)
{
	size_t have = characters(text);

	(void)strbuf_adds(to, text);
	(void)strbuf_addf(to, "%*s", have < width ? (int)(width - have) : 0, "");
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
		size_t width = characters(spec_of(workers[i], spec, sizeof(spec)));

		widest = width > widest ? width : widest;
	}
	for (size_t i = 0; i < n; i++) {
		add_padded(to, spec_of(workers[i], spec, sizeof(spec)), widest + 3);
		add_padded(to, value_text(workers[i], "statename"), 10);
		(void)strbuf_addf(to, "%s\n", value_text(workers[i], "description"));
	}
	return to->error;
}

int view_status(struct strbuf *to, const struct value *status)
{
	(void)status;
	return to->error;
}
