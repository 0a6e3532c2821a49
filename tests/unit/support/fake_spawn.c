#include "fake.h"

#include <fcntl.h>
#include <slotd/cleanup.h>
#include <slotd/spawn.h>
#include <string.h>

#include "faults.h"

int __wrap_spawn(const struct spawn_spec *spec, struct spawned *ret);
int __wrap_process_become(const struct spawn_user *user);

static int copy(int fd)
{
	return fd < 0 ? -EBADF : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static const char *name_of(const struct spawn_spec *spec)
{
	const char *path = spec->run ? "function" : spec->argv[0];
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* A function of slotd's own runs here and now; that it may fail is a fault of its own. */
static int run(const struct spawn_spec *spec)
{
	int status, saved;

	if (fault(FAULT_CHILD, "a child's function")) {
		status = 1;
	} else {
		faults_pause(true);
		saved = copy(STDOUT_FILENO);
		(void)fflush(stdout);
		if (spec->stdio[1] >= 0) {
			must(dup2(spec->stdio[1], STDOUT_FILENO) >= 0, "no descriptor");
		}
		status = spec->run(spec->data);
		must(dup2(saved, STDOUT_FILENO) >= 0, "no descriptor");
		(void)close(saved);
		faults_pause(false);
	}
	return status << 8;
}

int __wrap_spawn(const struct spawn_spec *spec, struct spawned *ret)
{
	struct fake_process *p;
	int ends[2], pidfd;

	if (fault(FAULT_SPAWN, "spawn")) {
		return -errno;
	}
	faults_pause(true);
	p = fake_process_new(name_of(spec), &pidfd);
	must(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0, "no pipe");
	(void)close(ends[1]); /* it is at its command */
	p->channel_fd = copy(spec->channel_fd);
	*ret = (struct spawned){.pid = p->pid,
				.pidfd = pidfd,
				.start_ticks = (uint64_t)p->pid,
				.report_fd = ends[0]};
	faults_pause(false);
	if (spec->run) {
		int status = run(spec);

		fake_process_exit(p, status);
	}
	return 0;
}

int __wrap_process_become(const struct spawn_user *user)
{
	(void)user;
	return 0;
}
