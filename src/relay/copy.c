#include "copy.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

struct parcel {
	size_t at, len;	       /* bytes sent and bytes in all */
	struct pipe_pair pipe; /* size 0: the bytes are in data */
	unsigned char data[];
};

int copier_init(struct copier *c)
{
	void *memory = mmap(NULL, COPY_HEADROOM + COPY_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		return -errno;
	}
	*c = (struct copier){.memory = memory};
	return 0;
}

static void pipe_close(struct copier *c, struct pipe_pair *p)
{
	cleanup_closep(&p->read_fd);
	cleanup_closep(&p->write_fd);
	c->n_pipes--;
}

void copier_done(struct copier *c)
{
	while (c->n_spare) {
		pipe_close(c, &c->spare[--c->n_spare]);
	}
	if (c->memory) {
		(void)munmap(c->memory, COPY_HEADROOM + COPY_SIZE);
		c->memory = NULL;
	}
}

/* ---- pipes */

/* False when there is none to be had: copying does as well. */
static bool pipe_take(struct copier *c, struct pipe_pair *ret)
{
	int fds[2], size;

	if (c->n_spare) {
		*ret = c->spare[--c->n_spare];
		return true;
	}
	if (c->n_pipes == COPY_PIPES_MAX || pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		return false;
	}
	/* Refused beyond fs.pipe-user-pages-soft, where a new pipe has a page or two. */
	(void)fcntl(fds[1], F_SETPIPE_SZ, COPY_PIPE_SIZE);
	size = fcntl(fds[1], F_GETPIPE_SZ);
	c->n_pipes++;
	*ret = (struct pipe_pair){fds[0], fds[1], size > 0 ? (size_t)size : 4096};
	if (ret->size < COPY_BULK_READ) {
		pipe_close(c, ret);
		return false;
	}
	return true;
}

/* Takes an empty pipe back. */
static void pipe_return(struct copier *c, struct pipe_pair *p)
{
	if (c->n_spare < COPY_PIPES_SPARE) {
		c->spare[c->n_spare++] = *p;
	} else {
		pipe_close(c, p);
	}
}

/* ---- parcels */

int parcel_keep(struct side *to, const void *data, size_t len)
{
	struct parcel *p = malloc(sizeof(*p) + len);

	if (!p) {
		return -ENOMEM;
	}
	*p = (struct parcel){.len = len};
	memcpy(p->data, data, len);
	to->unsent = p;
	return 0;
}

static int parcel_keep_pipe(struct side *to, const struct pipe_pair *pipe, size_t len)
{
	struct parcel *p = malloc(sizeof(*p));

	if (!p) {
		return -ENOMEM;
	}
	*p = (struct parcel){.len = len, .pipe = *pipe};
	to->unsent = p;
	return 0;
}

const unsigned char *parcel_data(const struct side *to, size_t *ret_len)
{
	*ret_len = to->unsent ? to->unsent->len - to->unsent->at : 0;
	return to->unsent ? to->unsent->data + to->unsent->at : NULL;
}

void parcel_drop(struct copier *c, struct side *to)
{
	if (to->unsent && to->unsent->pipe.size) {
		if (to->unsent->at == to->unsent->len) {
			pipe_return(c, &to->unsent->pipe);
		} else {
			pipe_close(c, &to->unsent->pipe);
		}
	}
	free(to->unsent);
	to->unsent = NULL;
}

void parcel_advance(struct copier *c, struct side *to, size_t n)
{
	to->unsent->at += n;
	if (to->unsent->at == to->unsent->len) {
		parcel_drop(c, to);
	}
}

/* ---- one step of each way */

static bool would_block(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOBUFS || error == ENOMEM;
}

/* Bytes sent, at most len, less when the peer takes no more; -errno. */
static ssize_t send_some(int fd, const unsigned char *data, size_t len, int flags)
{
	ssize_t n = send(fd, data, len, MSG_NOSIGNAL | flags);

	return n >= 0 ? n : would_block(errno) ? 0 : -errno;
}

/* As send_some, out of a pipe: in steps, for a splice moves what fits one go. */
static ssize_t splice_out(const struct pipe_pair *pipe, int fd, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = splice(pipe->read_fd, NULL, fd, NULL, len - done,
				   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (n < 0 && errno != EINTR) {
			return would_block(errno) ? (ssize_t)done : -errno;
		}
		if (n == 0) {
			break;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	return (ssize_t)done;
}

void copy_push(const struct side *to)
{
	const int one = 1;

	/* Setting it, even anew, sends what MSG_MORE holds back; see tcp(7). */
	(void)setsockopt(to->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* What one side sent apart goes out apart to the other: who sent it may wait for an answer. */
static void set_no_delay(struct side *to)
{
	if (to->delays) {
		to->delays = false;
		copy_push(to);
	}
}

enum flow copy_flush(struct copier *c, struct side *to)
{
	struct parcel *p = to->unsent;
	ssize_t n;

	if (!p) {
		return FLOW_ON;
	}
	set_no_delay(to);
	n = p->pipe.size ? splice_out(&p->pipe, to->fd, p->len - p->at)
			 : send_some(to->fd, p->data + p->at, p->len - p->at, 0);
	if (n < 0) {
		return FLOW_BROKEN;
	}
	parcel_advance(c, to, (size_t)n);
	return to->unsent ? FLOW_BLOCKED : FLOW_ON;
}

static void blocked(struct side *to)
{
	to->slow = COPY_SLOW_FOR;
}

static void kept_up(struct side *to)
{
	to->slow -= to->slow ? 1 : 0;
}

static enum flow read_ended(ssize_t n)
{
	if (n == 0) {
		return FLOW_EOF;
	}
	if (would_block(errno)) {
		return FLOW_ON;
	}
	return errno == ECONNRESET ? FLOW_RESET : FLOW_LOST;
}

static void count_big_read(struct side *from, size_t n)
{
	if (n < COPY_BULK_READ) {
		from->big_reads = 0;
	} else if (from->big_reads < COPY_BULK_AFTER) {
		from->big_reads++;
	}
}

/* Reads what has come since, behind the *n bytes that the buffer holds. True: the end came too. */
static bool read_on(const struct side *from, unsigned char *buffer, size_t room, ssize_t *n)
{
	ssize_t more = (size_t)*n < room ? recv(from->fd, buffer + *n, room - (size_t)*n, 0) : -1;

	*n += more > 0 ? more : 0;
	return more == 0;
}

/* What was read or passed unseen (data NULL), less what was heard before. */
static void hear(struct copier *c, struct side *from, const unsigned char *data, size_t n)
{
	const size_t known = n < from->ahead ? n : from->ahead;

	from->ahead -= (uint16_t)known;
	if (n > known) {
		(void)c->heard(from, data ? data + known : NULL, n - known);
	}
}

/* One read of at most room bytes. */
static enum flow move_by_copy(struct copier *c, struct side *from, struct side *to, size_t room,
			      size_t *ret_bytes)
{
	unsigned char *buffer = copier_buffer(c);
	ssize_t n = recv(from->fd, buffer, room, 0), sent;
	bool ended;

	if (n <= 0) {
		return read_ended(n);
	}
	ended = from->one_shot && read_on(from, buffer, room, &n);
	hear(c, from, buffer, (size_t)n);
	*ret_bytes += (size_t)n;
	count_big_read(from, (size_t)n);
	c->small_lately = COPY_SMALL_FOR;
	set_no_delay(to);
	/* The end travels with the last bytes where it follows at once; a broken side is followed
	 * by a reset, before which they must be gone. */
	sent = send_some(to->fd, buffer, (size_t)n, ended && !from->broken ? MSG_MORE : 0);
	if (sent < 0) {
		return FLOW_BROKEN;
	}
	if (sent < n) {
		blocked(to);
		return parcel_keep(to, buffer + sent, (size_t)(n - sent)) < 0 ? FLOW_SPILT
									      : FLOW_BLOCKED;
	}
	kept_up(to);
	return ended ? FLOW_EOF : FLOW_ON;
}

/* One pipe's worth, at most limit. *ret_more: the source had enough to go on at once. */
static enum flow move_by_splice(struct copier *c, struct pipe_pair *pipe, struct side *from,
				struct side *to, uint64_t limit, size_t *ret_bytes, bool *ret_more)
{
	ssize_t n = splice(from->fd, NULL, pipe->write_fd, NULL,
			   limit < pipe->size ? (size_t)limit : pipe->size,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	ssize_t sent;

	*ret_more = n >= COPY_BULK_READ;
	if (n <= 0) {
		/* The pipe is empty, so EAGAIN speaks of the socket. */
		return read_ended(n);
	}
	*ret_bytes += (size_t)n;
	hear(c, from, NULL, (size_t)n);
	if (n < COPY_BULK_LEAVE && (uint64_t)n < limit) {
		from->big_reads = 0;
	}
	set_no_delay(to);
	sent = splice_out(pipe, to->fd, (size_t)n);
	if (sent == n) {
		return FLOW_ON;
	}
	if (sent < 0 || parcel_keep_pipe(to, pipe, (size_t)(n - sent)) < 0) {
		pipe_close(c, pipe);
		pipe->size = 0;
		return sent < 0 ? FLOW_BROKEN : FLOW_SPILT;
	}
	pipe->size = 0; /* it went with the parcel */
	return FLOW_BLOCKED;
}

static enum flow move_little(struct copier *c, struct side *from, struct side *to,
			     size_t *ret_bytes)
{
	return move_by_copy(c, from, to, to->slow ? COPY_SIZE_SLOW : COPY_SIZE, ret_bytes);
}

static enum flow move_bulk(struct copier *c, struct side *from, struct side *to, uint64_t unseen,
			   size_t *ret_bytes)
{
	const size_t most = c->small_lately ? COPY_TURN_SHARED : COPY_TURN;
	const size_t end = unseen < most ? (size_t)unseen : most;
	struct pipe_pair pipe;
	enum flow flow = FLOW_ON;
	bool more = true;

	if (!pipe_take(c, &pipe)) {
		from->big_reads = 0;
		return move_little(c, from, to, ret_bytes);
	}
	c->small_lately -= c->small_lately ? 1 : 0;
	while (flow == FLOW_ON && more && *ret_bytes < end) {
		flow = move_by_splice(c, &pipe, from, to, end - *ret_bytes, ret_bytes, &more);
	}
	if (pipe.size) {
		pipe_return(c, &pipe);
	}
	return flow;
}

/* A head is looked at where it is, so that it can be spliced with what follows it unseen. Most are
 * short, and what else is looked at costs: these bytes are in the cache of another processor. */
static uint64_t look_ahead(struct copier *c, struct side *from)
{
	static const uint16_t most[] = {COPY_HEAD_SHORT, COPY_HEAD_LONG};
	unsigned char *buffer = copier_buffer(c);
	uint64_t unseen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(most) && unseen < COPY_BULK_LEAVE; i++) {
		ssize_t n = recv(from->fd, buffer, most[i], MSG_PEEK);

		if (n < most[i]) {
			break; /* no bulk; an end or an error is met by the read that follows */
		}
		unseen = c->heard(from, buffer + from->ahead, (size_t)n - from->ahead);
		from->ahead = most[i];
	}
	if (unseen < COPY_BULK_LEAVE) {
		from->big_reads = 0; /* chunks, most likely: not looked at each time */
	}
	return unseen;
}

enum flow copy_move(struct copier *c, struct side *from, struct side *to, uint64_t unseen,
		    size_t *ret_bytes)
{
	*ret_bytes = 0;
	if (from->big_reads >= COPY_BULK_AFTER) {
		if (unseen < COPY_BULK_LEAVE && !from->ahead) {
			unseen = look_ahead(c, from);
		}
		if (unseen >= COPY_BULK_LEAVE) {
			unseen += unseen < UINT64_MAX - from->ahead ? from->ahead : 0;
			return move_bulk(c, from, to, unseen, ret_bytes);
		}
	}
	return move_little(c, from, to, ret_bytes);
}
