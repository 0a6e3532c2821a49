#include "deploy/job_log.h"

#include <slotd/cleanup.h>

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	TAIL_LINES = 6,
	TAIL_BYTES = 4096,
};

void job_log_add(struct job_log *log, enum swap_step step, const char *text)
{
	struct job_line line = {.seq = ++log->seq, .step = step, .text = strdup(text)};

	if (!line.text || vec_push(&log->lines, line) < 0) {
		free(line.text);
		return;
	}
	if (log->lines.len > JOB_LINES_MAX) {
		free(log->lines.at[0].text);
		vec_remove(&log->lines, 0);
	}
}

static void end_line(struct job_log *log, job_line_fn *fn, void *arg)
{
	log->partial[log->n_partial] = '\0';
	log->n_partial = 0;
	fn(arg, log->partial);
}

void job_log_feed(struct job_log *log, const char *data, size_t len, job_line_fn *fn, void *arg)
{
	if (len == 0 && log->n_partial) {
		end_line(log, fn, arg);
	}
	for (size_t i = 0; i < len; i++) {
		char c = data[i];

		if (c == '\n') {
			end_line(log, fn, arg);
			continue;
		}
		if (log->n_partial == sizeof(log->partial) - 1) {
			end_line(log, fn, arg);
		}
		if (c != '\r') {
			log->partial[log->n_partial++] =
				(char)(iscntrl((unsigned char)c) && c != '\t' ? '?' : c);
		}
	}
}

void job_log_done(struct job_log *log)
{
	vec_for_each (line, &log->lines) {
		free(line->text);
	}
	vec_done(&log->lines);
}

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
	struct stat st;
	auto_close int fd =
		path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -EBADF;
	const char *from;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		return false;
	}
	n = pread(fd, buf, sizeof(buf),
		  st.st_size > (off_t)sizeof(buf) ? st.st_size - (off_t)sizeof(buf) : 0);
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
