/*
 * inject PID DIRECTORY ACTION...: makes a running process make system calls, by ptrace(2), and
 * prints what each returned: "open_shadow EACCES". So a test sees what that process itself may do,
 * as it is: its user, capabilities, seccomp filter and Landlock domain.
 *
 * The process is stopped, its registers are set to a call at an instruction "syscall" of its own,
 * and after one step they are put back. Texts are written below its stack. x86-64 only.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__

int main(void)
{
	return 77; /* skipped */
}

#else
#include <sys/ioctl.h>

enum {
	BELOW_STACK = 4096, /* where texts go: beyond the red zone */
};

struct action {
	const char *name;
	long nr;
	const char *path;	       /* NULL: DIRECTORY/name of the action */
	unsigned path_arg, parent_arg; /* 1-based; 0: none */
	long args[6];
};

#define OWN NULL

static const struct action actions[] = {
	{"read_shadow", SYS_openat, "/etc/shadow", 2, 0, {AT_FDCWD, 0, O_RDONLY}},
	{"read_proc", SYS_openat, "/proc/1/environ", 2, 0, {AT_FDCWD, 0, O_RDONLY}},
	{"create", SYS_openat, OWN, 2, 0, {AT_FDCWD, 0, O_CREAT | O_WRONLY, 0600}},
	{"mkdir", SYS_mkdir, OWN, 1, 0, {0, 0700}},
	{"symlink", SYS_symlink, OWN, 2, 0, {0}},
	{"hard_link", SYS_link, OWN, 2, 0, {0}},
	{"fifo", SYS_mknod, OWN, 1, 0, {0, 0010600}},
	{"chmod", SYS_chmod, "/etc/shadow", 1, 0, {0, 0666}},
	{"execve", SYS_execve, "/nothing/there", 1, 0, {0}},
	{"execveat", SYS_execveat, "/nothing/there", 2, 0, {AT_FDCWD}},
	{"fork", SYS_fork, OWN, 0, 0, {0}},
	{"vfork", SYS_vfork, OWN, 0, 0, {0}},
	{"clone", SYS_clone, OWN, 0, 0, {SIGCHLD}},
	{"clone3", SYS_clone3, OWN, 1, 0, {0, 64}},
	{"socket_inet", SYS_socket, OWN, 0, 0, {AF_INET, SOCK_STREAM}},
	{"socket_inet6", SYS_socket, OWN, 0, 0, {AF_INET6, SOCK_STREAM}},
	{"socket_unix", SYS_socket, OWN, 0, 0, {AF_UNIX, SOCK_STREAM}},
	{"socket_netlink", SYS_socket, OWN, 0, 0, {AF_NETLINK, SOCK_RAW}},
	{"socket_packet", SYS_socket, OWN, 0, 0, {AF_PACKET, SOCK_RAW}},
	{"socket_vsock", SYS_socket, OWN, 0, 0, {AF_VSOCK, SOCK_STREAM}},
	{"connect", SYS_connect, OWN, 2, 0, {-1, 0, 16}},
	{"bind", SYS_bind, OWN, 2, 0, {-1, 0, 16}},
	{"ptrace", SYS_ptrace, OWN, 0, 2, {PTRACE_SEIZE}},
	{"read_memory", SYS_process_vm_readv, OWN, 0, 1, {0}},
	{"kill", SYS_kill, OWN, 0, 1, {0}},
	{"tgkill", SYS_tgkill, OWN, 0, 1, {0, 1}},
	{"queue_signal", SYS_rt_sigqueueinfo, OWN, 0, 1, {0}},
	{"pidfd_open", SYS_pidfd_open, OWN, 0, 1, {0}},
	{"limits_of_others", SYS_prlimit64, OWN, 0, 1, {0, 7}},
	{"own_signals_to", SYS_fcntl, OWN, 0, 3, {0, F_SETOWN}},
	{"choose_signal", SYS_fcntl, OWN, 0, 0, {0, F_SETSIG, SIGKILL}},
	{"type_for_user", SYS_ioctl, OWN, 3, 0, {-1, TIOCSTI}},
	{"mount", SYS_mount, OWN, 1, 0, {0}},
	{"umount", SYS_umount2, OWN, 1, 0, {0}},
	{"chroot", SYS_chroot, OWN, 1, 0, {0}},
	{"unshare", SYS_unshare, OWN, 0, 0, {CLONE_NEWUSER}},
	{"setns", SYS_setns, OWN, 0, 0, {-1}},
	{"setuid", SYS_setuid, OWN, 0, 0, {0}},
	{"capset", SYS_capset, OWN, 1, 0, {0}},
	{"bpf", SYS_bpf, OWN, 0, 0, {-1}},
	{"perf_event_open", SYS_perf_event_open, OWN, 1, 0, {0}},
	{"keyctl", SYS_keyctl, OWN, 0, 0, {-1}},
	{"io_uring", SYS_io_uring_setup, OWN, 0, 0, {0}},
	{"userfaultfd", SYS_userfaultfd, OWN, 0, 0, {-1}},
	{"init_module", SYS_init_module, OWN, 0, 0, {0}},
	{"reboot", SYS_reboot, OWN, 0, 0, {0}},
	{"settimeofday", SYS_settimeofday, OWN, 0, 0, {0}},
	{"sethostname", SYS_sethostname, OWN, 1, 0, {0, -1}},
	{"personality", SYS_personality, OWN, 0, 0, {0xffffffff}},
	{"executable_memory",
	 SYS_mmap,
	 OWN,
	 0,
	 0,
	 {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
	{"make_executable", SYS_mprotect, OWN, 0, 0, {0, 0, PROT_READ | PROT_EXEC}},
	/* what each needs, so that the refusals above mean something */
	{"getpid", SYS_getpid, OWN, 0, 0, {0}},
	{"memory",
	 SYS_mmap,
	 OWN,
	 0,
	 0,
	 {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
};

static _Noreturn void fail(const char *what)
{
	(void)fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Stops it; where a signal comes first, that is delivered later. */
static void attach(pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0) {
		fail("cannot attach");
	}
	if (waitpid(pid, &status, __WALL) < 0 || !WIFSTOPPED(status)) {
		fail("it does not stop");
	}
}

static void write_memory(pid_t pid, unsigned long at, const void *data, size_t len)
{
	const struct iovec from = {(void *)(uintptr_t)data, len}, to = {(void *)at, len};

	if (process_vm_writev(pid, &from, 1, &to, 1, 0) != (ssize_t)len) {
		fail("cannot write its memory");
	}
}

/* It waits in a call: behind that call's instruction. */
static unsigned long find_syscall(pid_t pid, const struct user_regs_struct *regs)
{
	unsigned long at = regs->rip - 2;
	long word = ptrace(PTRACE_PEEKTEXT, pid, (void *)at, NULL);

	if ((word & 0xffff) != 0x050f) {
		errno = EINVAL;
		fail("it is not in a system call");
	}
	return at;
}

static void set_arguments(struct user_regs_struct *regs, const struct action *a, unsigned long text,
			  pid_t parent)
{
	unsigned long long *const order[] = {&regs->rdi, &regs->rsi, &regs->rdx,
					     &regs->r10, &regs->r8,  &regs->r9};

	for (unsigned i = 0; i < 6; i++) {
		*order[i] = i + 1 == a->path_arg     ? text
			    : i + 1 == a->parent_arg ? (unsigned long)parent
						     : (unsigned long)a->args[i];
	}
	/* two paths: links of a file to a new name */
	if (a->nr == SYS_symlink || a->nr == SYS_link) {
		regs->rdi = text;
	}
	regs->rax = (unsigned long)a->nr;
	regs->orig_rax = (unsigned long)-1; /* or the kernel restarts the call that it was in */
}

static long call(pid_t pid, const struct action *a, const char *path, pid_t parent)
{
	struct user_regs_struct saved, regs;
	int status;

	if (ptrace(PTRACE_GETREGS, pid, NULL, &saved) < 0) {
		fail("no registers");
	}
	regs = saved;
	regs.rip = find_syscall(pid, &saved);
	write_memory(pid, saved.rsp - BELOW_STACK, path, strlen(path) + 1);
	set_arguments(&regs, a, saved.rsp - BELOW_STACK, parent);
	if (ptrace(PTRACE_SETREGS, pid, NULL, &regs) < 0 ||
	    ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) < 0 || waitpid(pid, &status, __WALL) < 0 ||
	    !WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, pid, NULL, &regs) < 0 ||
	    ptrace(PTRACE_SETREGS, pid, NULL, &saved) < 0) {
		fail(a->name);
	}
	return (long)regs.rax;
}

static pid_t parent_of(pid_t pid)
{
	char path[64];
	int parent = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f || fscanf(f, "%*d (%*[^)]) %*c %d", &parent) != 1) {
		fail("no parent");
	}
	(void)fclose(f);
	return parent;
}

static void act(pid_t pid, const struct action *a, const char *directory)
{
	char path[512];
	long r;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, a->name);
	r = call(pid, a, a->path ? a->path : path, parent_of(pid));
	(void)printf("%s %s\n", a->name, r < 0 && r > -4096 ? strerrorname_np((int)-r) : "done");
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	pid_t pid = argc > 2 ? atoi(argv[1]) : 0;

	if (pid <= 0) {
		for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
			(void)puts(actions[i].name);
		}
		return 0;
	}
	attach(pid);
	for (int n = 3; n < argc; n++) {
		for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
			if (strcmp(argv[n], actions[i].name) == 0) {
				act(pid, &actions[i], argv[2]);
			}
		}
	}
	(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return 0;
}
#endif
