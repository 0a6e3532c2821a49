#include "repeat.h"

#include <stdio.h>
#include <string.h>

static bool same(const struct repeat *r, int priority, const char *text, usec_t now)
{
	/* Lines too long to be kept are never taken for repeated. */
	return r->seen && r->priority == priority && strcmp(r->text, text) == 0 &&
	       now < usec_add(r->since, REPEAT_SPAN);
}

bool repeat_pass(struct repeat *r, int priority, const char *text, usec_t now, unsigned *ret_hidden)
{
	*ret_hidden = 0;
	if (same(r, priority, text, now)) {
		r->seen++;
		if (r->seen > REPEAT_SHOWN) {
			r->hidden++;
			return false;
		}
		return true;
	}
	*ret_hidden = repeat_flush(r);
	if (strlen(text) < sizeof(r->text)) {
		(void)snprintf(r->text, sizeof(r->text), "%s", text);
		r->priority = priority;
		r->since = now;
		r->seen = 1;
	}
	return true;
}

usec_t repeat_due(const struct repeat *r)
{
	return r->hidden ? usec_add(r->since, REPEAT_SPAN) : USEC_NEVER;
}

unsigned repeat_flush(struct repeat *r)
{
	unsigned hidden = r->hidden;

	r->seen = r->hidden = 0;
	return hidden;
}
