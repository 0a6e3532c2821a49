#include "values.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <slotd/cleanup.h>
#include <slotd/level.h>
#include <string.h>
#include <strings.h>

static const char *skip_blanks(const char *text)
{
	while (isspace((unsigned char)*text)) {
		text++;
	}
	return text;
}

bool value_is_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	text = skip_blanks(text);
	return strncasecmp(text, word, len) == 0 && !*skip_blanks(text + len);
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (value_is_word(text, *words)) {
			return true;
		}
	}
	return false;
}

int value_bool(const char *text, bool *ret, struct diag *diag)
{
	static const char *const yes[] = {"true", "yes", "on", "1", NULL};
	static const char *const no[] = {"false", "no", "off", "0", NULL};

	if (is_one_of(text, yes)) {
		*ret = true;
	} else if (is_one_of(text, no)) {
		*ret = false;
	} else {
		return diag_set(diag, -EINVAL,
				"not a valid boolean value: '%.200s'; use true or false", text);
	}
	return 0;
}

/* Digits of base with single underscores between them, as Python's int() takes them. */
static int digits(const char *text, size_t len, int base, long *ret)
{
	bool negative = len && text[0] == '-', digit_before = false;
	size_t i = len && (text[0] == '-' || text[0] == '+');
	long n = 0;

	if (base == 8 && len >= i + 2 && text[i] == '0' && tolower(text[i + 1]) == 'o') {
		i += 2;
	}
	for (; i < len; i++) {
		if (text[i] == '_' && digit_before) {
			digit_before = false;
			continue;
		}
		if (text[i] < '0' || text[i] >= '0' + base) {
			return -EINVAL;
		}
		if (__builtin_mul_overflow(n, (long)base, &n) ||
		    __builtin_add_overflow(n, text[i] - '0', &n)) {
			return -ERANGE;
		}
		digit_before = true;
	}
	if (!digit_before) {
		return -EINVAL;
	}
	*ret = negative ? -n : n;
	return 0;
}

static size_t trimmed_len(const char *text)
{
	size_t len = strlen(text);

	while (len && isspace((unsigned char)text[len - 1])) {
		len--;
	}
	return len;
}

int value_integer(const char *text, long *ret, struct diag *diag)
{
	const char *start = skip_blanks(text);
	int r = digits(start, trimmed_len(start), 10, ret);

	if (r == -ERANGE) {
		return diag_set(diag, -EINVAL, "%.200s is too big a number", text);
	}
	if (r < 0) {
		return diag_set(
			diag, r,
			"invalid literal for int() with base 10: '%.200s'; give a whole number",
			text);
	}
	return 0;
}

/* The first n of the suffixes: Supervisor has those with two letters. */
static int size_of(const char *text, size_t n_suffixes, uint64_t *ret)
{
	static const struct {
		const char *suffix;
		long unit;
	} units[] = {{"kb", 1L << 10}, {"mb", 1L << 20}, {"gb", 1L << 30},
		     {"k", 1L << 10},  {"m", 1L << 20},	 {"g", 1L << 30}};
	const char *start = skip_blanks(text);
	size_t len = trimmed_len(start);
	long unit = 1, n;

	for (size_t i = 0; i < n_suffixes; i++) {
		const size_t has = strlen(units[i].suffix);

		if (len >= has && strncasecmp(start + len - has, units[i].suffix, has) == 0) {
			unit = units[i].unit;
			len -= has;
			break;
		}
	}
	while (len && isspace((unsigned char)start[len - 1])) {
		len--;
	}
	if (digits(start, len, 10, &n) < 0 || __builtin_mul_overflow(n, unit, &n)) {
		return -EINVAL;
	}
	*ret = n < 0 ? 0 : (uint64_t)n;
	return 0;
}

int value_size(const char *text, uint64_t *ret, struct diag *diag)
{
	const int r = size_of(text, 3, ret);

	return r == 0 ? 0
		      : diag_set(diag, r,
				 "invalid literal for int() with base 10: '%.200s'; give bytes, or "
				 "a number with KB, MB or GB",
				 text);
}

int value_space(const char *text, uint64_t *ret, struct diag *diag)
{
	const int r = size_of(text, 6, ret);

	return r == 0 ? 0
		      : diag_set(diag, r,
				 "'%.200s' is not a size; give bytes, or a number with K, M or G",
				 text);
}

int value_octal(const char *text, mode_t *ret, struct diag *diag)
{
	const char *start = skip_blanks(text);
	long n;

	if (digits(start, trimmed_len(start), 8, &n) < 0 || n < 0 || n > 07777) {
		return diag_set(
			diag, -EINVAL,
			"%.200s can not be converted to an octal type; use something like 0700",
			text);
	}
	*ret = (mode_t)n;
	return 0;
}

int value_seconds(const char *text, usec_t *ret, struct diag *diag)
{
	int r = usec_parse(text, ret);

	if (r == -ERANGE) {
		return diag_set(diag, -EINVAL, "'%.200s' is more than ten thousand years", text);
	}
	if (r < 0) {
		return diag_set(
			diag, r,
			"'%.200s' is not a duration; use seconds, or 250ms, 10s, 5m, 2h, 1d", text);
	}
	return 0;
}

static int signal_by_name(const char *name, size_t len)
{
	if (len > 3 && strncasecmp(name, "SIG", 3) == 0) {
		name += 3;
		len -= 3;
	}
	for (int s = 1; s < NSIG; s++) {
		const char *abbrev = sigabbrev_np(s);

		if (abbrev && strlen(abbrev) == len && strncasecmp(abbrev, name, len) == 0) {
			return s;
		}
	}
	if (len == 5 && strncasecmp(name, "RTMIN", 5) == 0) {
		return SIGRTMIN;
	}
	if (len == 5 && strncasecmp(name, "RTMAX", 5) == 0) {
		return SIGRTMAX;
	}
	if (len == 3 && strncasecmp(name, "CLD", 3) == 0) {
		return SIGCHLD;
	}
	return -EINVAL;
}

static bool is_signal(long n)
{
	return n > 0 && n < NSIG && (sigabbrev_np((int)n) || n == SIGRTMIN || n == SIGRTMAX);
}

int value_signal(const char *text, int *ret, struct diag *diag)
{
	const char *start = skip_blanks(text);
	size_t len = trimmed_len(start);
	long n;
	int s;

	if (digits(start, len, 10, &n) == 0) {
		if (!is_signal(n)) {
			return diag_set(diag, -EINVAL,
					"value '%.200s' is not a valid signal number", text);
		}
		*ret = (int)n;
		return 0;
	}
	s = signal_by_name(start, len);
	if (s < 0) {
		return diag_set(diag, s,
				"value '%.200s' is not a valid signal name; use one such as TERM, "
				"INT, QUIT or HUP",
				text);
	}
	*ret = s;
	return 0;
}

int value_exitcodes(const char *text, uint32_t ret[8], struct diag *diag)
{
	uint32_t set[8] = {0};
	const char *p = skip_blanks(text);

	while (*p) {
		const char *end = strchrnul(p, ',');
		size_t len = (size_t)(end - p);
		long n;

		while (len && isspace((unsigned char)p[len - 1])) {
			len--;
		}
		if (digits(p, len, 10, &n) < 0 || n < 0 || n > 255 ||
		    (*end && !*skip_blanks(end + 1))) {
			return diag_set(diag, -EINVAL,
					"not a valid list of exit codes: '%.200s'; write numbers "
					"such as 0,2",
					text);
		}
		set[n / 32] |= 1u << n % 32;
		p = skip_blanks(*end ? end + 1 : end);
	}
	memcpy(ret, set, sizeof(set));
	return 0;
}

int value_loglevel(const char *text, int *ret, struct diag *diag)
{
	for (size_t i = 0; i < n_level_words; i++) {
		const struct level_word *word = &level_words[i];

		if (!word->spoken && value_is_word(text, word->name)) {
			*ret = word->priority;
			return 0;
		}
	}
	return diag_set(diag, -EINVAL,
			"bad logging level name '%.200s'; use critical, error, warn, info or debug",
			text);
}

int value_check_name(const char *text, struct diag *diag)
{
	const char *bad = strpbrk(text, " :/");

	if (bad) {
		return diag_set(diag, -EINVAL, "Invalid name: '%.200s' because of character: '%c'",
				text, *bad);
	}
	return 0;
}
