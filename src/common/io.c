#include <slotd/io.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

int io_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

bool io_has_bytes(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

int io_read_all(int fd, struct strbuf *out)
{
	char buf[16384];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n > 0 && strbuf_add(out, buf, (size_t)n) < 0) {
			return out->error;
		}
	}
	return 0;
}

ssize_t io_read_tail(int fd, void *buf, size_t size)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode)) {
		return -EINVAL;
	}
	n = pread(fd, buf, size, st.st_size > (off_t)size ? st.st_size - (off_t)size : 0);
	return n < 0 ? -errno : n;
}
