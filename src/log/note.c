#include "note.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	PROBES = 16, /* places from its own in which a stream's entry may be */
};

int notes_map(int fd, struct log_notes **ret)
{
	struct log_notes *n;
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if (st.st_size < (off_t)sizeof(*n)) {
		return -EPROTO;
	}
	n = mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (n == MAP_FAILED) {
		return -errno;
	}
	if (n->magic != LOG_NOTES_MAGIC || n->version != LOG_NOTES_VERSION) {
		notes_unmap(n);
		return -EPROTO;
	}
	*ret = n;
	return 0;
}

void notes_unmap(struct log_notes *notes)
{
	if (notes) {
		(void)munmap(notes, sizeof(*notes));
	}
}

static uint32_t current(const struct log_notes *notes)
{
	return atomic_load(&notes->current) & 1u;
}

const struct log_note_copy *notes_current(const struct log_notes *notes)
{
	return &notes->copies[current(notes)];
}

void notes_commit(struct log_notes *notes, const struct log_note *note, const char *path)
{
	uint32_t other = !current(notes);
	struct log_note_copy *copy = &notes->copies[other];

	copy->note = *note;
	if (strcmp(copy->path, path) != 0) {
		memcpy(copy->path, path, strlen(path) + 1);
	}
	/* Only the order of this thread's own stores matters: death does not undo any. */
	atomic_signal_fence(memory_order_seq_cst);
	atomic_store(&notes->current, other);
	atomic_signal_fence(memory_order_seq_cst);
}

void notes_idle(struct log_notes *notes)
{
	/* One word of the copy that counts: nothing to be torn. */
	atomic_signal_fence(memory_order_seq_cst);
	notes->copies[current(notes)].note.state = LOG_NOTE_IDLE;
	atomic_signal_fence(memory_order_seq_cst);
}

static struct log_stream_note *find(struct log_notes *notes, uint32_t stream, uint32_t wanted)
{
	for (uint32_t i = 0; i < PROBES; i++) {
		struct log_stream_note *at = &notes->streams[(stream + i) % LOG_NOTE_STREAMS];

		if (at->stream == wanted) {
			return at;
		}
	}
	return NULL;
}

struct log_stream_note *notes_stream(struct log_notes *notes, uint32_t stream)
{
	struct log_stream_note *at = find(notes, stream, stream);

	if (at) {
		return at;
	}
	at = find(notes, stream, 0);
	if (at) {
		*at = (struct log_stream_note){.stream = stream};
	}
	return at;
}

void notes_stream_drop(struct log_notes *notes, uint32_t stream)
{
	struct log_stream_note *at = find(notes, stream, stream);

	if (at) {
		at->stream = 0;
	}
}
