#include "chunk.h"

#include "lines.h"

int chunk_note(const struct log_file *f, uint32_t stream, usec_t now, struct log_note *ret)
{
	*ret = (struct log_note){
		.state = LOG_NOTE_WRITING,
		.stream = stream,
		.dev = f->dev,
		.ino = f->ino,
		.maxbytes = now < f->shift_after ? 0 : f->rotation.maxbytes,
		.backups = f->rotation.backups,
		.mode = f->owner.mode,
		.uid = f->owner.uid,
		.gid = f->owner.gid,
	};
	return file_size(f, &ret->offset);
}

static void commit(struct chunk *c, enum log_note_state state)
{
	c->note.state = state;
	notes_commit(c->staging->notes, &c->note, c->file->path);
}

/* Is a line begun, and where? Before the note is idle: what follows from it is done again. */
static void remember(struct chunk *c)
{
	bool begun = c->len > 0 && c->data[c->len - 1] != '\n';

	if (c->memory) {
		c->memory->dev = c->file->dev;
		c->memory->ino = begun ? c->file->ino : 0;
	}
}

static void finish(struct chunk *c)
{
	remember(c);
	c->note.state = LOG_NOTE_IDLE;
	notes_idle(c->staging->notes);
}

/* The file that is open now goes on, from its end. */
static void write_on(struct chunk *c)
{
	c->note.dev = c->file->dev;
	c->note.ino = c->file->ino;
	if (file_size(c->file, &c->note.offset) < 0) {
		c->note.offset = 0;
	}
	commit(c, LOG_NOTE_WRITING);
}

/* Nothing was lost by it: the file just grows. */
static void give_up_rotation(struct chunk *c, int error)
{
	c->shift_error = error;
	c->note.maxbytes = 0;
	write_on(c);
}

static void lose_rest(struct chunk *c, size_t done, int error)
{
	size_t gone = c->note.from + done;

	/* Idle first: whoever comes after us must not append to a line that is cut here. */
	finish(c);
	c->loss.error = error;
	c->loss.lines += lines_count(c->data + gone, c->len - gone);
	c->loss.bytes += c->len - gone;
	c->loss.bytes += file_cut_torn(c->file, c->note.offset + done);
}

static void reopen(struct chunk *c)
{
	int r = file_open(c->file);

	if (r < 0) {
		give_up_rotation(c, r); /* the next chunk tries again */
	} else {
		write_on(c);
	}
}

static void after_full(struct chunk *c)
{
	if (c->file->reopen && !c->shift_error) {
		reopen(c);
	} else if (c->note.backups) {
		c->note.step = c->note.backups - 1;
		commit(c, LOG_NOTE_SHIFTING);
	} else {
		commit(c, LOG_NOTE_MAKING);
	}
}

static size_t next_part(const struct chunk *c, bool *ret_full)
{
	const struct rotation rotation = {c->note.maxbytes, c->note.backups};
	const char *data = c->data + c->note.from;
	size_t left = c->len - c->note.from;
	size_t part = rotation_split(&rotation, c->note.offset, data, left, ret_full);

	if (c->file->reopen && !c->shift_error) {
		size_t line = lines_first_end(data, part);

		*ret_full = line > 0 || *ret_full;
		part = line > 0 ? line : part;
	}
	return part;
}

static void write_part(struct chunk *c)
{
	bool full;
	size_t part = next_part(c, &full), done = 0;
	size_t before = c->written < part ? c->written : part;
	int r = file_append(c->file, c->data + c->note.from + before, part - before, &done);

	if (r < 0) {
		lose_rest(c, before + done, r);
		return;
	}
	c->written -= before;
	c->note.from += (uint32_t)part;
	c->note.offset += part;
	if (full) {
		after_full(c);
	} else {
		finish(c);
	}
}

static void shift(struct chunk *c)
{
	int r = file_shift(c->file, c->note.step);

	if (r < 0) {
		give_up_rotation(c, r);
	} else if (c->note.step == 0) {
		commit(c, LOG_NOTE_MAKING);
	} else {
		c->note.step--;
		commit(c, LOG_NOTE_SHIFTING);
	}
}

static void make(struct chunk *c)
{
	int r = file_renew(c->file);

	if (r == 0) {
		write_on(c);
	} else if (c->file->fd >= 0) {
		c->file->reopen = c->note.backups > 0;
		give_up_rotation(c, r);
	} else {
		lose_rest(c, 0, r);
	}
}

void chunk_run(struct chunk *c)
{
	static void (*const steps[])(struct chunk *) = {
		[LOG_NOTE_WRITING] = write_part,
		[LOG_NOTE_SHIFTING] = shift,
		[LOG_NOTE_MAKING] = make,
	};

	while (c->note.state != LOG_NOTE_IDLE) {
		steps[c->note.state](c);
	}
}
