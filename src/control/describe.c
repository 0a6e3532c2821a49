#include "describe.h"

#include <slotd/cleanup.h>
#include <slotd/usec.h>
#include <slotd/worker_state.h>

#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

enum {
	DAY = 24 * 60 * 60,
};

typedef void describe_fn(const struct mirror_worker *w, uint64_t now, char *buf, size_t size);
static describe_fn nothing, uptime, error, stop_time;

static describe_fn *const describes[WORKER_STATE_MAX_] = {
	[WORKER_STOPPED] = stop_time, [WORKER_STARTING] = nothing, [WORKER_RUNNING] = uptime,
	[WORKER_BACKOFF] = error,     [WORKER_STOPPING] = nothing, [WORKER_EXITED] = stop_time,
	[WORKER_FATAL] = error,	      [WORKER_UNKNOWN] = nothing,
};

const char *worker_statename(int64_t state)
{
	return worker_state_info(worker_state_of_code(state))->name;
}

/* "0:00:09", "1 day, 0:00:01", "2 days, 3:04:05". Returns buf. */
static const char *uptime_format(uint64_t seconds, char *buf, size_t size)
{
	unsigned long long days = seconds / DAY, rest = seconds % DAY;
	int n = 0;

	if (days) {
		n = snprintf(buf, size, "%llu day%s, ", days, days == 1 ? "" : "s");
	}
	(void)snprintf(buf + n, size - (size_t)n, "%llu:%02llu:%02llu", rest / 3600, rest / 60 % 60,
		       rest % 60);
	return buf;
}

static void nothing(const struct mirror_worker *w, uint64_t now, char *buf, size_t size)
{
	(void)w, (void)now, (void)size;
	buf[0] = '\0';
}

static void uptime(const struct mirror_worker *w, uint64_t now, char *buf, size_t size)
{
	char text[64];

	(void)snprintf(buf, size, "pid %lld, uptime %s", (long long)w->pid,
		       uptime_format(usec_sub(now, w->started) / SECONDS(1), text, sizeof(text)));
}

static void error(const struct mirror_worker *w, uint64_t now, char *buf, size_t size)
{
	(void)now;
	if (*w->spawnerr) {
		(void)snprintf(buf, size, "%s", w->spawnerr);
	} else {
		(void)snprintf(buf, size, "unknown error (try \"tail %s\")", w->name);
	}
}

/* "Nov 29 06:20 AM": English, whatever the locale; local time. False: it is no time. */
static bool format_time(uint64_t wall, char *buf, size_t size)
{
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t at = (time_t)(wall / SECONDS(1));
	struct tm tm;

	if (!localtime_r(&at, &tm)) {
		return false;
	}
	(void)snprintf(buf, size, "%s %02d %02d:%02d %s", months[tm.tm_mon], tm.tm_mday,
		       tm.tm_hour % 12 ? tm.tm_hour % 12 : 12, tm.tm_min,
		       tm.tm_hour < 12 ? "AM" : "PM");
	return true;
}

static void stop_time(const struct mirror_worker *w, uint64_t now, char *buf, size_t size)
{
	char next[32];

	(void)now;
	if (w->next_run && format_time(w->next_run, next, sizeof(next))) {
		(void)snprintf(buf, size, "next run %s", next);
	} else if (!w->started || !w->stopped || !format_time(w->stopped, buf, size)) {
		(void)snprintf(buf, size, "Not started");
	}
}

const char *worker_description(const struct mirror_worker *w, uint64_t now, char *buf, size_t size)
{
	describes[worker_state_of_code(w->state)](w, now, buf, size);
	return buf;
}

const char *worker_last_exit(const struct mirror_worker *w, char *buf, size_t size)
{
	int status = (int)w->exit;
	const char *name;

	buf[0] = '\0';
	if (status < 0) {
		return buf;
	}
	if (WIFEXITED(status)) {
		(void)snprintf(buf, size, "exit status %d", WEXITSTATUS(status));
	} else if (WIFSIGNALED(status)) {
		name = sigabbrev_np(WTERMSIG(status));
		(void)snprintf(buf, size, "terminated by %s%s%s", name ? "SIG" : "signal",
			       name ? name : "", WCOREDUMP(status) ? " (core dumped)" : "");
	}
	return buf;
}
