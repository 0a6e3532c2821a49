#pragma once

/**
 * The notes, mapped: writing them so that they are whole at any moment, and reading them back.
 * The model is in <slotd/lognote.h>.
 */

#include <slotd/lognote.h>

/**
 * Maps the notes.
 *
 * Returns: 0, -EPROTO (another layout or size) or another -errno. Borrows fd.
 */
int notes_map(int fd, struct log_notes **ret);
void notes_unmap(struct log_notes *notes);

/** The copy that counts. Borrowed; changed by the commit after the next. */
const struct log_note_copy *notes_current(const struct log_notes *notes);

/**
 * Makes note and path the ones that count, in one step for whoever looks after our death.
 *
 * @path  shorter than LOG_NOTE_PATH_MAX.
 */
void notes_commit(struct log_notes *notes, const struct log_note *note, const char *path);

/** Nothing is owed any more. */
void notes_idle(struct log_notes *notes);

/** The entry of a stream; a new one is all zero. NULL when there is no room: what is known of
 * that stream will not outlive us. */
struct log_stream_note *notes_stream(struct log_notes *notes, uint32_t stream);
void notes_stream_drop(struct log_notes *notes, uint32_t stream);
