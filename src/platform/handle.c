#include <slotd/cleanup.h>
#include <slotd/os.h>
#include <slotd/spawn.h>
#include <slotd/worker.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/* Processes that are no children of ours: what a former slotd started. */

/* <linux/pidfd.h> of Linux 6.15 */
struct handle_info {
	uint64_t mask, cgroup;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};
_Static_assert(sizeof(struct handle_info) == 64, "as the kernel has it");

#define HANDLE_GET_INFO	 _IOWR(0xff, 11, struct handle_info)
#define HANDLE_INFO_EXIT (UINT64_C(1) << 3)

/* Needs no memory: without an answer a process that runs would be taken for one that has ended. */
pid_t process_handle_pid(int pidfd)
{
	char path[64], text[1024];
	auto_close int fd = -EBADF;
	const char *line;
	int pid = 0;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	line = strstr(text, "\nPid:");
	return line && sscanf(line, "\nPid: %d", &pid) == 1 && pid > 0 ? pid : 0;
}

int process_handle_open(pid_t pid, uint64_t start_ticks)
{
	auto_close int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0) {
		return -errno;
	}
	/* Looked at when it is held: from here on the number is the process's. */
	return start_ticks && process_start_ticks(pid) == start_ticks ? TAKE_FD(fd) : -ESRCH;
}

/* Told once it is reaped. */
static bool ask(int pidfd, int *ret_status)
{
	struct handle_info info = {.mask = HANDLE_INFO_EXIT};

	if (ioctl(pidfd, HANDLE_GET_INFO, &info) < 0 || !(info.mask & HANDLE_INFO_EXIT)) {
		return false;
	}
	*ret_status = info.exit_code;
	return true;
}

int process_handle_status(int pidfd, pid_t pid, uint64_t start_ticks)
{
	int status;

	/* After an upgrade the slotd that started it was in this process. */
	if (process_handle_reap(pidfd, &status) == 1) {
		return status;
	}

	/* It may be reaped between the first two looks. */
	if (ask(pidfd, &status) || process_zombie_status(pid, start_ticks, &status) == 0 ||
	    ask(pidfd, &status)) {
		return status;
	}
	return WORKER_STATUS_UNKNOWN;
}
