#include "staging.h"

#include <slotd/cleanup.h>

#include <fcntl.h>
#include <sys/mman.h>

int staging_attach(struct staging *st, int fd, int notes_fd)
{
	auto_close int window = fd, notes = notes_fd;
	void *map;
	int r;

	r = notes_map(notes, &st->notes);
	if (r < 0) {
		return r;
	}
	map = mmap(NULL, LOG_STAGING_SIZE, PROT_READ, MAP_SHARED, window, 0);
	if (map == MAP_FAILED) {
		r = -errno;
		notes_unmap(st->notes);
		st->notes = NULL;
		return r;
	}
	st->map = map;
	st->fd = TAKE_FD(window);
	return 0;
}

void staging_done(struct staging *st)
{
	if (st->map) {
		(void)munmap((void *)st->map, LOG_STAGING_SIZE);
		st->map = NULL;
	}
	notes_unmap(st->notes);
	st->notes = NULL;
	cleanup_closep(&st->fd);
}

size_t staging_taken(const struct staging *st)
{
	off_t at = lseek(st->fd, 0, SEEK_CUR);

	return at < 0 ? 0 : at > LOG_STAGING_SIZE ? LOG_STAGING_SIZE : (size_t)at;
}

ssize_t staging_take(struct staging *st, int pipe, size_t max)
{
	ssize_t n;

	/* No offset given: the kernel moves the position along with what it takes, even when a
	 * signal ends the call half-way. */
	do {
		n = splice(pipe, NULL, st->fd, NULL, max, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

void staging_reset(struct staging *st)
{
	/* In this order: a position without a note means nothing, a note without bytes neither. */
	notes_idle(st->notes);
	(void)lseek(st->fd, 0, SEEK_SET); /* cannot fail on a memfd */
}
