#include <slotd/helper.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

int helper_ready(struct channel *ch)
{
	struct message m;

	message_init(&m, MSG_READY, 0);
	message_put_text(&m, TAG_VERSION, SLOTD_VERSION);
	message_put_u64(&m, TAG_PACKS, 1);
	return channel_send(ch, &m);
}

void helper_report(void *data, int priority, const char *text, const struct log_field *fields,
		   unsigned n_fields)
{
	struct message m;

	(void)fields, (void)n_fields; /* slotd knows which helper speaks */
	message_init(&m, MSG_REPORT, 0);
	message_put_i64(&m, TAG_LEVEL, priority);
	message_put_text(&m, TAG_TEXT, text);
	if (channel_send(data, &m) < 0) {
		(void)fprintf(stderr, "%s: %s\n", program_invocation_short_name, text);
	}
}

void helper_refused(struct channel *ch)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
		       "refused a message from slotd, damaged or of another version (%" PRIu64
		       " so far)",
		       ch->bad);
	helper_report(ch, LOG_ERR, text, NULL, 0);
}
