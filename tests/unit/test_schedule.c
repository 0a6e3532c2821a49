/* schedule.c and zone.c: the calendar, with the zones of the system. */
#include <slotd/cleanup.h>
#include <slotd/schedule.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

enum {
	DAY = 24 * 60 * 60,
	FILE_MAX = 64 * 1024,
};

/* ---- a zone by its name, and times in it as text */

struct place {
	struct zone zone;
	char *bytes;
	size_t len;
};

static void place_done(struct place *p)
{
	free(p->bytes);
}
#define auto_place CLEANUP(place_done) struct place

static struct place in(const char *name)
{
	struct place p = {.bytes = calloc(1, FILE_MAX)};
	struct diag diag = {0};
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "no %s: install tzdata", path);
	p.len = fread(p.bytes, 1, FILE_MAX, f);
	(void)fclose(f);
	ck_assert_msg(zone_read(p.bytes, p.len, &diag, &p.zone) == 0, "%s: %s", name, diag.text);
	return p;
}

/* "2026-03-29 03:00 +0200" */
static const char *format(const struct zone *zone, int64_t at)
{
	static char texts[4][48];
	static unsigned n;
	char *text = texts[n++ % 4];
	struct zone_span span;
	int64_t local, days, year;
	int month, day;

	if (at == SCHEDULE_NEVER) {
		return "never";
	}
	zone_span(zone, at, &span);
	local = at + span.offset;
	days = local / DAY - (local % DAY < 0);
	year = zone_date_of(days, &month, &day);
	(void)snprintf(text, sizeof(texts[0]), "%04d-%02d-%02d %02d:%02d %+05d", (int)year, month,
		       day, (int)(local - days * DAY) / 3600, (int)(local - days * DAY) / 60 % 60,
		       span.offset / 3600 * 100 + span.offset % 3600 / 60);
	return text;
}

/* UTC */
static int64_t moment(const char *text)
{
	int year, month, day, hour, minute;

	ck_assert_int_eq(sscanf(text, "%d-%d-%d %d:%d", &year, &month, &day, &hour, &minute), 5);
	return zone_days(year, month, day) * DAY + hour * 3600 + minute * 60;
}

static struct schedule parsed(const char *text)
{
	struct schedule s;
	struct diag diag = {0};

	ck_assert_msg(schedule_parse(text, &diag, &s) == 0, "%s", diag.text);
	return s;
}

/* ---- reading */

START_TEST(fields_are_read_as_crontab_has_them)
{
	static const struct {
		const char *text;
		struct schedule want;
	} cases[] = {
		{"1 2 3 4 5", {1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, .any_time = false}},
		{" 0-10/5\t1,3 1-3,31 jan,Mar-APR mon-FRI",
		 {1 | 1 << 5 | 1 << 10, 1 << 1 | 1 << 3, 0xe | 1u << 31, 1 << 1 | 3 << 3, 0x3e}},
		{"*/30 */12 * * *", {1 | 1ull << 30, 1 | 1 << 12, ~1u, 0x1ffe, 0x7f, true, true}},
		{"0 0 1 1 7", {1, 1, 2, 2, 1}},
		{"0 0 1 1 5-7", {1, 1, 2, 2, 1 | 1 << 5 | 1 << 6}},
		{"0 0 1 1 sat-sun", {1, 1, 2, 2, 1 | 1 << 6}},
		{"@hourly", {1, 0xffffff, ~1u, 0x1ffe, 0x7f, true, true}},
		{"@daily", {1, 1, ~1u, 0x1ffe, 0x7f, false, true}},
		{"@midnight", {1, 1, ~1u, 0x1ffe, 0x7f, false, true}},
		{"@weekly", {1, 1, ~1u, 0x1ffe, 1, false, true}},
		{"@monthly", {1, 1, 2, 0x1ffe, 0x7f, false, true}},
		{"@Yearly", {1, 1, 2, 2, 0x7f, false, true}},
		{"@annually", {1, 1, 2, 2, 0x7f, false, true}},
		{"@reboot", {.at_start = true}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct schedule s = parsed(cases[i].text), *want = &cases[i].want;

		ck_assert_msg(s.minutes == want->minutes && s.hours == want->hours &&
				      s.days == want->days && s.months == want->months &&
				      s.weekdays == want->weekdays &&
				      s.any_time == want->any_time && s.any_day == want->any_day &&
				      s.at_start == want->at_start,
			      "%s", cases[i].text);
	}
}
END_TEST

START_TEST(what_is_none_is_told_with_what_would_be_right)
{
	static const char *const cases[][2] = {
		{"", "has 0 of the five fields"},
		{"0 0 * *", "has 4 of the five fields"},
		{"0 0 * * * root", "more than five fields"},
		{"60 * * * *", "'60' is not a minute; write a value from 0 to 59"},
		{"* 24 * * *", "'24' is not a hour"},
		{"* * 0 * *", "'0' is not a day of the month; write a value from 1 to 31"},
		{"* * 32 * *", "'32'"},
		{"* * * 13 *", "a value from 1 to 12 or a name of three letters"},
		{"* * * january *", "'january' is not a month"},
		{"* * * * 8", "'8' is not a day of the week"},
		{"* * * * mo", "'mo'"},
		{"10-5 * * * *", "'10-5'"},
		{"5/10 * * * *", "a step needs a range; write 5-59/10"},
		{"*/0 * * * *", "'*/0'"},
		{"*/60 * * * *", "'*/60'"},
		{"1, * * * *", "'1,'"},
		{",1 * * * *", "',1'"},
		{"1-2-3 * * * *", "'1-2-3'"},
		{"1-* * * * *", "'1-*'"},
		{"-1 * * * *", "'-1'"},
		{"99999999999999999999 * * * *", "is not a minute"},
		{"@every5", "there is no '@every5'; write @hourly"},
		{"0 0 31 2 *", "never comes: none of its months has such a day"},
		{"0 0 30 2 *", "never comes"},
		{"0 0 31 2,4,6,9,11 *", "never comes"},
		{"0 0 31 2 */2", "never comes"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct diag diag = {0};
		struct schedule s;

		ck_assert_msg(schedule_parse(cases[i][0], &diag, &s) == -EINVAL, "%s", cases[i][0]);
		ck_assert_msg(strstr(diag.text, cases[i][1]) != NULL, "%s: %s", cases[i][0],
			      diag.text);
	}
	(void)parsed("0 0 31 2 mon"); /* or a Monday of February */
	(void)parsed("0 0 29 2 */7"); /* a Sunday, every 28 years */
}
END_TEST

/* ---- the next time */

START_TEST(the_next_time_is_the_one_of_the_calendar)
{
	static const struct {
		const char *zone, *schedule, *after, *next[4];
	} cases[] = {
		{"UTC",
		 "* * * * *",
		 "2026-12-31 23:59",
		 {"2027-01-01 00:00 +0000", "2027-01-01 00:01 +0000"}},
		{"UTC",
		 "30 4 1,15 * 5",
		 "2026-05-01 04:30",
		 {"2026-05-08 04:30 +0000", "2026-05-15 04:30 +0000", "2026-05-22 04:30 +0000"}},
		{"UTC",
		 "0 0 */10 * mon",
		 "2026-05-01 00:00", /* * in one: both must fit */
		 {"2026-05-11 00:00 +0000", "2026-06-01 00:00 +0000", "2026-08-31 00:00 +0000"}},
		{"UTC",
		 "0 12 29 2 *",
		 "2096-02-29 12:00",
		 {"2104-02-29 12:00 +0000", "2108-02-29 12:00 +0000"}},
		{"UTC", "0 12 29 2 *", "1999-01-01 00:00", {"2000-02-29 12:00 +0000"}},
		{"UTC",
		 "0 0 29 2 */7",
		 "2060-03-01 00:00",
		 {"2088-02-29 00:00 +0000", "2128-02-29 00:00 +0000"}},
		{"UTC",
		 "0 0 31 * *",
		 "2026-01-31 00:00",
		 {"2026-03-31 00:00 +0000", "2026-05-31 00:00 +0000", "2026-07-31 00:00 +0000",
		  "2026-08-31 00:00 +0000"}},
		{"UTC",
		 "15 23 * dec *",
		 "1969-12-30 23:14",
		 {"1969-12-30 23:15 +0000", "1969-12-31 23:15 +0000", "1970-12-01 23:15 +0000"}},
		{"Asia/Kathmandu",
		 "0 6 * * *",
		 "2026-01-01 00:00",
		 {"2026-01-01 06:00 +0545", "2026-01-02 06:00 +0545"}},

		/* Berlin, 2026-03-29: 02:00 to 03:00 is skipped. */
		{"Europe/Berlin",
		 "30 2 * * *",
		 "2026-03-28 00:00",
		 {"2026-03-28 02:30 +0100", "2026-03-29 03:00 +0200", "2026-03-30 02:30 +0200"}},
		{"Europe/Berlin",
		 "0,20,40 2,3 * * *",
		 "2026-03-28 22:00",
		 {"2026-03-29 03:00 +0200", "2026-03-29 03:20 +0200", "2026-03-29 03:40 +0200",
		  "2026-03-30 02:00 +0200"}},
		{"Europe/Berlin",
		 "30 2 29 3 *",
		 "2026-01-01 00:00",
		 {"2026-03-29 03:00 +0200", "2027-03-29 02:30 +0200"}},
		{"Europe/Berlin",
		 "*/20 * * * *",
		 "2026-03-29 00:20",
		 {"2026-03-29 01:40 +0100", "2026-03-29 03:00 +0200", "2026-03-29 03:20 +0200"}},
		{"Europe/Berlin",
		 "30 * * * *",
		 "2026-03-29 00:00",
		 {"2026-03-29 01:30 +0100", "2026-03-29 03:30 +0200"}},
		{"Europe/Berlin",
		 "0 3 * * *",
		 "2026-03-28 12:00",
		 {"2026-03-29 03:00 +0200", "2026-03-30 03:00 +0200"}},
		{"Europe/Berlin",
		 "59 1 * * *",
		 "2026-03-28 12:00",
		 {"2026-03-29 01:59 +0100", "2026-03-30 01:59 +0200"}},
		/* Berlin, 2026-10-25: 02:00 to 03:00 comes twice. */
		{"Europe/Berlin",
		 "30 2 * * *",
		 "2026-10-24 12:00",
		 {"2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100"}},
		{"Europe/Berlin",
		 "30 2 * * *",
		 "2026-10-25 01:00", /* the first is over */
		 {"2026-10-26 02:30 +0100"}},
		{"Europe/Berlin",
		 "0 2,3 * * *",
		 "2026-10-24 12:00",
		 {"2026-10-25 02:00 +0200", "2026-10-25 03:00 +0100", "2026-10-26 02:00 +0100"}},
		{"Europe/Berlin",
		 "30 * * * *",
		 "2026-10-24 23:30",
		 {"2026-10-25 02:30 +0200", "2026-10-25 02:30 +0100", "2026-10-25 03:30 +0100"}},
		/* Lord Howe changes by half an hour. */
		{"Australia/Lord_Howe",
		 "15 2 * * *",
		 "2026-10-02 12:00",
		 {"2026-10-03 02:15 +1030", "2026-10-04 02:30 +1100", "2026-10-05 02:15 +1100"}},
		{"Australia/Lord_Howe",
		 "*/15 * * * *",
		 "2026-10-03 15:15",
		 {"2026-10-04 02:30 +1100", "2026-10-04 02:45 +1100"}},
		{"Australia/Lord_Howe",
		 "45 1 * * *",
		 "2026-04-03 20:00",
		 {"2026-04-05 01:45 +1100", "2026-04-06 01:45 +1030"}},
		{"Australia/Lord_Howe",
		 "*/15 * * * *",
		 "2026-04-04 14:15",
		 {"2026-04-05 01:30 +1100", "2026-04-05 01:45 +1100", "2026-04-05 01:30 +1030",
		  "2026-04-05 01:45 +1030"}},
		/* Behind what the file lists, its rule goes on. */
		{"Europe/Berlin",
		 "30 2 * * *",
		 "2090-03-25 12:00",
		 {"2090-03-26 03:00 +0200", "2090-03-27 02:30 +0200"}},
		{"Australia/Lord_Howe",
		 "45 1 * * *",
		 "2090-03-31 20:00",
		 {"2090-04-02 01:45 +1100", "2090-04-03 01:45 +1030"}},
		{"Europe/Dublin",
		 "30 1 * * *",
		 "2090-10-28 12:00",
		 {"2090-10-29 01:30 +0100", "2090-10-30 01:30 +0000"}},
		/* Samoa left out a day: no change of clocks, so nothing is made up. */
		{"Pacific/Apia", "0 12 30 12 *", "2011-01-01 00:00", {"2012-12-30 12:00 +1400"}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_place p = in(cases[i].zone);
		const struct schedule s = parsed(cases[i].schedule);
		int64_t at = moment(cases[i].after);

		for (int n = 0; n < 4 && cases[i].next[n]; n++) {
			at = schedule_next(&s, &p.zone, at);
			ck_assert_msg(strcmp(format(&p.zone, at), cases[i].next[n]) == 0,
				      "%s in %s: %s instead of %s", cases[i].schedule,
				      cases[i].zone, format(&p.zone, at), cases[i].next[n]);
		}
	}
}
END_TEST

/* A model that looks at each minute: what cron does, but for the gap, of which it makes one run. */
static bool fits(const struct schedule *s, int64_t local)
{
	const int64_t days = local / DAY;
	int month, day;
	bool by_date, by_weekday;

	(void)zone_date_of(days, &month, &day);
	by_date = s->days >> day & 1;
	by_weekday = s->weekdays >> (days + 4) % 7 & 1;
	return s->minutes >> local / 60 % 60 & 1 && s->hours >> local / 3600 % 24 & 1 &&
	       s->months >> month & 1 &&
	       (s->any_day ? by_date && by_weekday : by_date || by_weekday);
}

static bool runs_at(const struct schedule *s, const struct zone *zone, int64_t at)
{
	struct zone_span span;
	int64_t virtual;

	zone_span(zone, at, &span);
	if (!s->any_time && at == span.begin) {
		for (virtual = at + span.before; virtual < at + span.offset; virtual += 60) {
			if (fits(s, virtual)) {
				return true;
			}
		}
	}
	return fits(s, at + span.offset) &&
	       (s->any_time || at + span.offset >= span.begin + span.before);
}

static void each_minute(const char *text, const struct zone *zone, int64_t from, int64_t end)
{
	const struct schedule s = parsed(text);
	int64_t next = schedule_next(&s, zone, from);

	for (int64_t at = from + 60; at < end; at += 60) {
		if (runs_at(&s, zone, at) != (at == next)) { /* assertions take their time */
			ck_abort_msg("%s at %s: next is %s", text, format(zone, at),
				     format(zone, next));
		}
		next = at == next ? schedule_next(&s, zone, at) : next;
	}
}

START_TEST(each_minute_around_a_change_is_as_the_model_has_it)
{
	static const char *const zones[] = {"UTC", "Europe/Berlin", "Australia/Lord_Howe",
					    "America/St_Johns", "Africa/Casablanca"};
	static const char *const schedules[] = {
		"30 2 * * *",	"0,15,30,45 1-3 * * *", "* 2 * * *",	"7 */2 29 * sun",
		"0 0 1,29 * *", "45 1 * apr,oct sun",	"*/17 * * * *",
	};
	const int64_t end = moment("2029-01-01 00:00");

	for (size_t z = 0; z < ARRAY_SIZE(zones); z++) {
		auto_place p = in(zones[z]);
		int64_t at = moment("2025-12-31 00:00");

		while (at < end) {
			struct zone_span span;

			for (size_t i = z % suite_stride(3); i < ARRAY_SIZE(schedules);
			     i += suite_stride(3)) {
				each_minute(schedules[i], &p.zone, at, at + 3 * DAY);
			}
			zone_span(&p.zone, at + 3 * DAY, &span);
			at = span.end == ZONE_END ? end : span.end - DAY - DAY / 2;
		}
	}
}
END_TEST

START_TEST(what_lies_between_is_counted_up_to_a_limit)
{
	static const struct zone utc = {0};
	const struct schedule s = parsed("0 * * * *"), never = parsed("@reboot");
	const int64_t from = moment("2026-01-01 00:00");
	int64_t last = 0;

	ck_assert_uint_eq(schedule_count(&s, &utc, from, from + 3599, 100, &last), 0);
	ck_assert_int_eq(last, 0);
	ck_assert_uint_eq(schedule_count(&s, &utc, from, from + 3600, 100, &last), 1);
	ck_assert_int_eq(last, from + 3600);
	ck_assert_uint_eq(schedule_count(&s, &utc, from, from + DAY, 100, &last), 24);
	ck_assert_uint_eq(schedule_count(&s, &utc, from, from + 10 * DAY, 100, &last), 100);
	ck_assert_int_eq(last, from + 100 * 3600);
	ck_assert_uint_eq(schedule_count(&never, &utc, from, from + DAY, 100, &last), 0);
	ck_assert_int_eq(schedule_next(&never, &utc, from), SCHEDULE_NEVER);
}
END_TEST

/* ---- zones */

START_TEST(days_and_dates_are_each_others_reverse)
{
	int month, day;

	ck_assert_int_eq(zone_days(1970, 1, 1), 0);
	ck_assert_int_eq(zone_days(2000, 2, 29), 11016);
	ck_assert_int_eq(zone_days(1, 1, 1), -719162);
	ck_assert_int_eq(zone_month_days(2100, 2), 28);
	ck_assert_int_eq(zone_month_days(2000, 2), 29);
	for (int64_t d = -800000; d < 400000; d++) {
		const int64_t year = zone_date_of(d, &month, &day);

		if (zone_days(year, month, day) != d) {
			ck_abort_msg("%d-%d-%d", (int)year, month, day);
		}
	}
}
END_TEST

/* All that a file may lack or lie about. */
START_TEST(a_damaged_file_is_refused_wherever_it_is_cut)
{
	auto_place p = in("Europe/Berlin");
	struct diag diag = {0};
	struct zone zone;

	for (size_t len = 0; len < p.len; len++) {
		char *cut = malloc(len ? len : 1);

		memcpy(cut, p.bytes, len);
		if (zone_read(cut, len, &diag, &zone) != -EINVAL) {
			ck_abort_msg("the first %zu bytes are taken for a zone", len);
		}
		free(cut);
	}
	for (size_t at = 0; at < p.len; at++) { /* whatever it says then, nothing is read beyond */
		struct zone_span span;
		const char was = p.bytes[at];

		p.bytes[at] = (char)(was ^ 0xff);
		if (zone_read(p.bytes, p.len, &diag, &zone) == 0) {
			zone_span(&zone, moment("2026-03-29 01:00"), &span);
			zone_span(&zone, moment("2200-03-29 01:00"), &span);
			zone_span(&zone, moment("1800-03-29 01:00"), &span);
		}
		p.bytes[at] = was;
	}
}
END_TEST

START_TEST(spans_meet_and_go_on_for_ever)
{
	static const char *const zones[] = {"UTC", "Europe/Berlin", "Australia/Lord_Howe",
					    "Europe/Dublin", "Asia/Kathmandu"};

	for (size_t z = 0; z < ARRAY_SIZE(zones); z++) {
		auto_place p = in(zones[z]);
		struct zone_span span, next;
		int n = 0;

		for (zone_span(&p.zone, moment("1850-01-01 00:00"), &span);
		     span.end != ZONE_END && n < 1000; span = next, n++) {
			zone_span(&p.zone, span.end - 1, &next);
			ck_assert_int_eq(next.begin, span.begin);
			zone_span(&p.zone, span.end, &next);
			ck_assert_int_eq(next.begin, span.end);
			ck_assert_int_eq(next.before, span.offset);
		}
		ck_assert_int_eq(n == 1000, z > 0 && z < 4);
	}
}
END_TEST

SUITE("schedule", fields_are_read_as_crontab_has_them,
      what_is_none_is_told_with_what_would_be_right, the_next_time_is_the_one_of_the_calendar,
      each_minute_around_a_change_is_as_the_model_has_it,
      what_lies_between_is_counted_up_to_a_limit, days_and_dates_are_each_others_reverse,
      a_damaged_file_is_refused_wherever_it_is_cut, spans_meet_and_go_on_for_ever);
