#pragma once

/**
 * What a load reads from the file system. Reading may block (a hung disk), so a reload reads in a
 * child, which passes everything to slotd as text; the load in slotd then uses only that.
 */

#include <slotd/map.h>
#include <slotd/strbuf.h>

#include <stdbool.h>
#include <sys/stat.h>

enum source_kind {
	SOURCE_TEXT = 'T',	/* the text of a file */
	SOURCE_MATCHES = 'M',	/* the matches of a shell pattern: paths, each with a NUL */
	SOURCE_DIRECTORY = 'D', /* does this directory exist? Without data */
};

struct source_answer {
	int code;	/* 0 or -errno: -ENOENT no match; -E2BIG a text beyond DOCUMENT_FILE_MAX */
	struct stat st; /* of a text, as it was read; zeroes in slotd, if a child has read it */
	size_t len;
	char data[]; /* NUL-terminated */
};

/** To be zeroed: then it is empty, and reads. */
struct sources {
	struct map answers;
	bool closed; /* it reads nothing: what is not in answers is -EIO */
};

void sources_done(struct sources *s);

/** Reads something, once. The answer is borrowed from s; NULL if there is no memory. */
const struct source_answer *sources_ask(struct sources *s, enum source_kind kind, const char *name);

/** Appends everything that was read, as text. Returns 0, -ENOMEM or -E2BIG. */
int sources_write(const struct sources *s, struct strbuf *out);

/**
 * Reads what sources_write has written, and closes s.
 *
 * @ret_used  the length of that; other text may follow.
 * Returns: 0, -EBADMSG or -ENOMEM.
 */
int sources_read(struct sources *s, const char *text, size_t len, size_t *ret_used);
