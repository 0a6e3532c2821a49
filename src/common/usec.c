#include <slotd/usec.h>

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

usec_t usec_add(usec_t a, usec_t b)
{
	return a > USEC_NEVER - b ? USEC_NEVER : a + b;
}

usec_t usec_sub(usec_t a, usec_t b)
{
	if (a == USEC_NEVER) {
		return USEC_NEVER;
	}
	return a > b ? a - b : 0;
}

static usec_t clock_read(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) < 0) {
		return 0; /* only for a clock that does not exist */
	}
	return (usec_t)ts.tv_sec * 1000000 + (usec_t)ts.tv_nsec / 1000;
}

usec_t usec_monotonic(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

usec_t usec_wall(void)
{
	return clock_read(CLOCK_REALTIME);
}

static const struct unit {
	const char *name;
	double usec;
} units[] = {
	{"ms", 1e3},   {"s", 1e6},    {"", 1e6},      {"m", 60e6},
	{"min", 60e6}, {"h", 3600e6}, {"d", 86400e6},
};

/* Only plain decimals: strtod alone would also take "inf", "nan" and "0x10". */
static int parse_number(const char *text, double *ret, const char **ret_end)
{
	char *end;

	if (!isdigit((unsigned char)text[0]) || (text[0] == '0' && tolower(text[1]) == 'x')) {
		return -EINVAL;
	}
	*ret = strtod(text, &end);
	*ret_end = end;
	return isfinite(*ret) ? 0 : -ERANGE;
}

int usec_parse(const char *text, usec_t *ret)
{
	const double limit = 10000.0 * 366 * 86400e6;
	const char *end;
	double n;
	int r;

	while (isspace((unsigned char)*text)) {
		text++;
	}
	r = parse_number(text, &n, &end);
	if (r < 0) {
		return r;
	}
	while (isspace((unsigned char)*end)) {
		end++;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) == 0) {
			n *= units[i].usec;
			if (n > limit) {
				return -ERANGE;
			}
			*ret = (usec_t)(n + 0.5);
			return 0;
		}
	}
	return -EINVAL;
}

/* Each unit ends where its number would be printed as the next one: 10 ms, not 10.0 ms. */
const char *usec_format(usec_t span, char *buf, size_t size)
{
	const usec_t rounded = usec_add(span, MSECONDS(50));
	const unsigned long long s = rounded / SECONDS(1);

	if (span == USEC_NEVER) {
		(void)snprintf(buf, size, "never");
	} else if (span < MSECONDS(10) - 50) {
		(void)snprintf(buf, size, "%.1f ms", (double)span / 1000);
	} else if (span < SECONDS(1) - 500) {
		(void)snprintf(buf, size, "%.0f ms", (double)span / 1000);
	} else if (rounded < SECONDS(10)) {
		(void)snprintf(buf, size, "%.1f s", (double)span / 1000000);
	} else if (s < 60) {
		(void)snprintf(buf, size, "%llu s", s);
	} else if (s < 3600) {
		(void)snprintf(buf, size, "%llum%02llus", s / 60, s % 60);
	} else if (s < 86400) {
		(void)snprintf(buf, size, "%lluh %llum", s / 3600, s / 60 % 60);
	} else {
		(void)snprintf(buf, size, "%llud %lluh", s / 86400, s / 3600 % 24);
	}
	return buf;
}
