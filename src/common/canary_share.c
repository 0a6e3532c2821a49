#include <slotd/canary_share.h>

#include <slotd/handoff.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* ---- shares ---- */

static int bad_share(const char *text, struct diag *diag)
{
	return diag_set(diag, -EINVAL, "'%.40s' is not a share; write a percentage such as 10%%",
			text);
}

/* Digits, of which at most two may follow a point. */
int share_parse(const char *text, uint16_t *ret, struct diag *diag)
{
	unsigned share = 0, decimals = 0;
	bool point = false, digit = false;
	const char *at = text;

	for (; isdigit((unsigned char)*at) || (*at == '.' && !point); at++) {
		if (*at == '.') {
			point = true;
			continue;
		}
		digit = true;
		decimals += point;
		share = share * 10 + (unsigned)(*at - '0');
		if (decimals > 2 || share > PLACEMENT_WHOLE) {
			return bad_share(text, diag);
		}
	}
	for (; decimals < 2; decimals++) {
		share *= 10;
	}
	at += *at == '%';
	if (!digit || *at || share > PLACEMENT_WHOLE) {
		return bad_share(text, diag);
	}
	*ret = (uint16_t)share;
	return 0;
}

const char *share_format(uint16_t share, char buf[SHARE_TEXT_MAX])
{
	(void)snprintf(buf, SHARE_TEXT_MAX, "%g%%", (double)share / 100);
	return buf;
}

/* ---- steps ---- */

/* "5%:60s" */
static int parse_step(char *text, struct canary_step *ret, struct diag *diag)
{
	char *colon = strchr(text, ':');
	int r;

	if (!colon) {
		return diag_set(diag, -EINVAL,
				"'%.60s' is not a step; write SHARE:DURATION, such as 5%%:60s",
				text);
	}
	*colon = '\0';
	r = share_parse(text, &ret->weight, diag);
	if (r < 0) {
		return r;
	}
	if (ret->weight == 0) {
		return diag_set(diag, -EINVAL, "a step with a share of 0 is none");
	}
	if (usec_parse(colon + 1, &ret->time) < 0 || ret->time == 0) {
		return diag_set(diag, -EINVAL, "'%.60s' is not a duration; use 60s, 5m, 2h",
				colon + 1);
	}
	return 0;
}

int canary_steps_parse(const char *text, struct canary_step ret[CANARY_STEPS_MAX],
		       struct diag *diag)
{
	static const char blanks[] = " \t\n";
	char step[80];
	int n = 0, r;

	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		const size_t all = strcspn(text, ",");
		size_t len = all;

		while (len && strchr(blanks, text[len - 1])) {
			len--;
		}
		if (n == CANARY_STEPS_MAX) {
			return diag_set(diag, -EINVAL, "there are more than %d steps",
					CANARY_STEPS_MAX);
		}
		(void)snprintf(step, sizeof(step), "%.*s", (int)len, text);
		r = parse_step(step, &ret[n], diag);
		if (r < 0) {
			return r;
		}
		n++;
		text += all + (text[all] == ',');
	}
	return n;
}

/* ---- cookies ---- */

bool cookie_name_ok(const char *name)
{
	const size_t len = strlen(name);

	if (len == 0 || len > COOKIE_NAME_MAX) {
		return false;
	}
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("!#$%&'*+-.^_`|~", *name)) {
			return false;
		}
	}
	return true;
}
