#include "recover.h"

#include "filter.h"
#include "lines.h"
#include "logger.h"
#include "special.h"

#include <slotd/cleanup.h>

#include <string.h>
#include <syslog.h>

/* How much of data the file got. Its growth says so; the bytes are compared, too, where they can
 * be read, in case someone else appends to the same file. */
static size_t already_written(const struct log_file *f, uint64_t offset, const char *data, size_t n)
{
	static char in_file[64 * 1024];
	size_t done = 0, grown;
	uint64_t size;

	if (file_size(f, &size) < 0 || size <= offset) {
		return 0;
	}
	grown = size - offset < n ? (size_t)(size - offset) : n;
	while (done < grown) {
		size_t piece = grown - done < sizeof(in_file) ? grown - done : sizeof(in_file);
		ssize_t got = pread(f->fd, in_file, piece, (off_t)(offset + done));
		size_t same;

		if (got <= 0) {
			return grown; /* write-only: its growth must do */
		}
		same = lines_common(in_file, data + done, (size_t)got);
		done += same;
		if (same < (size_t)got) {
			break;
		}
	}
	return done;
}

/* The file the note means, by inode: it may have been renamed since. False: it is gone; whatever
 * has its path now is written on. */
static bool open_noted(struct chunk *c)
{
	struct log_file *f = c->file;
	struct log_note *n = &c->note;

	if (file_open_inode(f, n->dev, n->ino) == 0) {
		return true;
	}
	n->state = LOG_NOTE_WRITING;
	if (file_open(f) == 0) {
		n->dev = f->dev;
		n->ino = f->ino;
		(void)file_size(f, &n->offset);
	}
	return false;
}

static void finish_chunk(struct logger *lg, struct chunk *c)
{
	const struct log_note *n = &c->note;

	if (n->state == LOG_NOTE_WRITING && open_noted(c)) {
		c->written =
			already_written(c->file, n->offset, c->data + n->from, c->len - n->from);
	} else if (n->state == LOG_NOTE_MAKING && n->backups == 0) {
		(void)open_noted(c);
	} else if (n->state != LOG_NOTE_WRITING) {
		/* file_shift() compares with it before it moves the file itself. */
		c->file->dev = n->dev;
		c->file->ino = n->ino;
	}
	chunk_run(c);
	if (c->loss.error) {
		lg->streams.orphan.stream = c->note.stream;
		lg->streams.orphan.loss = c->loss;
	}
}

static void recover_file(struct logger *lg, const struct log_note_copy *copy, const char *data,
			 size_t len)
{
	const struct log_note *n = &copy->note;
	const struct rotation rotation = {n->maxbytes, n->backups};
	const struct file_owner owner = {n->mode, n->uid, n->gid};
	struct chunk c = {.staging = &lg->staging, .note = *n, .data = data, .len = len};

	c.memory = notes_stream(lg->staging.notes, n->stream);
	c.file = file_new(copy->path, false, &rotation, &owner);
	if (!c.file) {
		logger_report(lg, LOG_ERR, "%s: out of memory, output is lost", copy->path);
		return;
	}
	finish_chunk(lg, &c);
	c.file = file_free(c.file);
}

/* The target comes with LOG_STREAM. */
static void keep_for_special(struct logger *lg, uint32_t stream, const char *data, size_t len)
{
	lg->streams.orphan.buf = malloc(len);
	if (!lg->streams.orphan.buf) {
		logger_report(lg, LOG_ERR, "out of memory: output is lost");
		return;
	}
	memcpy(lg->streams.orphan.buf, data, len);
	lg->streams.orphan.stream = stream;
	lg->streams.orphan.rest = len;
}

/* What the predecessor made of it. Captured text died with its buffer; the log is whole. */
static char *filter_again(struct logger *lg, const struct log_note *n, const char *data,
			  size_t *len)
{
	struct log_stream_note *memory = notes_stream(lg->staging.notes, n->stream);
	char *out = malloc(filter_room(n->filters, *len));
	uint32_t state = n->filter;

	if (out) {
		*len = filter_run(n->filters, &state, data, *len, out, NULL, NULL);
		if (memory) {
			memory->filter = state;
		}
	}
	return out;
}

void recover(struct logger *lg)
{
	const struct log_note_copy *copy = notes_current(lg->staging.notes);
	const char *data = lg->staging.map;
	size_t len = staging_taken(&lg->staging);

	if (copy->note.state != LOG_NOTE_IDLE && len > 0) {
		auto_free char *filtered = NULL;

		if (copy->note.filters) {
			filtered = filter_again(lg, &copy->note, data, &len);
			data = filtered;
		}
		if (!data) {
			logger_report(lg, LOG_ERR, "out of memory: output is lost");
		} else if (copy->note.ino) {
			recover_file(lg, copy, data, len);
		} else {
			keep_for_special(lg, copy->note.stream, data, len);
		}
	}
	staging_reset(&lg->staging);
}
