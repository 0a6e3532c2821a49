#include "sink.h"

#include "lines.h"
#include "loss.h"
#include "reopen.h"
#include "share.h"
#include "special.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

enum {
	WRITE_ALIGN = 128 * 1024,
};

static void into_nothing(struct stream *s, struct chunk *c)
{
	(void)s, (void)c;
}

static void into_loss(struct stream *s, struct chunk *c)
{
	const struct chunk_loss loss = {
		.error = s->lost_error ? s->lost_error : -EIO,
		.lines = lines_count(c->data, c->len),
		.bytes = c->len,
	};

	s->skip = c->len ? c->data[c->len - 1] != '\n' : s->skip;
	loss_add(s, &loss);
}

static void into_special(struct stream *s, struct chunk *c)
{
	int r = special_write(s->file->special, c->data, c->len);

	if (r < 0) {
		loss_begins(s, r);
		into_loss(s, c);
	} else {
		loss_ends(s);
	}
}

/* The beginning of the line that is in the pipe was lost. */
static void skip_torn_line(struct stream *s, struct chunk *c)
{
	size_t end = lines_first_end(c->data, c->len);
	struct chunk_loss loss = {.error = s->lost_error, .lines = end > 0};

	loss.bytes = end ? end : c->len;
	c->note.from = (uint32_t)loss.bytes;
	s->skip = end == 0;
	loss_add(s, &loss);
	notes_commit(c->staging->notes, &c->note, s->file->path);
}

static void report_rotation(struct stream *s, const struct chunk *c)
{
	struct log_file *f = s->file;

	if (!c->shift_error) {
		f->shift_told = f->shift_told && f->shift_after > usec_monotonic();
		return;
	}
	f->shift_after = usec_add(usec_monotonic(), SECONDS(60));
	if (!f->shift_told) {
		f->shift_told = true;
		logger_report(s->lg, LOG_ERR, "%s: cannot rotate %s: %s; it keeps growing", s->name,
			      f->path, file_error_text(c->shift_error));
	}
}

static void into_file(struct stream *s, struct chunk *c)
{
	bool reopen = s->file->reopen;

	if (s->skip) {
		skip_torn_line(s, c);
	}
	c->memory = s->memory;
	chunk_run(c);
	report_rotation(s, c);
	if (c->loss.error) {
		s->skip = c->data[c->len - 1] != '\n';
		loss_begins(s, c->loss.error);
		loss_add(s, &c->loss);
	} else {
		loss_ends(s);
	}
	if (reopen && !s->file->reopen) {
		reopen_told(s->lg);
	}
}

bool sink_error_passes(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

static int open_again(struct stream *s)
{
	int r = s->file->fd >= 0 ? 0 : file_open(s->file);

	if (r < 0 && !sink_error_passes(r)) {
		loss_begins(s, r);
	}
	return r;
}

/* Pieces that end where large folios of the page cache do are cheaper to write by a quarter; with
 * smaller ones a writer that is faster than we are is woken more often. */
static size_t up_to_boundary(size_t max, uint64_t offset)
{
	size_t left = WRITE_ALIGN - (size_t)(offset % WRITE_ALIGN);

	return max < left ? max : left;
}

static int choose_special(struct stream *s, struct log_note *ret_note, size_t *max, sink_fn **ret)
{
	size_t limit = SPECIAL_CHUNK;
	int r = 0;

	ret_note->state = LOG_NOTE_WRITING;
	*ret = into_special;
	if (!special_ready(s->file->special)) {
		return -EAGAIN;
	}
	r = share_limit(s, &limit); /* a lone stream, too: another may begin at any time */
	*max = *max < limit ? *max : limit;
	return r;
}

static int choose_file(struct stream *s, struct log_note *ret_note, size_t *max, sink_fn **ret)
{
	int r;

	reopen_if_gone(s->lg, s->file);
	r = chunk_note(s->file, s->id, usec_monotonic(), ret_note);

	if (r < 0) {
		loss_begins(s, r);
		return 0;
	}
	*max = up_to_boundary(*max, ret_note->offset);
	*ret = into_file;
	return 0;
}

int sink_choose(struct stream *s, struct log_note *ret_note, size_t *max, sink_fn **ret)
{
	int r;

	*ret_note = (struct log_note){.state = LOG_NOTE_IDLE, .stream = s->id};
	*ret = s->file ? into_loss : into_nothing;
	if (!s->file || usec_monotonic() < s->file->retry_at) {
		return 0;
	}
	r = open_again(s);
	if (r < 0) {
		return sink_error_passes(r) ? r : 0;
	}
	return s->file->special ? choose_special(s, ret_note, max, ret)
				: choose_file(s, ret_note, max, ret);
}
