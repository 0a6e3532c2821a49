/*
 * What the relay's follower makes of bytes. Lines in: "new"; "c HEX" and "w HEX", what client and
 * worker say; "W", the worker's end. A line out for each of the last three: what is known, and
 * after which of the line's bytes a message of that side ended.
 */
#include "relay/follow.h"

#include <stdio.h>
#include <stdlib.h>

static const char *verdict(const struct follow *f)
{
	if (follow_pinned(f, NULL)) {
		return "pinned";
	}
	if (follow_between(f)) {
		return follow_last(f) ? "last" : "between";
	}
	return "open";
}

/* Messages of this side that are whole, as far as they are still known. */
static bool ended(const struct follow *before, const struct follow *now, enum follow_side who)
{
	if (follow_pinned(now, NULL)) {
		return false;
	}
	if (who == FOLLOW_CLIENT) {
		return !follow_requests_whole(before) && follow_requests_whole(now);
	}
	return follow_open(now) < follow_open(before) ||
	       (follow_answered_early(now) && !follow_answered_early(before));
}

static void hear(struct follow *f, enum follow_side who, const char *hex)
{
	const char *why = "";
	char ends[256] = "";
	size_t at = 0, len = 0;

	for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		const unsigned char c = (unsigned char)byte;
		struct follow before = *f;

		follow_heard(f, who, &c, 1);
		at++;
		if (ended(&before, f, who) && len < sizeof(ends) - 32) {
			len += (size_t)snprintf(ends + len, sizeof(ends) - len, "%s%zu",
						len ? "," : "", at);
		}
	}
	(void)follow_pinned(f, &why);
	printf("%s\t%s\t%s\n", verdict(f), ends, why ? why : "");
}

int main(void)
{
	struct follow f;
	char *line = NULL;
	size_t size = 0;

	follow_start(&f, NULL);
	while (getline(&line, &size, stdin) > 0) {
		switch (line[0]) {
		case 'c':
			hear(&f, FOLLOW_CLIENT, line + 2);
			break;
		case 'w':
			hear(&f, FOLLOW_WORKER, line + 2);
			break;
		case 'W':
			follow_ended(&f, FOLLOW_WORKER);
			printf("%s\t\t\n", verdict(&f));
			break;
		default:
			follow_start(&f, NULL);
			break;
		}
	}
	free(line);
	return ferror(stdin) || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
