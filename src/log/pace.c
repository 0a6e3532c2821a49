#include "pace.h"

#include "logger.h"
#include "rest.h"

#include <slotd/cleanup.h>

#include <fcntl.h>
#include <sys/ioctl.h>

enum {
	PIPE_USUAL = 64 * 1024,
	PIPE_WIDE = 512 * 1024,
	FLOW_BYTES = 4096, /* more than these at each of */
	FLOW_LOOKS = 4,	   /* so many looks: it flows */
};

static void on_turn_end(struct loop_idle *idle)
{
	struct pace *p = container_of(idle, struct pace, turn_end);

	p->rest = p->flows && !pace_over(p) ? rest_next(p->rest, p->filled) : 0;
	loop_rest(p->loop, p->rest);
	p->flows_until = usec_add(usec_monotonic(), p->rest + REST_MAX);
	p->flows = false;
	p->filled = 0;
	p->began = 0;
}

void pace_begin(struct pace *pace)
{
	pace->began = pace->began ? pace->began : usec_monotonic();
	loop_idle_queue(pace->loop, &pace->turn_end);
}

bool pace_over(const struct pace *pace)
{
	return pace->began && usec_monotonic() >= usec_add(pace->began, PACE_TURN_MAX);
}

/* ---- streams that flow */

static void enter(struct stream *s)
{
	struct pace *p = &s->lg->pace;

	s->flows = true;
	s->behind = NULL;
	s->before = p->last;
	*(p->last ? &p->last->behind : &p->first) = s;
	p->last = s;
	p->n_flowing++;
	loop_idle_again(p->loop, &p->look);
}

void pace_leave(struct stream *s)
{
	struct pace *p = &s->lg->pace;

	if (s->flows) {
		*(s->before ? &s->before->behind : &p->first) = s->behind;
		*(s->behind ? &s->behind->before : &p->last) = s->before;
		p->n_flowing--;
		s->flows = false;
	}
}

static int held_by(const struct stream *s)
{
	int held = 0;

	return ioctl(s->pipe, FIONREAD, &held) < 0 ? 0 : held;
}

static void measure(struct stream *s, int held)
{
	struct pace *p = &s->lg->pace;
	unsigned filled;
	int room;

	p->flows = true;
	s->looks = held < FLOW_BYTES ? 0 : s->looks + 1;
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

/* Its end, too, is told by the loop. */
static void look_at(struct stream *s)
{
	struct pace *p = &s->lg->pace;
	int held = held_by(s);

	pace_leave(s);
	if (held == 0) {
		s->looks = 0;
		loop_io_set(p->loop, &s->io, s->pipe, LOOP_PIPE);
		return;
	}
	enter(s); /* at the end */
	measure(s, held);
	p->take(s);
}

static void on_look(struct loop_idle *idle)
{
	struct pace *p = container_of(idle, struct pace, look);

	p->began = 0; /* time of their own, or many that trickle could take all of it */
	pace_begin(p);
	for (unsigned n = p->n_flowing; n && p->first && !pace_over(p); n--) {
		look_at(p->first);
	}
	if (p->first) {
		loop_idle_again(p->loop, &p->look);
	}
}

/* ---- what the loop tells */

static void take_apart(struct stream *s)
{
	loop_io_leave(s->lg->loop, &s->io);
	enter(s);
}

void pace_take(struct stream *s)
{
	struct pace *p = &s->lg->pace;
	bool paused;

	pace_begin(p);
	if (pace_over(p)) {
		take_apart(s);
		return;
	}
	/* What had to be waited for is not one of many: it needs no measuring. */
	paused = usec_monotonic() > p->flows_until;
	if (paused) {
		s->looks = 0;
	} else {
		measure(s, held_by(s));
	}
	if (s->looks >= FLOW_LOOKS) {
		take_apart(s);
	}
	p->take(s);
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

void pace_init(struct pace *pace, struct loop *loop, void (*take)(struct stream *))
{
	*pace = (struct pace){.loop = loop, .take = take};
	loop_idle_init(&pace->turn_end, on_turn_end);
	loop_idle_init(&pace->look, on_look);
}

void pace_done(struct pace *pace)
{
	if (pace->loop) {
		loop_idle_cancel(pace->loop, &pace->turn_end);
		loop_idle_cancel(pace->loop, &pace->look);
	}
}
