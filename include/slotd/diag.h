#pragma once

/**
 * How errors are reported: a negative errno is returned, and a sentence is put into a struct diag.
 *
 * A function that can fail for a reason that a person will ask about takes a struct diag *, which
 * may be NULL. The struct has a fixed size, so it works without memory. The sentence says what is
 * wrong and what to do; file and line say where, if that is known.
 */

enum {
	DIAG_TEXT_MAX = 1024,
	DIAG_FILE_MAX = 512,
};

struct diag {
	int code;      /* negative errno, 0 when nothing was set */
	unsigned line; /* 1-based; 0: no line */
	char file[DIAG_FILE_MAX];
	char text[DIAG_TEXT_MAX];
};

/**
 * Sets the sentence. A text that is too long is cut.
 *
 * @diag  may be NULL.
 * @code  negative errno.
 * Returns: code, so that "return diag_set(...)" reads well.
 */
int diag_set(struct diag *diag, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Like diag_set, with file and line. Borrows file. */
int diag_set_at(struct diag *diag, int code, const char *file, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/** Like diag_set, with ": " and the system's text for code appended. */
int diag_set_errno(struct diag *diag, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Puts "context: " in front of the sentence. Returns diag's code (0 for NULL). */
int diag_prefix(struct diag *diag, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * Writes "FILE:LINE: text", "FILE: text" or "text" into buf.
 *
 * Returns: buf.
 */
const char *diag_format(const struct diag *diag, char *buf, unsigned size);
