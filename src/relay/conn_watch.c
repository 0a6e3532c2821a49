#include "conn_watch.h"

#include "relay.h"

void conn_watch(struct conn *c, enum conn_end end, unsigned events)
{
	loop_io_set(c->service->relay->loop, &c->side[end].io, c->side[end].fd, events);
}

bool conn_is_readable(const struct conn *c, enum conn_end end)
{
	const struct side *own = &c->side[end], *other = &c->side[!end];

	return !own->eof && !other->unsent && !other->broken && !(end == CLIENT && c->crowded);
}

void conn_watch_open(struct conn *c)
{
	for (int i = CLIENT; i <= WORKER; i++) {
		struct side *side = &c->side[i];

		if (side->eof && !side->unsent) { /* epoll would tell of the end for ever */
			loop_io_leave(c->service->relay->loop, &side->io);
			continue;
		}
		conn_watch(c, (enum conn_end)i,
			   (conn_is_readable(c, (enum conn_end)i) ? LOOP_READ : 0u) |
				   (side->unsent ? LOOP_WRITE : 0u));
	}
}
