#pragma once

/**
 * What a load asks of the file system, and what was answered. Asking may block (a hung disk), so
 * a reload asks in a child: its answers travel to slotd as text, and the load there asks nobody.
 */

#include <slotd/map.h>
#include <slotd/strbuf.h>

enum source_kind {
	SOURCE_TEXT = 'T',	/* of a file */
	SOURCE_MATCHES = 'M',	/* of a shell pattern: paths, each ended by NUL */
	SOURCE_DIRECTORY = 'D', /* is it there? No data */
};

struct source_answer {
	int code; /* 0 or -errno: -ENOENT no match; -E2BIG a text beyond DOCUMENT_FILE_MAX */
	size_t len;
	char data[]; /* NUL-terminated */
};

/** Zeroed it is empty, and asks. */
struct sources {
	struct map answers;
	bool closed; /* asks nobody: what is not in answers is -EIO */
};

void sources_done(struct sources *s);

/** Each question is asked once. Borrowed from s; NULL when out of memory. */
const struct source_answer *sources_ask(struct sources *s, enum source_kind kind, const char *name);

/** Everything that was asked and answered, as text. 0, -ENOMEM or -E2BIG. */
int sources_write(const struct sources *s, struct strbuf *out);

/**
 * Takes over what sources_write wrote, and closes s.
 *
 * Returns: 0 with *ret_used, where other text may follow; -EBADMSG; -ENOMEM.
 */
int sources_read(struct sources *s, const char *text, size_t len, size_t *ret_used);
