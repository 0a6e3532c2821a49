/* Any packet a helper may send: decode it, read every field, dump it, send it on. */
#include <slotd/message.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sum; /* so that no read is optimized away */

static void read_fields(const struct message *m)
{
	size_t len;

	for (int t = TAG_NONE + 1; t < TAG_MAX_; t++) {
		enum message_tag tag = (enum message_tag)t;

		if (!message_has(m, tag)) {
			continue;
		}
		switch (message_tag_type(tag)) {
		case TAG_U64:
			sum += message_u64(m, tag);
			break;
		case TAG_STRING:
			sum += strlen(message_text(m, tag));
			break;
		case TAG_BLOB:
			if (message_bytes(m, tag, &len)) {
				sum += len;
			}
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message m;
	char dump[1024];

	if (size > sizeof(m.buf)) {
		return 0;
	}
	memcpy(m.buf, data, size);
	m.n_fds = 0;
	if (message_decode(&m, size, NULL) == 0) {
		read_fields(&m);
		(void)message_dump(&m, dump, sizeof(dump));
		if (message_seal(&m) < 0) {
			__builtin_trap(); /* what was decoded can be sent on */
		}
	}
	return 0;
}
