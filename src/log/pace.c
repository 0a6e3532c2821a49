#include "pace.h"

#include "logger.h"

#include <fcntl.h>

enum {
	PIPE_WIDE = 256 * 1024,
};

void pace_widen(struct stream *s)
{
	if (!s->wide) {
		s->wide = true;
		(void)fcntl(s->pipe, F_SETPIPE_SZ, PIPE_WIDE);
	}
}
