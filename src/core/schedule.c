#include <slotd/cleanup.h>
#include <slotd/schedule.h>

#include <errno.h>
#include <string.h>
#include <strings.h>

enum {
	MINUTE = 60,
	DAY = 24 * 60 * 60,
	CHANGE_MAX = 3 * 60 * 60, /* a greater one is a correction: the new time simply holds */
	CYCLE = 400,		  /* years after which the calendar repeats, weekdays and all */
};

/* ---- reading ---- */

struct field {
	const char *name;
	int min, max;
	const char *const *words; /* of min, min + 1, ... */
};

static const char *const month_words[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
					  "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_words[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

enum {
	FIELD_MINUTE,
	FIELD_HOUR,
	FIELD_DAY,
	FIELD_MONTH,
	FIELD_WEEKDAY,
	FIELDS,
};

static const struct field fields[FIELDS] = {
	[FIELD_MINUTE] = {"minute", 0, 59, NULL},
	[FIELD_HOUR] = {"hour", 0, 23, NULL},
	[FIELD_DAY] = {"day of the month", 1, 31, NULL},
	[FIELD_MONTH] = {"month", 1, 12, month_words},
	[FIELD_WEEKDAY] = {"day of the week", 0, 7, weekday_words},
};

static const struct {
	const char *word, *fields;
} nicknames[] = {
	{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},   {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A number of at most four digits. */
static bool take_number(const char **p, int *ret)
{
	int n = 0, digits = 0;

	for (; is_digit(**p) && digits < 4; (*p)++, digits++) {
		n = n * 10 + (**p - '0');
	}
	*ret = n;
	return digits > 0 && !is_digit(**p);
}

static bool take_value(const struct field *f, const char **p, int *ret)
{
	for (int i = 0; f->words && f->words[i]; i++) {
		if (strncasecmp(*p, f->words[i], 3) == 0) {
			*p += 3;
			*ret = f->min + i;
			return true;
		}
	}
	return take_number(p, ret) && *ret >= f->min && *ret <= f->max;
}

/* "*", "5", "1-5", each but the second with a step: "1-5/2". False: it is none. */
static bool take_range(const struct field *f, const char **p, uint64_t *bits)
{
	int low = f->min, high = f->max, step = 1;
	bool range = true;

	if (**p == '*') {
		(*p)++;
	} else {
		if (!take_value(f, p, &low)) {
			return false;
		}
		high = low;
		range = **p == '-';
		if (range) {
			(*p)++;
			if (!take_value(f, p, &high)) {
				return false;
			}
			/* a week may end on Sunday by its name */
			high = f == &fields[FIELD_WEEKDAY] && high == 0 && low > 0 ? 7 : high;
		}
	}
	if (range && **p == '/') {
		(*p)++;
		if (!take_number(p, &step) || step < 1 || step > f->max) {
			return false;
		}
	}
	for (int i = low; i <= high; i += step) {
		*bits |= UINT64_C(1) << i;
	}
	return low <= high;
}

static int parse_field(const struct field *f, const char *text, size_t len, struct diag *diag,
		       uint64_t *ret)
{
	const char *p = text, *slash;
	bool good;

	*ret = 0;
	do {
		good = take_range(f, &p, ret);
	} while (good && *p == ',' && p++);
	if (good && p == text + len) {
		return 0;
	}
	slash = memchr(text, '/', len);
	if (slash && is_digit(text[0]) && !memchr(text, '-', len)) {
		return diag_set(diag, -EINVAL,
				"'%.*s' is not a %s: a step needs a range; write %.*s-%d%.*s",
				(int)len, text, f->name, (int)(slash - text), text, f->max,
				(int)(text + len - slash), slash);
	}
	return diag_set(diag, -EINVAL,
			"'%.*s' is not a %s; write a value from %d to %d%s, a range like %d-%d, a "
			"step like */2, or a list of these with commas",
			(int)(len < 60 ? len : 60), text, f->name, f->min, f->max,
			f->words ? " or a name of three letters" : "", f->min + 1, f->min + 4);
}

static int parse_fields(const char *text, struct diag *diag, struct schedule *ret)
{
	uint64_t bits[FIELDS] = {0};
	bool star[FIELDS] = {false};
	const char *p = text + strspn(text, " \t\n");

	for (int i = 0; i < FIELDS; i++) {
		size_t len = strcspn(p, " \t\n");
		int r;

		if (!len) {
			return diag_set(
				diag, -EINVAL,
				"'%.60s' has %d of the five fields minute, hour, day of "
				"the month, month and day of the week; write 30 4 * * * for "
				"4:30 each day",
				text, i);
		}
		r = parse_field(&fields[i], p, len, diag, &bits[i]);
		if (r < 0) {
			return r;
		}
		star[i] = *p == '*';
		p += len;
		p += strspn(p, " \t\n");
	}
	if (*p) {
		return diag_set(diag, -EINVAL,
				"'%.60s' has more than five fields; there are neither seconds, "
				"nor a user, nor a command: user= and command= say that",
				text);
	}
	*ret = (struct schedule){
		.minutes = bits[FIELD_MINUTE],
		.hours = (uint32_t)bits[FIELD_HOUR],
		.days = (uint32_t)bits[FIELD_DAY],
		.months = (uint32_t)bits[FIELD_MONTH],
		/* 7 is Sunday, too */
		.weekdays = (uint32_t)((bits[FIELD_WEEKDAY] | bits[FIELD_WEEKDAY] >> 7) & 0x7f),
		.any_time = star[FIELD_MINUTE] || star[FIELD_HOUR],
		.any_day = star[FIELD_DAY] || star[FIELD_WEEKDAY],
	};
	return 0;
}

static int parse_word(const char *text, struct diag *diag, struct schedule *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(nicknames); i++) {
		if (strcasecmp(text, nicknames[i].word) == 0) {
			return parse_fields(nicknames[i].fields, diag, ret);
		}
	}
	if (strcasecmp(text, "@reboot") == 0) {
		*ret = (struct schedule){.at_start = true};
		return 0;
	}
	return diag_set(diag, -EINVAL,
			"there is no '%.60s'; write @hourly, @daily, @weekly, @monthly, @yearly, "
			"@reboot or five fields like 30 4 * * *",
			text);
}

int schedule_parse(const char *text, struct diag *diag, struct schedule *ret)
{
	static const struct zone utc = {0};
	struct schedule s = {0};
	int r = text[0] == '@' ? parse_word(text, diag, &s) : parse_fields(text, diag, &s);

	if (r < 0) {
		return r;
	}
	if (!s.at_start && schedule_next(&s, &utc, 0) == SCHEDULE_NEVER) {
		return diag_set(diag, -EINVAL,
				"'%.60s' never comes: none of its months has such a day", text);
	}
	*ret = s;
	return 0;
}

/* ---- the calendar, in local time: seconds as if there were no other ---- */

static int64_t floor_to(int64_t n, int64_t unit)
{
	return n - (n % unit + unit) % unit;
}

static int weekday_of(int64_t days)
{
	return (int)(((days + 4) % 7 + 7) % 7);
}

/* crontab(5): where both are restricted, one of them is enough. */
static bool day_fits(const struct schedule *s, int64_t days, int day)
{
	const bool by_date = s->days >> day & 1, by_weekday = s->weekdays >> weekday_of(days) & 1;

	return s->any_day ? by_date && by_weekday : by_date || by_weekday;
}

/* The first day from that one on; up to the end, which is not looked at. */
static int64_t next_day(const struct schedule *s, int64_t days, int64_t end)
{
	while (days < end) {
		int month, day;
		const int64_t year = zone_date_of(days, &month, &day);
		const int last = zone_month_days(year, month);

		if (!(s->months >> month & 1)) {
			days += last - day + 1;
			continue;
		}
		for (; day <= last && days < end; day++, days++) {
			if (day_fits(s, days, day)) {
				return days;
			}
		}
	}
	return end;
}

/* The first minute of the day from that one on; -1: none. */
static int next_minute(const struct schedule *s, int from)
{
	for (int hour = from / 60; hour < 24; hour++, from = 0) {
		const uint64_t left = s->minutes >> from % 60 << from % 60;

		if (s->hours >> hour & 1 && left) {
			return hour * 60 + __builtin_ctzll(left);
		}
	}
	return -1;
}

/* The first time from that one on and before end; else end. */
static int64_t next_local(const struct schedule *s, int64_t from, int64_t end)
{
	int64_t at = floor_to(from + MINUTE - 1, MINUTE);
	int64_t days = floor_to(at, DAY) / DAY;
	const int64_t last = floor_to(end, DAY) / DAY + 1;
	int minute = (int)(at - days * DAY) / MINUTE;

	for (; days < last; days++, minute = 0) {
		const int64_t fits = next_day(s, days, last);

		minute = next_minute(s, fits == days ? minute : 0);
		days = fits;
		if (days < last && minute >= 0) {
			at = days * DAY + minute * MINUTE;
			return at < end ? at : end;
		}
	}
	return end;
}

/* ---- with the zone ---- */

/* Within the span, from that moment on. */
static int64_t next_in(const struct schedule *s, const struct zone_span *span, int64_t from,
		       int64_t limit)
{
	const int64_t end = (span->end < limit ? span->end : limit) + span->offset;
	const int32_t change = span->begin == ZONE_BEGIN ? 0 : span->offset - span->before;
	int64_t local = from + span->offset, at;

	if (!s->any_time && change > 0 && change <= CHANGE_MAX && from == span->begin) {
		const int64_t gap = span->begin + span->offset;

		if (next_local(s, span->begin + span->before, gap) < gap) {
			return span->begin;
		}
	}
	if (!s->any_time && change < 0 && change >= -CHANGE_MAX &&
	    local < span->begin + span->before) {
		local = span->begin + span->before; /* these came before */
	}
	at = local < end ? next_local(s, local, end) : end;
	return at < end ? at - span->offset : SCHEDULE_NEVER;
}

int64_t schedule_next(const struct schedule *s, const struct zone *zone, int64_t after)
{
	const int64_t limit = after + (int64_t)CYCLE * 366 * DAY;
	int64_t from = after + 1;

	if (s->at_start) {
		return SCHEDULE_NEVER;
	}
	while (from < limit) {
		struct zone_span span;
		int64_t at;

		zone_span(zone, from, &span);
		at = next_in(s, &span, from, limit);
		if (at != SCHEDULE_NEVER || span.end == ZONE_END) {
			return at;
		}
		from = span.end;
	}
	return SCHEDULE_NEVER;
}

unsigned schedule_count(const struct schedule *s, const struct zone *zone, int64_t after,
			int64_t until, unsigned max, int64_t *ret_last)
{
	unsigned n = 0;

	while (n < max) {
		after = schedule_next(s, zone, after);
		if (after > until) {
			break;
		}
		*ret_last = after;
		n++;
	}
	return n;
}
