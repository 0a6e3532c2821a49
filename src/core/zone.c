#include <slotd/cleanup.h>
#include <slotd/zone.h>

#include <errno.h>
#include <string.h>

enum {
	HEADER_SIZE = 44,
	TYPE_SIZE = 6,
	DAY = 24 * 60 * 60,
	RULE_MAX = 256,	     /* of the line at the end of a file */
	CHANGES_MAX = 2 * 3, /* of a year and its neighbours */
};

/* ---- the calendar ---- */

/* Years begin in March, so that the day that may be missing is the last. */
int64_t zone_days(int64_t year, int month, int day)
{
	const int64_t y = year - (month <= 2);
	const int64_t era = (y >= 0 ? y : y - 399) / 400;
	const int64_t of_era = y - era * 400;
	const int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int64_t zone_date_of(int64_t days, int *ret_month, int *ret_day)
{
	const int64_t d = days + 719468;
	const int64_t era = (d >= 0 ? d : d - 146096) / 146097;
	const int64_t of_era = d - era * 146097;
	const int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	const int64_t m = (5 * of_year + 2) / 153;

	*ret_day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*ret_month = (int)(m < 10 ? m + 3 : m - 9);
	return y + era * 400 + (*ret_month <= 2);
}

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int zone_month_days(int64_t year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* ---- the rule at the end of the file: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

static bool parse_number(const char **p, int max, int *ret)
{
	int n = 0;

	if (**p < '0' || **p > '9') {
		return false;
	}
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		n = n * 10 + (**p - '0');
		if (n > max) {
			return false;
		}
	}
	*ret = n;
	return true;
}

/* [+-]hh[:mm[:ss]]; RFC 8536 has up to 167 hours for the time of a change. */
static bool parse_time(const char **p, int hours_max, int32_t *ret)
{
	int part[3] = {0};
	const bool negative = **p == '-';

	*p += **p == '-' || **p == '+';
	for (int i = 0; i < 3; i++) {
		if (!parse_number(p, i == 0 ? hours_max : 59, &part[i])) {
			return false;
		}
		if (**p != ':') {
			break;
		}
		*p += i < 2;
	}
	*ret = (part[0] * 60 + part[1]) * 60 + part[2];
	*ret = negative ? -*ret : *ret;
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool skip_name(const char **p)
{
	const char *from = *p;

	if (**p == '<') {
		*p += strcspn(*p, ">");
		if (!**p) {
			return false;
		}
		(*p)++;
	} else {
		while (is_letter(**p)) {
			(*p)++;
		}
	}
	return *p > from;
}

static bool parse_weekday(const char **p, struct zone_date *d)
{
	d->kind = ZONE_DATE_WEEKDAY;
	return parse_number(p, 12, &d->month) && d->month > 0 && *(*p)++ == '.' &&
	       parse_number(p, 5, &d->week) && d->week > 0 && *(*p)++ == '.' &&
	       parse_number(p, 6, &d->day);
}

/* ",M3.5.0/2" */
static bool parse_date(const char **p, struct zone_date *d)
{
	bool ok;

	if (**p != ',') {
		return false;
	}
	(*p)++;
	*d = (struct zone_date){.time = 2 * 60 * 60};
	if (**p == 'M') {
		(*p)++;
		ok = parse_weekday(p, d);
	} else {
		d->kind = **p == 'J' ? ZONE_DATE_JULIAN : ZONE_DATE_DAY;
		*p += **p == 'J';
		ok = parse_number(p, 365, &d->day) && (d->kind == ZONE_DATE_DAY || d->day > 0);
	}
	if (ok && **p == '/') {
		(*p)++;
		ok = parse_time(p, 167, &d->time);
	}
	return ok;
}

static bool parse_rule(const char *text, struct zone_rule *ret)
{
	struct zone_rule rule = {0};
	const char *p = text;

	if (!skip_name(&p) || !parse_time(&p, 24, &rule.offset)) {
		return false;
	}
	rule.offset = -rule.offset; /* POSIX counts west of Greenwich */
	if (*p) {
		rule.changes = true;
		rule.summer = rule.offset + 60 * 60;
		if (!skip_name(&p)) {
			return false;
		}
		if (*p != ',') {
			if (!parse_time(&p, 24, &rule.summer)) {
				return false;
			}
			rule.summer = -rule.summer;
		}
		if (!parse_date(&p, &rule.begin) || !parse_date(&p, &rule.end) || *p) {
			return false;
		}
	}
	*ret = rule;
	return true;
}

/* ---- the file ---- */

static uint32_t get32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t get64(const unsigned char *p)
{
	return (int64_t)((uint64_t)get32(p) << 32 | get32(p + 4));
}

struct header {
	uint32_t isut, isstd, leaps, times, types, chars;
};

static bool read_header(const unsigned char *p, size_t left, struct header *ret)
{
	if (left < HEADER_SIZE || memcmp(p, "TZif", 4) != 0 || p[4] < '2') {
		return false;
	}
	*ret = (struct header){get32(p + 20), get32(p + 24), get32(p + 28),
			       get32(p + 32), get32(p + 36), get32(p + 40)};
	return true;
}

/* Of the data behind a header. Counts are 32 bits wide, so nothing overflows. */
static uint64_t data_size(const struct header *h, unsigned time_size)
{
	return (uint64_t)h->times * (time_size + 1) + (uint64_t)h->types * TYPE_SIZE + h->chars +
	       (uint64_t)h->leaps * (time_size + 4) + h->isstd + h->isut;
}

/* "\nRULE\n" up to the end; an empty one leaves what the last change says. */
static bool read_footer(const unsigned char *p, size_t left, struct zone *z)
{
	const unsigned char *end = left ? memchr(p + 1, '\n', left - 1) : NULL;
	char text[RULE_MAX];
	size_t len = end ? (size_t)(end - p) - 1 : 0;

	if (!end || p[0] != '\n' || len >= sizeof(text) || memchr(p + 1, '\0', len)) {
		return false;
	}
	memcpy(text, p + 1, len);
	text[len] = '\0';
	if (len) {
		return parse_rule(text, &z->rule);
	}
	z->rule.offset = (int32_t)get32(
		z->types +
		(z->n_times ? TYPE_SIZE * z->times[8 * z->n_times + z->n_times - 1] : 0));
	return true;
}

/* In order, and no type that does not exist. */
static bool is_sane(const struct zone *z)
{
	for (unsigned i = 0; i < z->n_times; i++) {
		if (z->times[8 * z->n_times + i] >= z->n_types ||
		    (i && get64(z->times + 8 * i) <= get64(z->times + 8 * (i - 1)))) {
			return false;
		}
	}
	for (unsigned i = 0; i < z->n_types; i++) {
		const int32_t offset = (int32_t)get32(z->types + TYPE_SIZE * i);

		if (offset < -26 * 60 * 60 || offset > 26 * 60 * 60) {
			return false;
		}
	}
	return true;
}

int zone_read(const void *data, size_t len, struct diag *diag, struct zone *ret)
{
	const unsigned char *p = data, *end = p + len;
	struct header h;
	struct zone z = {0};

	if (!read_header(p, len, &h) || data_size(&h, 4) > len - HEADER_SIZE) {
		return diag_set(diag, -EINVAL, "is not a time zone file of version 2 or later");
	}
	p += HEADER_SIZE + data_size(&h, 4);
	if (!read_header(p, (size_t)(end - p), &h) ||
	    data_size(&h, 8) > (size_t)(end - p) - HEADER_SIZE || !h.types) {
		return diag_set(diag, -EINVAL, "is a damaged time zone file");
	}
	if (h.leaps) {
		return diag_set(diag, -EINVAL, "counts leap seconds, which slotd's clock does not");
	}
	p += HEADER_SIZE;
	z.times = p;
	z.types = p + (uint64_t)h.times * 9;
	z.n_times = h.times;
	z.n_types = h.types;
	p += data_size(&h, 8);
	if (!is_sane(&z) || !read_footer(p, (size_t)(end - p), &z)) {
		return diag_set(diag, -EINVAL, "is a damaged time zone file");
	}
	*ret = z;
	return 0;
}

/* ---- spans ---- */

static int64_t listed_time(const struct zone *z, unsigned i)
{
	return get64(z->times + 8 * i);
}

/* What held before any change is the first type. */
static int32_t listed_offset(const struct zone *z, unsigned i)
{
	return (int32_t)get32(z->types + (size_t)TYPE_SIZE * z->times[8 * z->n_times + i]);
}

static int32_t offset_before(const struct zone *z, unsigned i)
{
	return i ? listed_offset(z, i - 1) : (int32_t)get32(z->types);
}

/* Seconds from 1970-01-01 00:00 to the date, both in the time that holds before it. */
static int64_t date_in(const struct zone_date *d, int64_t year)
{
	int64_t days;

	if (d->kind == ZONE_DATE_WEEKDAY) {
		const int64_t first = zone_days(year, d->month, 1);
		const int weekday = (int)(((first + 4) % 7 + 7) % 7);
		int day = 1 + (d->day - weekday + 7) % 7 + 7 * (d->week - 1);

		while (day > zone_month_days(year, d->month)) {
			day -= 7;
		}
		days = first + day - 1;
	} else if (d->kind == ZONE_DATE_JULIAN) {
		days = zone_days(year, 1, 1) + d->day - 1 + (is_leap(year) && d->day >= 60);
	} else {
		days = zone_days(year, 1, 1) + d->day;
	}
	return days * DAY + d->time;
}

struct change {
	int64_t at;
	int32_t to;
};

static void add_change(struct change *changes, unsigned *n, struct change c)
{
	unsigned i = (*n)++;

	for (; i && changes[i - 1].at > c.at; i--) {
		changes[i] = changes[i - 1];
	}
	changes[i] = c;
}

static int64_t year_at(int64_t at)
{
	int month, day;

	return zone_date_of(at / DAY - (at % DAY < 0), &month, &day);
}

/* Behind the last change that is listed. The moments of a rule are those of three years around. */
static void span_by_rule(const struct zone *z, int64_t at, struct zone_span *ret)
{
	const struct zone_rule *r = &z->rule;
	struct change changes[CHANGES_MAX];
	const int64_t year = year_at(at);
	unsigned n = 0;

	*ret = (struct zone_span){ZONE_BEGIN, ZONE_END, r->offset, r->offset};
	if (!r->changes) {
		return;
	}
	for (int64_t y = year - 1; y <= year + 1; y++) {
		add_change(changes, &n,
			   (struct change){date_in(&r->begin, y) - r->offset, r->summer});
		add_change(changes, &n,
			   (struct change){date_in(&r->end, y) - r->summer, r->offset});
	}
	for (unsigned i = 0; i < n; i++) {
		if (changes[i].at > at) {
			ret->end = changes[i].at;
			break;
		}
		ret->begin = changes[i].at;
		ret->before = i ? changes[i - 1].to
				: (changes[i].to == r->summer ? r->offset : r->summer);
		ret->offset = changes[i].to;
	}
}

/* The number of changes in the list that are not after the moment. */
static unsigned count_until(const struct zone *z, int64_t at)
{
	unsigned low = 0, high = z->n_times;

	while (low < high) {
		const unsigned middle = low + (high - low) / 2;

		if (listed_time(z, middle) <= at) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

void zone_span(const struct zone *z, int64_t at, struct zone_span *ret)
{
	const unsigned n = count_until(z, at);

	if (n == z->n_times) {
		span_by_rule(z, at, ret);
		if (n && ret->begin <= listed_time(z, n - 1)) {
			ret->begin = listed_time(z, n - 1);
			ret->before = offset_before(z, n - 1);
		}
		return;
	}
	ret->end = listed_time(z, n);
	ret->begin = n ? listed_time(z, n - 1) : ZONE_BEGIN;
	ret->offset = n ? listed_offset(z, n - 1) : offset_before(z, 0);
	ret->before = n ? offset_before(z, n - 1) : ret->offset;
}
