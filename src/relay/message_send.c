#include "message_send.h"

#include "relay.h"

void message_send_done(struct relay *relay, uint32_t id, int code)
{
	static struct message m;

	if (!id) {
		return;
	}
	message_init(&m, MSG_DONE, id);
	message_put_i64(&m, TAG_CODE, code);
	(void)channel_send(&relay->channel, &m); /* slotd is gone: its successor asks again */
}

void message_send_cut(struct relay *relay, uint32_t id, unsigned n)
{
	static struct message m;

	if (!id) {
		return;
	}
	message_init(&m, MSG_DONE, id);
	message_put_i64(&m, TAG_CODE, 0);
	message_put_u64(&m, TAG_COUNT, n);
	(void)channel_send(&relay->channel, &m);
}

void message_send_drained(struct relay_service *s, enum slot_id slot, uint32_t id)
{
	static struct message m;

	message_init(&m, MSG_RELAY_DRAINED, id);
	message_put_u64(&m, TAG_SERVICE_INDEX, s->index);
	message_put_u64(&m, TAG_SLOT, slot);
	(void)channel_send(&s->relay->channel, &m);
}
