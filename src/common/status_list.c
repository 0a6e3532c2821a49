#include <slotd/status_list.h>

#include <ctype.h>
#include <errno.h>

enum {
	STATUS_MIN = 100,
	STATUS_MAX = 599,
};

static const char *skip_blanks(const char *p)
{
	while (isspace((unsigned char)*p)) {
		p++;
	}
	return p;
}

static int read_status(const char **at, unsigned *ret)
{
	const char *p = skip_blanks(*at);
	unsigned value = 0;

	if (!isdigit((unsigned char)*p)) {
		return -EINVAL;
	}
	for (; isdigit((unsigned char)*p); p++) {
		value = value * 10 + (unsigned)(*p - '0');
		if (value > STATUS_MAX) {
			return -ERANGE;
		}
	}
	if (value < STATUS_MIN) {
		return -ERANGE;
	}
	*ret = value;
	*at = skip_blanks(p);
	return 0;
}

/* One "200" or "200-399" and the comma after it. */
static int read_range(const char **at, unsigned *ret_low, unsigned *ret_high)
{
	int r = read_status(at, ret_low);

	*ret_high = *ret_low;
	if (r == 0 && **at == '-') {
		(*at)++;
		r = read_status(at, ret_high);
	}
	if (r < 0) {
		return r;
	}
	if (*ret_high < *ret_low) {
		return -EINVAL;
	}
	if (**at == ',') {
		(*at)++;
		return **at ? 0 : -EINVAL;
	}
	return **at ? -EINVAL : 0;
}

int status_list_check(const char *text)
{
	unsigned low, high;
	int r;

	do {
		r = read_range(&text, &low, &high);
	} while (r == 0 && *text);
	return r;
}

bool status_list_has(const char *text, unsigned status)
{
	unsigned low, high;

	while (read_range(&text, &low, &high) == 0) {
		if (status >= low && status <= high) {
			return true;
		}
		if (!*text) {
			break;
		}
	}
	return false;
}
