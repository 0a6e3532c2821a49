#pragma once

/**
 * A schedule: at which times a program runs, as a cron expression. Pure.
 *
 * When the offset of its zone changes by up to three hours, a schedule does as Debian's cron(8)
 * says. One with a time of day (neither the minute nor the hour begins with *) runs once for all
 * its times that are skipped, right after the gap, and not again at times that come a second time.
 * One that runs at any minute or any hour follows the clock as it goes.
 *
 * Source: crontab(5) and cron(8) of Debian.
 */

#include <slotd/diag.h>
#include <slotd/zone.h>

#include <stdbool.h>
#include <stdint.h>

/** There is no such time. */
#define SCHEDULE_NEVER INT64_MAX

/** Bits of the values that fit. */
struct schedule {
	uint64_t minutes;
	uint32_t hours;
	uint32_t days;	   /* bits 1 to 31 */
	uint32_t months;   /* bits 1 to 12 */
	uint32_t weekdays; /* bits 0 (Sunday) to 6 */
	bool any_time;	   /* minute or hour begin with * */
	bool any_day;	   /* day or weekday begin with *: both must fit, else one of them */
	bool at_start;	   /* @reboot: at no time, but when slotd starts */
};

/**
 * Reads five fields or a word, "@daily". One that never comes ("0 0 31 2 *") is refused.
 *
 * Returns: 0; -EINVAL, and diag says what is wrong and what would be right.
 */
int schedule_parse(const char *text, struct diag *diag, struct schedule *ret);

/** Returns the first time after that one, in seconds since the epoch; SCHEDULE_NEVER: none. */
int64_t schedule_next(const struct schedule *s, const struct zone *zone, int64_t after);

/**
 * Counts the times after one and up to another, at most max.
 *
 * @ret_last  the last of those that were counted; not set if there is none.
 */
unsigned schedule_count(const struct schedule *s, const struct zone *zone, int64_t after,
			int64_t until, unsigned max, int64_t *ret_last);
