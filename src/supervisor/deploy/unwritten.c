#include "deploy/unwritten.h"
#include "link/inheritance.h"
#include "link/kept.h"

#include <slotd/cleanup.h>
#include <slotd/keep.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LINES_MAX = 1024 * 1024, /* bytes that are read back */
	FORMER_PATIENCE_MS = 5000,
};

void unwritten_await(struct supervisor *sup)
{
	auto_close int pidfd = inherited_take_one(sup, KEEP_RECORD);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	if (pidfd >= 0 && poll(&p, 1, FORMER_PATIENCE_MS) == 0) {
		log_line(LOG_WARNING, "a record that the killed slotd began is not written yet: "
				      "giving it up");
		(void)process_handle_signal(pidfd, SIGKILL);
	}
}

int unwritten_open(struct supervisor *sup)
{
	int fd = inherited_take_one(sup, KEEP_HISTORY);

	if (fd < 0) {
		fd = memfd_create("slotd-history", MFD_CLOEXEC);
	}
	if (fd < 0) {
		return -errno;
	}
	keep_put_one(sup, KEEP_HISTORY, fd);
	return fd;
}

void unwritten_add(int fd, const char *line)
{
	size_t len = strlen(line);
	struct stat st;

	if (fstat(fd, &st) < 0 || pwrite(fd, line, len, st.st_size) != (ssize_t)len) {
		log_line(LOG_WARNING, "a line of the history would not outlive slotd: %s",
			 strerror(errno));
	}
}

void unwritten_clear(int fd)
{
	if (ftruncate(fd, 0) < 0) {
		log_line(LOG_WARNING, "lines of the history may be written twice: %s",
			 strerror(errno));
	}
}

void unwritten_each(struct supervisor *sup, int fd, unwritten_fn *fn)
{
	auto_free char *text = malloc(LINES_MAX + 1);
	ssize_t n = text ? pread(fd, text, LINES_MAX, 0) : -1;

	if (n < 0) {
		log_line(LOG_ERR, "lines of the history are lost: %s",
			 strerror(text ? errno : ENOMEM));
		return;
	}
	text[n] = '\0';
	for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) {
		char *line = strndup(at, (size_t)(end - at) + 1);

		if (line) {
			fn(sup, line);
		} else {
			log_line(LOG_ERR, "a line of the history is lost: out of memory");
		}
	}
}
