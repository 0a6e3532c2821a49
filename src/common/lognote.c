#include <slotd/cleanup.h>
#include <slotd/lognote.h>

#include <fcntl.h>
#include <sys/mman.h>

/* Sealed: neither a bug nor a long splice can change the size under a map. */
static int fixed_memfd(const char *name, off_t size)
{
	auto_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
		return -errno;
	}
	return TAKE_FD(fd);
}

/* A fresh memfd is all zeroes; the version says that the layout is known, IDLE is zero. */
static int write_head(int fd)
{
	const uint32_t head[] = {LOG_NOTES_MAGIC, LOG_NOTES_VERSION};
	ssize_t n = pwrite(fd, head, sizeof(head), 0);

	return n == (ssize_t)sizeof(head) ? 0 : n < 0 ? -errno : -EIO;
}

int lognote_create(int *ret_staging_fd, int *ret_notes_fd)
{
	auto_close int staging = fixed_memfd("slotd-log-staging", LOG_STAGING_SIZE);
	auto_close int notes = fixed_memfd("slotd-log-notes", sizeof(struct log_notes));
	int r;

	if (staging < 0 || notes < 0) {
		return staging < 0 ? staging : notes;
	}
	r = write_head(notes);
	if (r < 0) {
		return r;
	}
	*ret_staging_fd = TAKE_FD(staging);
	*ret_notes_fd = TAKE_FD(notes);
	return 0;
}
