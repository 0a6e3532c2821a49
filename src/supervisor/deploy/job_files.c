#include "deploy/job_files.h"
#include "deploy/remove_tree.h"

#include <slotd/cleanup.h>
#include <slotd/indent.h>
#include <slotd/io.h>
#include <slotd/vec.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TAIL_LINES = 6,
	TAIL_BYTES = 4096,
	RESULT_FILES_MAX = 10000, /* that are removed at once; the next job goes on */
};

/* ---- the last lines of a worker's log */

static const char *last_lines(const char *text, size_t len, unsigned n)
{
	const char *p = text + len;

	if (p > text && p[-1] == '\n') {
		p--;
	}
	while (p > text) {
		if (p[-1] == '\n' && --n == 0) {
			break;
		}
		p--;
	}
	return p;
}

static bool print_tail(const char *path)
{
	char buf[TAIL_BYTES];
	auto_close int fd =
		path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -EBADF;
	const char *from;
	ssize_t n = fd < 0 ? -1 : io_read_tail(fd, buf, sizeof(buf));

	if (n <= 0) {
		return false;
	}
	from = last_lines(buf, (size_t)n, TAIL_LINES);
	return write(STDOUT_FILENO, from, (size_t)(buf + n - from)) > 0;
}

int job_tail_print(void *data)
{
	const struct job_tail *tail = data;

	return print_tail(tail->paths[0]) || print_tail(tail->paths[1]) ? 0 : 1;
}

/* ---- logs of former jobs */

static bool is_numbered(const char *file, const char *service, const char *suffix,
			unsigned *ret_number)
{
	size_t len = strlen(service);
	unsigned long n;
	char *end;

	if (strncmp(file, service, len) != 0 || file[len] != '-' || file[len + 1] < '1' ||
	    file[len + 1] > '9') {
		return false;
	}
	n = strtoul(file + len + 1, &end, 10);
	*ret_number = (unsigned)n;
	return strcmp(end, suffix) == 0 && n <= INT32_MAX;
}

bool job_log_number(const char *file, const char *service, unsigned *ret_number)
{
	return is_numbered(file, service, ".log", ret_number);
}

/* The same of a directory for results ("web-12"). */
static bool is_result(const char *file, const char *service, unsigned *ret_number)
{
	return is_numbered(file, service, "", ret_number);
}

/* Workers' logs may have such a name, too: only what begins as a job's log is one. */
static bool is_job_log(int dir, const char *file, const char *service, unsigned number)
{
	auto_close int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	char buf[512], wanted[512];
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n < 0) {
		return false;
	}
	buf[n] = '\0';
	(void)snprintf(wanted, sizeof(wanted), "#%u %s: ", number, service);
	return strncmp(buf, wanted, strlen(wanted)) == 0 ||
	       strncmp(buf, INDENT_PREFIX, strlen(INDENT_PREFIX)) == 0; /* it was rotated */
}

static void remove_log(int dir, const char *service, unsigned number)
{
	char name[512];

	(void)snprintf(name, sizeof(name), "%s-%u.log", service, number);
	(void)unlinkat(dir, name, 0);
	(void)snprintf(name, sizeof(name), "%s-%u.log.1", service, number);
	(void)unlinkat(dir, name, 0);
}

static int newer_first(const void *a, const void *b)
{
	const unsigned *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static void remove_oldest(DIR *dir, const struct job_tidy *tidy)
{
	VEC(unsigned) numbers = {0};
	struct dirent *e;
	unsigned n;

	while ((e = readdir(dir))) {
		if (job_log_number(e->d_name, tidy->service, &n) && n != tidy->number &&
		    is_job_log(dirfd(dir), e->d_name, tidy->service, n) &&
		    vec_push(&numbers, n) < 0) {
			break;
		}
	}
	if (numbers.len) {
		qsort(numbers.at, numbers.len, sizeof(*numbers.at), newer_first);
	}
	for (size_t i = JOB_LOGS_KEPT - 1; i < numbers.len; i++) {
		remove_log(dirfd(dir), tidy->service, numbers.at[i]);
	}
	vec_done(&numbers);
}

/* Of a prepare that was killed, or which has put more there than a file. */
static void remove_results(const struct job_tidy *tidy)
{
	DIR *dir = opendir(tidy->results);
	struct removal removal = {.left = RESULT_FILES_MAX};
	const struct dirent *e;
	unsigned n;

	while (dir && (e = readdir(dir))) {
		if (is_result(e->d_name, tidy->service, &n) && n != tidy->number) {
			(void)remove_tree(&removal, dirfd(dir), e->d_name);
		}
	}
	if (dir) {
		(void)closedir(dir);
	}
}

int job_tidy(void *data)
{
	const struct job_tidy *tidy = data;
	DIR *dir = opendir(tidy->dir);

	remove_results(tidy);
	if (!dir) {
		return 1;
	}
	remove_log(dirfd(dir), tidy->service, tidy->number);
	remove_oldest(dir, tidy);
	(void)closedir(dir);
	return 0;
}

/* ---- which command was the last */

bool script_line_says(const char *line, size_t len)
{
	size_t blank = strspn(line, " \t");

	return blank < len && line[blank] != '#';
}

static bool is_next(const char *next, const char *line, size_t len)
{
	return strcspn(next, "\n") == len && memcmp(next, line, len) == 0;
}

void script_trace_line(struct script_trace *t, const char *line, size_t len)
{
	const char *next = t->next;
	unsigned n = t->n_lines;

	while (t->torn && next && *next && !is_next(next, line, len)) {
		next += strcspn(next, "\n");
		next += *next == '\n';
		n++;
	}
	if (!next || !*next || !is_next(next, line, len)) {
		return;
	}
	t->n_lines = n + 1;
	t->next = next + len + (next[len] == '\n');
	if (script_line_says(next, len)) {
		(void)snprintf(t->command, sizeof(t->command), "%.*s", (int)len, line);
		t->number = t->n_lines;
	}
}

/* False: there is no such file. */
static bool trace_file(struct script_trace *t, const char *path)
{
	const size_t bar = strlen(INDENT_PREFIX);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	FILE *f = fd >= 0 ? fdopen(fd, "re") : NULL;
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!f) {
		cleanup_closep(&fd);
		return false;
	}
	for (bool first = true; (n = getline(&line, &size, f)) > 0; first = false) {
		n -= line[n - 1] == '\n';
		t->torn = t->torn || (first && !t->n_lines && line[0] != '#');
		if ((size_t)n >= bar && memcmp(line, INDENT_PREFIX, bar) == 0) {
			script_trace_line(t, line + bar, (size_t)n - bar);
		} else { /* a step: what was run before it was another script */
			*t = (struct script_trace){.script = t->script, .next = t->script};
		}
	}
	free(line);
	(void)fclose(f);
	return true;
}

int job_trace_print(void *data)
{
	const struct job_trace *trace = data;
	struct script_trace t = {.script = trace->script, .next = trace->script};
	char older[4096];

	(void)snprintf(older, sizeof(older), "%s.1", trace->path);
	(void)trace_file(&t, older);
	if (!trace_file(&t, trace->path) || !t.number) {
		return 0;
	}
	return dprintf(STDOUT_FILENO, "%u %s", t.number, t.command) < 0;
}
