#include "berth.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	BERTHS = 64,
	NUMBERS = BERTHS * BERTH_FDS,
	LOWEST = 64, /* above what slotd opens at its start, so that they are in one piece */
};

/* Reserved with the first child: a number that is not in use has a duplicate of /dev/null. */
static struct {
	bool tried;
	int null_fd, first; /* first: 0 where there are none */
	bool taken[BERTHS];
} berths;

static int close_numbers(int from, unsigned to, unsigned flags)
{
	return (unsigned)from <= to && syscall(SYS_close_range, from, to, flags) < 0 ? -errno : 0;
}

static int first_of(int berth)
{
	return berths.first + berth * BERTH_FDS;
}

/* All in one piece, or none. */
static int reserve(void)
{
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int first;

	if (null < 0 || syscall(SYS_close_range, ~0U, ~0U, CLOSE_RANGE_UNSHARE) < 0) {
		return -errno;
	}
	first = fcntl(null, F_DUPFD_CLOEXEC, LOWEST);
	for (int i = 1; first >= 0 && i < NUMBERS; i++) {
		int fd = fcntl(null, F_DUPFD_CLOEXEC, first + i);

		if (fd != first + i) {
			cleanup_closep(&fd);
			(void)close_numbers(first, (unsigned)(first + i - 1), 0);
			return -EMFILE;
		}
	}
	if (first < 0) {
		return -errno;
	}
	berths.first = first;
	berths.null_fd = TAKE_FD(null);
	return 0;
}

static int find_free(void)
{
	if (!berths.tried) {
		berths.tried = true;
		(void)reserve(); /* without them children have copies, as on an old kernel */
	}
	if (!berths.first) {
		return -ENOSYS;
	}
	for (int i = 0; i < BERTHS; i++) {
		if (!berths.taken[i]) {
			return i;
		}
	}
	return -EBUSY;
}

bool berths_taken(void)
{
	return find_free() == -EBUSY;
}

int berth_take(int fds[BERTH_FDS])
{
	int berth = find_free();

	if (berth < 0) {
		return berth;
	}
	berths.taken[berth] = true;
	for (int i = 0; i < BERTH_FDS; i++) {
		if (fds[i] >= 0 && dup3(fds[i], first_of(berth) + i, O_CLOEXEC) < 0) {
			int r = -errno;

			berth_give_back(berth);
			return r;
		}
	}
	for (int i = 0; i < BERTH_FDS; i++) {
		fds[i] = fds[i] < 0 ? fds[i] : first_of(berth) + i;
	}
	return berth;
}

void berth_give_back(int berth)
{
	if (berth < 0) {
		return;
	}
	for (int i = 0; i < BERTH_FDS; i++) {
		(void)dup3(berths.null_fd, first_of(berth) + i, O_CLOEXEC); /* both are open */
	}
	berths.taken[berth] = false;
}

int berth_leave(int berth)
{
	int r;

	if (!berths.first) {
		return 0;
	}
	if (berth < 0) {
		return close_numbers(berths.first, (unsigned)(berths.first + NUMBERS - 1), 0);
	}
	r = close_numbers(first_of(berth + 1), ~0U, CLOSE_RANGE_UNSHARE);
	return r < 0 ? r : close_numbers(berths.first, (unsigned)(first_of(berth) - 1), 0);
}
