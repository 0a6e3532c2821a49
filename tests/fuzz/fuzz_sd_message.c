/*
 * Any datagram to NOTIFY_SOCKET, and what it means for a worker with a watchdog: STATUS= is text
 * that fits and that a terminal may show, and nobody is healthy who has not said READY=1.
 */
#include <slotd/health.h>
#include <slotd/utf8.h>

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool holds)
{
	if (!holds) {
		__builtin_trap();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct health h = {.notifies = true, .watchdog = SECONDS(1)};
	struct sd_message n;
	size_t len;

	sd_message_parse((const char *)data, size, &n);
	len = strnlen(n.status, sizeof(n.status));
	insist(len < sizeof(n.status) && utf8_valid(n.status, len, NULL));
	for (size_t i = 0; i < len; i++) {
		insist((unsigned char)n.status[i] >= ' ' && n.status[i] != 0x7f);
	}
	insist(n.has_status || !len);
	(void)health_told(&h, &n, SECONDS(5));
	insist(h.healthy == (n.ready && !n.stopping));
	insist(!health_is_late(&h, SECONDS(5)) || n.trigger);
	insist(!h.healthy || health_is_late(&h, SECONDS(6)));
	insist(!h.healthy);
	return 0;
}
