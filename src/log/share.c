#include "share.h"

#include "lines.h"
#include "logger.h"
#include "pace.h"
#include "special.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LOOK_AGAIN MSECONDS(5) /* a line is mostly written by one or two calls */

enum {
	/* For a prompt, a row of dots: no line. Looks and not half a second, in which a machine may
	 * have been too busy for the writer and for us. */
	LOOKS_MAX = 100,
};

static void on_timer(struct loop_timer *t)
{
	struct share *share = container_of(t, struct share, timer);

	share->again(share->data);
}

static void forget(struct share *share)
{
	cleanup_closep(&share->pipe[0]);
	cleanup_closep(&share->pipe[1]);
	free(share->seen);
	share->seen = NULL;
}

static int open_pipe(struct share *share)
{
	if (pipe2(share->pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		share->pipe[0] = share->pipe[1] = -EBADF;
		return -errno;
	}
	(void)fcntl(share->pipe[1], F_SETPIPE_SZ, SHARE_MAX); /* refused: shorter lines */
	return 0;
}

void share_init(struct share *share)
{
	loop_timer_init(&share->timer, on_timer);
	(void)open_pipe(share); /* refused: tried again at the first look */
}

void share_done(struct logger *lg)
{
	loop_timer_stop(lg->loop, &lg->streams.share.timer);
	forget(&lg->streams.share);
}

static int prepare(struct share *share)
{
	if (!share->seen) {
		share->seen = malloc(SHARE_MAX);
	}
	if (!share->seen) {
		return -ENOMEM;
	}
	return share->pipe[0] < 0 ? open_pipe(share) : 0;
}

/* What the pipe holds, without taking it. Bytes in share->seen; 0 or negative: no look possible. */
static ssize_t peek(struct share *share, int pipe)
{
	ssize_t n, got = 0;
	int r = prepare(share);

	if (r < 0) {
		return r;
	}
	n = tee(pipe, share->pipe[1], SHARE_MAX, SPLICE_F_NONBLOCK);
	if (n < 0) {
		return -errno;
	}
	while (got < n) {
		ssize_t k = read(share->pipe[0], share->seen + got, (size_t)(n - got));

		if (k <= 0) {
			forget(share); /* the rest must not be seen next time */
			return -EIO;
		}
		got += k;
	}
	return n;
}

/* Can another look show more than these n bytes? */
static bool can_grow(const struct stream *s, size_t n)
{
	struct pollfd p = {.fd = s->pipe, .events = POLLIN};
	int held = 0;

	if (poll(&p, 1, 0) < 0 || p.revents & POLLHUP || ioctl(s->pipe, FIONREAD, &held) < 0) {
		return false;
	}
	return (size_t)held <= n;
}

/* Is the line worth waiting for? n bytes of it are there. */
static bool may_go_on(struct stream *s, size_t n)
{
	const usec_t now = usec_monotonic();

	if (s->lg->stopped || s->line_broken || !can_grow(s, n)) {
		return false;
	}
	/* Its first and last pages may be filled in part only: full is not seen, nearly full is. */
	if ((int)n + 2 * PIPE_BUF > fcntl(s->pipe, F_GETPIPE_SZ)) {
		pace_widen(s);
	}
	if (!s->line_looks || now >= usec_add(s->line_look, LOOK_AGAIN)) {
		s->line_looks++;
		s->line_look = now;
	}
	return s->line_looks <= LOOKS_MAX;
}

int share_limit(struct stream *s, size_t *ret_max)
{
	struct share *share = &s->lg->streams.share;
	ssize_t n = peek(share, s->pipe);
	size_t end;

	*ret_max = SPECIAL_CHUNK;
	if (n == -EAGAIN) {
		return -ENODATA;
	}
	if (n <= 0) {
		return 0; /* its end, or there is no way to look */
	}
	end = lines_last_end(share->seen, (size_t)n);
	if (!end && may_go_on(s, (size_t)n)) {
		if (share->timer.at == USEC_NEVER) {
			loop_timer_set(s->lg->loop, &share->timer,
				       usec_add(usec_monotonic(), LOOK_AGAIN));
		}
		return -EBUSY;
	}
	s->line_looks = 0;
	s->line_broken = !end;
	*ret_max = end ? end : (size_t)n;
	return 0;
}
