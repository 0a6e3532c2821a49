#include "fake.h"

#include <fcntl.h>
#include <slotd/cleanup.h>
#include <slotd/spawn.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"

int __wrap_spawn(const struct spawn_spec *spec, struct spawned *ret);
int __wrap_process_become(const struct spawn_user *user);

bool fake_functions_hang;

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

/* ---- a function of slotd's own: it runs here and now */

static int call(const struct spawn_spec *spec)
{
	int status, saved = copy(STDOUT_FILENO);

	(void)fflush(stdout);
	if (spec->stdio[1] >= 0) {
		must(dup2(spec->stdio[1], STDOUT_FILENO) >= 0, "no descriptor");
	}
	status = spec->run(spec->data);
	must(dup2(saved, STDOUT_FILENO) >= 0, "no descriptor");
	(void)close(saved);
	return status;
}

/* That it may fail is a fault of its own. */
static void run(const struct spawn_spec *spec, struct fake_process *p)
{
	int status = 1;

	if (fake_functions_hang) {
		return;
	}
	if (!fault(FAULT_CHILD, "a child's function")) {
		faults_pause(true);
		status = call(spec);
		faults_pause(false);
	}
	fake_process_exit(p, status << 8);
}

/* One that has a descriptor 3 is a helper, whose channel that is, or a shell, whose script it is.
 */
static void begin(const struct spawn_spec *spec, struct fake_process *p)
{
	if (strcmp(p->name, "sh") == 0) {
		fake_process_begin(p, spec->stdio, -EBADF);
	} else {
		p->channel_fd = copy(spec->channel_fd);
	}
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
	begin(spec, p);
	*ret = (struct spawned){.pid = p->pid,
				.pidfd = pidfd,
				.start_ticks = (uint64_t)p->pid,
				.report_fd = ends[0]};
	faults_pause(false);
	if (spec->run) {
		run(spec, p);
	}
	return 0;
}

int __wrap_process_become(const struct spawn_user *user)
{
	(void)user;
	return 0;
}
