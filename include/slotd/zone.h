#pragma once

/**
 * A time zone: between which moments which offset from UTC holds, read from a TZif file (tzfile(5),
 * RFC 8536). Pure: the bytes are given, and nobody asks the C library, whose zone is that of the
 * whole process.
 */

#include <slotd/diag.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Seconds since the epoch, UTC: before and after every moment. */
#define ZONE_BEGIN INT64_MIN
#define ZONE_END   INT64_MAX

/** A day of each year on which the offset changes; as in TZ (tzset(3)). */
struct zone_date {
	enum {
		ZONE_DATE_JULIAN,  /* Jn: 1 to 365, February 29 is not counted */
		ZONE_DATE_DAY,	   /* n: 0 to 365 */
		ZONE_DATE_WEEKDAY, /* Mm.w.d: week 5 is the last */
	} kind;
	int day, week, month;
	int32_t time; /* seconds after the beginning of that day, in the time before the change */
};

/** What holds after the last change that the file lists. */
struct zone_rule {
	int32_t offset, summer; /* seconds east of UTC */
	bool changes;		/* summer holds between the two dates of each year */
	struct zone_date begin, end;
};

/** Plain data; zeroed it is UTC. */
struct zone {
	const unsigned char *times; /* in the file: n_times of 8 bytes, then as many of 1 */
	const unsigned char *types; /* n_types of 6 bytes */
	unsigned n_times, n_types;
	struct zone_rule rule;
};

/** The time during which one offset holds. */
struct zone_span {
	int64_t begin, end;	/* from begin on, and before end */
	int32_t offset, before; /* seconds east of UTC; before: the one that held before begin */
};

/**
 * Reads the content of a TZif file, version 2 or later. Keeps data.
 *
 * Returns: 0; -EINVAL with a sentence.
 */
int zone_read(const void *data, size_t len, struct diag *diag, struct zone *ret);

/** Finds the span that contains the moment. */
void zone_span(const struct zone *z, int64_t at, struct zone_span *ret);

/** Returns the number of days from 1970-01-01 to that day; month 1 to 12. */
int64_t zone_days(int64_t year, int month, int day);
/** Returns the year of a day that is so many days after 1970-01-01, with its month and day. */
int64_t zone_date_of(int64_t days, int *ret_month, int *ret_day);
/** Returns 28 to 31; month 1 to 12. */
int zone_month_days(int64_t year, int month);
