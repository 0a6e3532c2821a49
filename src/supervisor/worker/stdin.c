#include "worker/stdin.h"
#include "worker/process.h"
#include "worker/process_row.h"

#include <slotd/cleanup.h>
#include <slotd/os.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	INPUT_MAX = 1 << 20,
};

/* What waits to be written to a worker's stdin. */
struct input {
	struct process *process;
	struct loop_io io;
	char *data;
	size_t len;
};

int process_pipe(const struct process *p, int ret_ends[2])
{
	const struct owner *owner = &p->config->program->user;

	return os_pipe_of(owner->uid, owner->gid, ret_ends);
}

int stdin_open(struct process *p, int *ret_child)
{
	int ends[2], r = process_pipe(p, ends);

	if (r < 0) {
		return r;
	}
	if (fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0) {
		(void)close(ends[0]);
		(void)close(ends[1]);
		return -errno;
	}
	*ret_child = ends[0];
	p->stdin_fd = ends[1];
	return 0;
}

static void input_free(struct process *p)
{
	if (p->input) {
		loop_io_stop(p->sup->loop, &p->input->io);
		free(p->input->data);
		free(p->input);
		p->input = NULL;
	}
}

void stdin_close(struct process *p)
{
	input_free(p);
	cleanup_closep(&p->stdin_fd);
}

static void give_up(struct process *p)
{
	int fd = TAKE_FD(p->stdin_fd);

	input_free(p);
	if (fd >= 0) {
		process_keep(p);
		cleanup_closep(&fd);
	}
}

/* Bytes written (0: the pipe is full), or -errno. */
static ssize_t write_some(int fd, const char *data, size_t len)
{
	ssize_t n = write(fd, data, len);

	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	return n;
}

static void on_writable(struct loop_io *io, unsigned events)
{
	struct input *in = container_of(io, struct input, io);
	struct process *p = in->process;
	ssize_t n = write_some(p->stdin_fd, in->data, in->len);

	(void)events;
	if (n < 0) {
		give_up(p);
		return;
	}
	in->len -= (size_t)n;
	memmove(in->data, in->data + n, in->len);
	if (in->len == 0) {
		input_free(p);
	}
}

static int queue_input(struct process *p, const char *data, size_t len)
{
	struct input *in = p->input;
	char *more;

	if ((in ? in->len : 0) + len > INPUT_MAX) {
		return -ENOBUFS;
	}
	if (!in) {
		in = calloc(1, sizeof(*in));
		if (!in) {
			return -ENOMEM;
		}
		in->process = p;
		loop_io_init(&in->io, on_writable);
		p->input = in;
	}
	more = realloc(in->data, in->len + len);
	if (!more) {
		return -ENOMEM;
	}
	in->data = more;
	memcpy(in->data + in->len, data, len);
	in->len += len;
	loop_io_set(p->sup->loop, &in->io, p->stdin_fd, LOOP_WRITE);
	return 0;
}

int stdin_write(struct process *p, const void *data, size_t len)
{
	ssize_t n = 0;

	if (p->stdin_fd < 0) {
		return -EPIPE;
	}
	if (!p->input) {
		n = write_some(p->stdin_fd, data, len);
		if (n < 0) {
			give_up(p);
			return -EPIPE;
		}
	}
	return (size_t)n < len ? queue_input(p, (const char *)data + n, len - (size_t)n) : 0;
}
