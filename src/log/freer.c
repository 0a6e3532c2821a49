#include "freer.h"

#include <slotd/cleanup.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

enum {
	STACK_SIZE = 256 * 1024,
	WAITING_MAX = 16, /* a disk that is slow must not use up our descriptors */
};

static int queue[2] = {-EBADF, -EBADF}; /* a pipe of descriptors, which the thread closes */
static _Atomic unsigned waiting;	/* in it, or being closed */

/* It ends with the process. */
static void *close_all(void *arg)
{
	int fd;

	(void)arg;
	for (;;) {
		ssize_t n = read(queue[0], &fd, sizeof(fd));

		if (n == (ssize_t)sizeof(fd)) {
			(void)close(fd);
			atomic_fetch_sub(&waiting, 1);
		} else if (n >= 0 || errno != EINTR) {
			return NULL;
		}
	}
}

/* All signals are for the main thread. */
static int start_thread(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	int r = pthread_attr_init(&attr);

	if (r) {
		return -r;
	}
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	r = pthread_create(&thread, &attr, close_all, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return -r;
}

static bool ready(void)
{
	if (queue[1] >= 0) {
		return true;
	}
	if (pipe2(queue, O_CLOEXEC) < 0) {
		queue[0] = queue[1] = -EBADF;
		return false;
	}
	if (fcntl(queue[1], F_SETFL, O_NONBLOCK) < 0 || start_thread() < 0) {
		cleanup_closep(&queue[0]);
		cleanup_closep(&queue[1]);
		return false;
	}
	return true;
}

static bool hand_over(int fd)
{
	if (atomic_load(&waiting) >= WAITING_MAX) {
		return false;
	}
	atomic_fetch_add(&waiting, 1);
	if (write(queue[1], &fd, sizeof(fd)) != (ssize_t)sizeof(fd)) {
		atomic_fetch_sub(&waiting, 1);
		return false;
	}
	return true;
}

int freer_unlink(int dir, const char *name)
{
	/* Held by this descriptor, the file survives its name. */
	auto_close int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (unlinkat(dir, name, 0) < 0) {
		return -errno;
	}
	if (fd >= 0 && ready() && hand_over(fd)) {
		(void)TAKE_FD(fd);
	}
	return 0;
}
