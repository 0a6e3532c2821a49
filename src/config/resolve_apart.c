#include "resolved.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static int answer(struct config *c, int fd)
{
	CLEANUP(strbuf_done) struct strbuf answers = {0};

	/* What is wrong travels as messages. */
	if (config_resolve(c) == -ENOMEM || resolved_write(c, &answers) < 0) {
		return -ENOMEM;
	}
	return io_write_all(fd, answers.data, answers.len);
}

static int ask(struct config *c, struct strbuf *answers)
{
	auto_close int read_end = -EBADF, write_end = -EBADF;
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return -errno;
	}
	read_end = ends[0];
	write_end = ends[1];
	pid = fork();
	if (pid < 0) {
		return -errno;
	}
	if (pid == 0) {
		_exit(answer(c, write_end) < 0);
	}
	cleanup_closep(&write_end);
	r = io_read_all(read_end, answers);
	(void)waitpid(pid, NULL, 0); /* what a failed one leaves is refused when it is read */
	return r;
}

int config_resolve_apart(struct config *c, struct diag *diag)
{
	CLEANUP(strbuf_done) struct strbuf answers = {0};
	int r = ask(c, &answers);

	if (r < 0) {
		return diag_set_errno(diag, r, "cannot look up users and hosts");
	}
	return resolved_read(c, strbuf_str(&answers), answers.len, diag);
}
