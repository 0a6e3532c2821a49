#include "pace.h"

#include "logger.h"
#include "rest.h"

#include <slotd/cleanup.h>

#include <fcntl.h>
#include <sys/ioctl.h>

enum {
	PIPE_USUAL = 64 * 1024,
	PIPE_WIDE = 512 * 1024,
};

static void on_turn_end(struct loop_idle *idle)
{
	struct pace *p = container_of(idle, struct pace, turn_end);

	p->rest = p->flows ? rest_next(p->rest, p->filled) : 0;
	loop_rest(p->loop, p->rest);
	p->flows_until = usec_add(usec_monotonic(), p->rest + REST_MAX);
	p->flows = false;
	p->filled = 0;
}

void pace_init(struct pace *pace, struct loop *loop)
{
	*pace = (struct pace){.loop = loop};
	loop_idle_init(&pace->turn_end, on_turn_end);
}

void pace_done(struct pace *pace)
{
	if (pace->loop) {
		loop_idle_cancel(pace->loop, &pace->turn_end);
	}
}

void pace_look(struct stream *s)
{
	struct pace *p = &s->lg->pace;
	unsigned filled;
	int held = 0, room;

	loop_idle_queue(p->loop, &p->turn_end);
	/* What had to be waited for is not one of many: it needs no measuring. */
	if (usec_monotonic() > p->flows_until || ioctl(s->pipe, FIONREAD, &held) < 0) {
		return;
	}
	p->flows = true;
	if (!s->room) {
		room = fcntl(s->pipe, F_GETPIPE_SZ);
		s->room = room > 0 ? (unsigned)room : PIPE_USUAL;
	}
	filled = (unsigned)held / (s->room / REST_FULL);
	p->filled = filled > p->filled ? filled : p->filled;
	if (held > 3 * PIPE_USUAL / 8) {
		pace_widen(s); /* fewer turns for both sides */
	}
}

void pace_widen(struct stream *s)
{
	int room = -1;

	if (s->wide) {
		return;
	}
	s->wide = true;
	for (int size = PIPE_WIDE; room < 0 && size > PIPE_USUAL; size /= 2) {
		room = fcntl(s->pipe, F_SETPIPE_SZ, size);
	}
	s->room = room > 0 ? (unsigned)room : s->room;
}
