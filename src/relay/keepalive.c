#include "keepalive.h"

#include <slotd/cleanup.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Who is gone without a word is found after some two minutes. */
enum {
	KEEPALIVE_IDLE = 60,
	KEEPALIVE_INTERVAL = 10,
	KEEPALIVE_PROBES = 6,
};

void socket_find_the_dead(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
				 sizeof(options[i].value));
	}
}
