/* Reading logs: by descriptors that slotd-log opens. */
#include "control.h"
#include "encode.h"
#include "methods.h"
#include "names.h"
#include "slice.h"

#include <slotd/cleanup.h>

#include <string.h>
#include <sys/stat.h>

/* Arguments after the name, which slotd's own log does not have. */
static unsigned first_number(const struct call *c)
{
	return c->method->channel < 0 ? 0 : 1;
}

/* The path people know it by; "" when that output is not logged. NULL with a fault. */
static const char *log_path(struct call *c)
{
	const struct mirror_worker *w;
	struct namespec spec;

	if (c->method->channel < 0) {
		return "-";
	}
	if (!resolve_target(c, ABOUT_WORKER)) {
		return NULL;
	}
	(void)namespec_parse(call_text(c, 0), &spec);
	w = mirror_worker(&c->control->mirror, spec.group, spec.process);
	return c->method->channel ? w->stderr_path : w->stdout_path;
}

static enum call_result open_log(struct call *c, call_answered_fn *answered)
{
	struct message m;

	call_message(c, &m, MSG_COMMAND);
	message_put_u64(&m, TAG_COMMAND, c->command);
	if (c->method->channel >= 0) {
		message_put_text(&m, TAG_NAME, c->target);
		message_put_u64(&m, TAG_CHANNEL, (uint64_t)c->method->channel);
	}
	return call_command(c, &m, answered);
}

static enum call_result give(struct call *c, int fd, const struct slice *s, off_t size, bool tail)
{
	auto_free char *data = NULL;
	size_t len;
	int r = slice_load(fd, s, &data, &len);

	if (r < 0) {
		return call_fault(c, FAULT_FAILED, strerror(-r));
	}
	if (tail) {
		encode_array(c->out);
	}
	encode_bytes(c->out, data, len);
	if (tail) {
		encode_int(c->out, size);
		encode_bool(c->out, s->overflow);
		encode_array_end(c->out);
	}
	return CALL_DONE;
}

/* ---- readLog, readProcessStdoutLog, ... */

static enum call_result read_opened(struct call *c, struct answer *a)
{
	unsigned i = first_number(c);
	struct slice s;
	struct stat st;

	if (call_failed(c, a, a->path)) {
		return CALL_DONE;
	}
	if (a->fd < 0 || fstat(a->fd, &st) < 0) {
		return call_fault(c, FAULT_NO_FILE, *a->path ? a->path : NULL);
	}
	if (slice_read(st.st_size, call_int(c, i), call_int(c, i + 1), &s) < 0) {
		return call_fault(c, FAULT_BAD_ARGUMENTS, NULL);
	}
	return give(c, a->fd, &s, st.st_size, false);
}

enum call_result run_read_log(struct call *c)
{
	const char *path = log_path(c);

	if (!path) {
		return CALL_DONE;
	}
	if (!*path) {
		return call_fault(c, FAULT_NO_FILE, NULL);
	}
	return open_log(c, read_opened);
}

/* ---- tailProcessStdoutLog, ... */

static enum call_result nothing(struct call *c)
{
	encode_array(c->out);
	encode_text(c->out, "");
	encode_int(c->out, 0);
	encode_bool(c->out, false);
	encode_array_end(c->out);
	return CALL_DONE;
}

static enum call_result tail_opened(struct call *c, struct answer *a)
{
	unsigned i = first_number(c);
	struct slice s;
	struct stat st;

	if (a->code == FAULT_NO_FILE) {
		return nothing(c);
	}
	if (call_failed(c, a, a->path)) {
		return CALL_DONE;
	}
	if (a->fd < 0 || fstat(a->fd, &st) < 0) {
		return nothing(c);
	}
	slice_tail(st.st_size, call_int(c, i), call_int(c, i + 1), &s);
	return give(c, a->fd, &s, st.st_size, true);
}

enum call_result run_tail_log(struct call *c)
{
	const char *path = log_path(c);

	if (!path) {
		return CALL_DONE;
	}
	return *path ? open_log(c, tail_opened) : nothing(c);
}
