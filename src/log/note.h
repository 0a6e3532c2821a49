#pragma once

/**
 * Writes the notes, so that they are complete at any moment, and reads them. The model is in
 * <slotd/lognote.h>.
 */

#include <slotd/lognote.h>

/**
 * Maps the notes. Borrows fd.
 *
 * Returns: 0; -EPROTO if layout or size are another version's; another -errno.
 */
int notes_map(int fd, struct log_notes **ret);
/** Unmaps the notes. Accepts NULL. */
void notes_unmap(struct log_notes *notes);

/** Returns the valid copy. It does not change before the second commit from now. */
const struct log_note_copy *notes_current(const struct log_notes *notes);

/**
 * Makes note and path the valid copy, in one step: the next slotd-log sees all of it or nothing.
 *
 * @path  shorter than LOG_NOTE_PATH_MAX.
 */
void notes_commit(struct log_notes *notes, const struct log_note *note, const char *path);

/** Sets the note idle: nothing is left to be written. */
void notes_idle(struct log_notes *notes);

/** Returns the entry of a stream, a new one all zero. NULL if there is no room: then the next
 * slotd-log will not know whether a line of the stream is incomplete. */
struct log_stream_note *notes_stream(struct log_notes *notes, uint32_t stream);
/** Frees the entry of a stream. Harmless if it has none. */
void notes_stream_drop(struct log_notes *notes, uint32_t stream);
