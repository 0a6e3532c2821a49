#include "messages.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>

/* A program of two groups is read twice, and so are its mistakes. */
static bool is_known(const struct config *c, const struct config_message *m)
{
	vec_for_each (k, &c->messages) {
		if (k->diag.line == m->diag.line && strcmp(k->diag.text, m->diag.text) == 0 &&
		    strcmp(k->diag.file, m->diag.file) == 0) {
			return true;
		}
	}
	return false;
}

/* A value that is wrong is not in the file when a variable has it. */
static void add_origin(const struct config *c, struct config_place at, struct diag *diag)
{
	size_t len = strlen(diag->text);

	vec_for_each (o, &c->origins) {
		if (o->place.line == at.line && o->place.file == at.file &&
		    !strstr(diag->text, "%(ENV_")) {
			(void)snprintf(diag->text + len, sizeof(diag->text) - len,
				       " (the value comes from %s)", o->variables);
			return;
		}
	}
}

enum severity {
	WARNING,
	PROBLEM,
	ERROR,
};

static void add(struct config *c, enum severity severity, struct config_place at, const char *fmt,
		va_list ap)
{
	struct config_message m = {.error = severity == ERROR,
				   .problem = severity == PROBLEM,
				   .diag = {.code = severity == ERROR ? -EINVAL : 0}};

	m.diag.line = at.line;
	(void)snprintf(m.diag.file, sizeof(m.diag.file), "%s", at.file ? at.file : "");
	(void)vsnprintf(m.diag.text, sizeof(m.diag.text), fmt, ap);
	if (severity != WARNING) {
		add_origin(c, at, &m.diag);
	}
	for (char *p = m.diag.text; *p; p++) {
		*p = iscntrl((unsigned char)*p) ? '?' : *p; /* the file's, not for a terminal */
	}
	if (is_known(c, &m)) {
		return;
	}
	c->n_errors += m.error;
	if (c->messages.len >= MESSAGES_MAX) {
		return;
	}
	(void)vec_push(&c->messages, m); /* out of memory: the count alone refuses the file */
}

void config_error(struct config *c, struct config_place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(c, ERROR, at, fmt, ap);
	va_end(ap);
}

void config_problem(struct config *c, struct config_place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(c, PROBLEM, at, fmt, ap);
	va_end(ap);
}

void config_warning(struct config *c, struct config_place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(c, WARNING, at, fmt, ap);
	va_end(ap);
}

void config_insist(struct config *c)
{
	vec_for_each (m, &c->messages) {
		if (m->problem && !m->error) {
			m->error = true;
			m->diag.code = -EINVAL;
			c->n_errors++;
		}
	}
}

static size_t file_rank(const struct config *c, const char *file)
{
	for (size_t i = 0; i < c->files.len; i++) {
		if (strcmp(c->files.at[i], file) == 0) {
			return i;
		}
	}
	return c->files.len;
}

static int compare(const void *a, const void *b, void *data)
{
	const struct config_message *m = a, *n = b;
	size_t x = file_rank(data, m->diag.file), y = file_rank(data, n->diag.file);

	if (x != y) {
		return x < y ? -1 : 1;
	}
	return (m->diag.line > n->diag.line) - (m->diag.line < n->diag.line);
}

/* glibc's qsort_r is a merge sort, but does not promise it: messages of one line must not swap. */
void config_sort_messages(struct config *c)
{
	struct config_message *m = c->messages.at;

	for (size_t i = 1; i < c->messages.len; i++) {
		struct config_message one = m[i];
		size_t at = i;

		while (at > 0 && compare(&m[at - 1], &one, c) > 0) {
			at--;
		}
		if (at < i) {
			memmove(&m[at + 1], &m[at], (i - at) * sizeof(*m));
			m[at] = one;
		}
	}
}

static void print_kind(const struct config *c, bool error, FILE *to)
{
	char line[DIAG_FILE_MAX + DIAG_TEXT_MAX + 32];

	vec_for_each (m, &c->messages) {
		struct diag diag = m->diag;

		if (m->error != error) {
			continue;
		}
		if (!error) {
			(void)snprintf(diag.text, sizeof(diag.text), "warning: %s", m->diag.text);
		}
		fprintf(to, "%s\n", diag_format(&diag, line, sizeof(line)));
	}
}

void config_print_messages(const struct config *c, FILE *to)
{
	size_t stored = 0;

	print_kind(c, true, to);
	vec_for_each (m, &c->messages) {
		stored += m->error;
	}
	if (c->n_errors > stored) {
		fprintf(to, "... and %zu more errors\n", c->n_errors - stored);
	}
	print_kind(c, false, to);
}
