#include "pidfile.h"
#include "link/lookout.h"
#include "supervisor.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <slotd/ownname.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PID_TEXT_MAX = 16,
};

struct pidfile {
	struct own_name name;
	int fd; /* keeps its inode; -EBADF: not written */
};

static size_t pid_text(char *buf)
{
	return (size_t)snprintf(buf, PID_TEXT_MAX, "%d\n", (int)getpid());
}

/* Never empty in between: who reads it meanwhile finds a number at its beginning. */
static int write_pid(int fd)
{
	char text[PID_TEXT_MAX];
	size_t len = pid_text(text);
	ssize_t n = pwrite(fd, text, len, 0);

	if (n != (ssize_t)len) {
		return n < 0 ? -errno : -ENOSPC;
	}
	return ftruncate(fd, (off_t)len) < 0 ? -errno : 0;
}

/* flags: O_EXCL for a new one, 0 to take over that of a former run. */
static int make(struct supervisor *sup, const char *path, int flags, struct diag *diag)
{
	auto_close int fd = -EBADF;
	int r = own_file_open(path, O_RDWR | O_CREAT | O_NONBLOCK | flags, 0666, diag, &fd);

	if (r < 0) {
		return r;
	}
	r = write_pid(fd);
	if (r == 0) {
		r = own_name_note(&sup->pidfile->name, path);
	}
	if (r < 0) {
		return diag_set_errno(diag, r, "%s", path);
	}
	cleanup_closep(&sup->pidfile->fd);
	sup->pidfile->fd = TAKE_FD(fd);
	return 0;
}

void pidfile_write(struct supervisor *sup)
{
	const char *path = sup->config->supervisord.pidfile;
	struct diag diag = {0};

	if (!path) {
		return;
	}
	if (strcmp(path, "/dev/null") == 0) { /* how one says that none is wanted */
		log_line(LOG_INFO, "no pidfile is written: pidfile=%s", path);
	} else if (make(sup, path, 0, &diag) < 0) {
		log_line(LOG_CRIT, "could not write pidfile %s: %s", path, diag.text);
		return;
	}
	log_line(LOG_INFO, "supervisord started with pid %d", (int)getpid());
}

static void make_again(struct supervisor *sup)
{
	auto_free char *path = strdup(sup->pidfile->name.path);
	struct diag diag = {0};
	int r = path ? make(sup, path, O_EXCL, &diag) : -ENOMEM;

	if (r == -EEXIST) {
		log_line(LOG_WARNING, "%s belongs to another process now, and is left alone", path);
		own_name_done(&sup->pidfile->name);
	} else if (r < 0) {
		lookout_failed(sup, &sup->pidfile->name, &diag);
	} else {
		lookout_made(&sup->pidfile->name);
	}
}

void pidfile_look_after(struct supervisor *sup)
{
	if (sup->pidfile->name.path && !own_name_stands(&sup->pidfile->name)) {
		make_again(sup);
	}
	if (sup->pidfile->name.path) {
		lookout_watch(sup, &sup->pidfile->name);
	}
}

/* Another supervisor writes its pid into the same file, as Supervisor does. */
static bool is_ours(int fd)
{
	char text[PID_TEXT_MAX], now[PID_TEXT_MAX];
	size_t len = pid_text(text);

	return pread(fd, now, sizeof(now), 0) == (ssize_t)len && memcmp(text, now, len) == 0;
}

int pidfile_init(struct supervisor *sup)
{
	sup->pidfile = calloc(1, sizeof(*sup->pidfile));
	if (!sup->pidfile) {
		return -ENOMEM;
	}
	sup->pidfile->fd = -EBADF;
	return 0;
}

void pidfile_remove(struct supervisor *sup)
{
	struct pidfile *f = sup->pidfile;

	if (!f) {
		return;
	}
	if (f->fd >= 0 && is_ours(f->fd)) {
		own_name_remove(&f->name);
	}
	own_name_done(&f->name);
	cleanup_closep(&f->fd);
	free(f);
	sup->pidfile = NULL;
}
