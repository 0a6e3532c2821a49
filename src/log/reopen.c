#include "reopen.h"

#include "logger.h"

#include <string.h>
#include <syslog.h>

enum {
	REOPEN_WAIT_US = 500 * 1000, /* for the end of a line that is begun */
};

static void reopen_file(struct logger *lg, struct log_file *f)
{
	int r = file_open(f);

	f->reopen = false;
	if (r < 0) {
		logger_report(lg, LOG_ERR, "cannot reopen %s: %s; the old file is still written to",
			      f->path, file_error_text(r));
	} else if (f->retry_at) {
		f->retry_at = 1; /* no reason to wait any more */
	}
}

static void wait_for_line_ends(struct logger *lg)
{
	if (lg->reopen_timer.at == USEC_NEVER) {
		loop_timer_set(lg->loop, &lg->reopen_timer,
			       usec_add(usec_monotonic(), REOPEN_WAIT_US));
	}
}

/* Without a signal: nobody asked, so nobody is answered. */
void reopen_if_gone(struct logger *lg, struct log_file *f)
{
	int r;

	if (!file_gone(f, usec_monotonic())) {
		return;
	}
	if (!file_at_line_end(f)) {
		f->reopen = true; /* the line that is begun ends where it began */
		wait_for_line_ends(lg);
		logger_report(lg, LOG_NOTICE,
			      "%s was deleted or moved; it is made again after the current line",
			      f->path);
		return;
	}
	r = file_open(f);
	if (r == 0) {
		f->gone_told = false;
		logger_report(lg, LOG_NOTICE, "%s was deleted or moved; it is made again", f->path);
	} else if (!f->gone_told) {
		f->gone_told = true;
		logger_report(lg, LOG_ERR,
			      "%s was deleted or moved and cannot be made again: %s; the old file "
			      "is still written to",
			      f->path, file_error_text(r));
	}
}

static bool reopen_pending(const struct logger *lg)
{
	const struct log_file *f = lg->files.head;

	while (f && !f->reopen) {
		f = f->next;
	}
	return f != NULL;
}

void reopen_told(struct logger *lg)
{
	if (reopen_pending(lg)) {
		return;
	}
	loop_timer_stop(lg->loop, &lg->reopen_timer);
	logger_done(lg, lg->reopen_id, 0, NULL);
	lg->reopen_id = 0;
}

void reopen_asked(struct logger *lg, uint32_t id)
{
	/* One that still waits for line ends is answered with this one's work. */
	logger_done(lg, lg->reopen_id, 0, NULL);
	for (struct log_file *f = lg->files.head; f; f = f->next) {
		if (f->special || (f->fd < 0 && f->owner.late)) {
			continue; /* nothing changes for a terminal or pipe, or what is not made */
		}
		if (f->fd < 0 || file_at_line_end(f)) {
			reopen_file(lg, f);
		} else {
			f->reopen = true;
		}
	}
	lg->reopen_id = id;
	wait_for_line_ends(lg);
	reopen_told(lg);
}

void reopen_now(struct logger *lg)
{
	for (struct log_file *f = lg->files.head; f; f = f->next) {
		if (f->reopen) {
			reopen_file(lg, f);
		}
	}
	reopen_told(lg);
}
