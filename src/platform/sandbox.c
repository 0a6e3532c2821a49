#include <slotd/cleanup.h>
#include <slotd/os.h>
#include <slotd/sandbox.h>

#include <cap-ng.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#ifdef __SANITIZE_ADDRESS__
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_SANITIZER 1
#endif
#endif
#ifndef UNDER_SANITIZER
#define UNDER_SANITIZER 0
#endif

/* ---- user and capabilities */

static int read_user(int argc, char **argv, uid_t *ret_uid, gid_t *ret_gid)
{
	unsigned uid, gid;
	char rest;

	if (argc == 1) {
		return 0;
	}
	if (argc != 3 || strcmp(argv[1], "--user") != 0 ||
	    sscanf(argv[2], "%u:%u%c", &uid, &gid, &rest) != 2) {
		return -EINVAL;
	}
	*ret_uid = uid;
	*ret_gid = gid;
	return 1;
}

static int change_user(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 ||
	    setresuid(uid, uid, uid) < 0) {
		return -errno;
	}
	return 0;
}

static int keep_capabilities(const int *kept)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (; kept && *kept >= 0; kept++) {
		if (capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, (unsigned)*kept) <
		    0) {
			return -EINVAL;
		}
	}
	/* The bounding set needs CAP_SETPCAP; no_new_privs makes it irrelevant where that is
	 * missing. */
	return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}

/* ---- Landlock: what may be done with paths */

/* All 13 accesses of ABI 1; REFER came with ABI 2. */
static const uint64_t all_accesses = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

/* What nobody needs who writes logs; links and devices could make others do it in its stead. */
static const uint64_t odd_accesses = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
				     LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
				     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
				     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

static int deny_accesses(uint64_t accesses)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = accesses};
	auto_close int fd = -EBADF;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 1) {
		return 0; /* not in this kernel, or switched off at boot */
	}
#ifdef LANDLOCK_ACCESS_FS_REFER
	attr.handled_access_fs |= abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
#endif
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0) {
		return -errno;
	}
	return 0;
}

/* ---- seccomp */

/* What libev, libc, libmicrohttpd and libcurl need to run on descriptors they have. */
static const int always[] = {
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(arch_prctl),
	SCMP_SYS(brk),
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(close),
	SCMP_SYS(close_range),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(epoll_create),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(fallocate),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(fsync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(futex),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getpeername),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getresgid),
	SCMP_SYS(getresuid),
	SCMP_SYS(getrusage),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid),
	SCMP_SYS(listen),
	SCMP_SYS(lseek),
	SCMP_SYS(madvise),
	SCMP_SYS(membarrier),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	SCMP_SYS(nanosleep),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(prctl),
	SCMP_SYS(pread64),
	SCMP_SYS(pselect6),
	SCMP_SYS(pwrite64),
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(recvmsg),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(select),
	SCMP_SYS(sendfile),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(signalfd4),
	SCMP_SYS(splice),
	SCMP_SYS(sysinfo),
	SCMP_SYS(tee),
	SCMP_SYS(time),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_gettime),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(uname),
	SCMP_SYS(write),
	SCMP_SYS(writev),
};

static const int of_files[] = {
	SCMP_SYS(access),   SCMP_SYS(faccessat),  SCMP_SYS(faccessat2), SCMP_SYS(fchmod),
	SCMP_SYS(fchown),   SCMP_SYS(getdents64), SCMP_SYS(lstat),	SCMP_SYS(newfstatat),
	SCMP_SYS(open),	    SCMP_SYS(openat),	  SCMP_SYS(readlink),	SCMP_SYS(readlinkat),
	SCMP_SYS(rename),   SCMP_SYS(renameat),	  SCMP_SYS(renameat2),	SCMP_SYS(stat),
	SCMP_SYS(openat2),  SCMP_SYS(statfs),	  SCMP_SYS(statx),	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
};

/* fstat goes by newfstatat(fd, "", AT_EMPTY_PATH) in glibc; a path is stopped by Landlock. */
static const int stat_only[] = {SCMP_SYS(newfstatat), SCMP_SYS(statx)};

/* Denied with the errno a library expects of a closed file system, not ENOSYS. */
static const int refused[] = {
	SCMP_SYS(access),     SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(stat), SCMP_SYS(lstat),
};

static int add_all(scmp_filter_ctx ctx, uint32_t action, const int *calls, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int r = seccomp_rule_add(ctx, action, calls[i], 0);

		if (r < 0 && r != -EDOM) { /* EDOM: not a call of this architecture */
			return r;
		}
	}
	return 0;
}

/* A call if its argument, of which the kernel reads 32 bits, is one of these. */
static int allow_values(scmp_filter_ctx ctx, int call, unsigned arg, const uint64_t *values,
			size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
				     SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, values[i]));
	}
	return r;
}

static int allow_sockets(scmp_filter_ctx ctx, unsigned needs)
{
	static const int connecting[] = {SCMP_SYS(connect)}, binding[] = {SCMP_SYS(bind)};
	static const uint64_t inet[] = {AF_INET, AF_INET6}, local[] = {AF_UNIX};
	int r = 0;

	if (needs & (SANDBOX_INET | SANDBOX_UNIX)) {
		r = add_all(ctx, SCMP_ACT_ALLOW, connecting, ARRAY_SIZE(connecting));
	}
	if (r == 0 && needs & SANDBOX_BIND) {
		r = add_all(ctx, SCMP_ACT_ALLOW, binding, ARRAY_SIZE(binding));
	}
	if (r == 0 && needs & SANDBOX_INET) {
		r = allow_values(ctx, SCMP_SYS(socket), 0, inet, ARRAY_SIZE(inet));
	}
	if (r == 0 && needs & SANDBOX_UNIX) {
		r = allow_values(ctx, SCMP_SYS(socket), 0, local, ARRAY_SIZE(local));
	}
	return r;
}

/*
 * Calls of which only some uses are harmless. With fcntl(F_SETOWN) and ioctl(FIOSETOWN) a process
 * of root's uid could signal any other, with ioctl(TIOCSTI) type on the terminal on which slotd was
 * started, with tgkill and prlimit64 reach its user's other processes.
 */
static int allow_uses(scmp_filter_ctx ctx)
{
	static const uint64_t fcntls[] = {F_DUPFD,	F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,
					  F_GETFL,	F_SETFL,	 F_ADD_SEALS, F_GET_SEALS,
					  F_SETPIPE_SZ, F_GETPIPE_SZ};
	static const uint64_t ioctls[] = {FIONBIO, FIONREAD, SIOCOUTQ, TCGETS};
	static const uint64_t self[] = {0};
	const uint64_t pid[] = {(uint64_t)getpid()};
	int r = allow_values(ctx, SCMP_SYS(fcntl), 1, fcntls, ARRAY_SIZE(fcntls));

	r = r < 0 ? r : allow_values(ctx, SCMP_SYS(ioctl), 1, ioctls, ARRAY_SIZE(ioctls));
	r = r < 0 ? r : allow_values(ctx, SCMP_SYS(prlimit64), 0, self, ARRAY_SIZE(self));
	return r < 0 ? r : allow_values(ctx, SCMP_SYS(tgkill), 0, pid, ARRAY_SIZE(pid));
}

/* All code is loaded: nothing that is written to memory is ever run. */
static int allow_memory(scmp_filter_ctx ctx)
{
	static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(calls); i++) {
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	}
	return r;
}

/* Threads of a library, but no processes. clone3 cannot be looked into: ENOSYS makes glibc use
 * clone. */
static int allow_threads(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
}

static int fill_filter(scmp_filter_ctx ctx, unsigned needs)
{
	int r = add_all(ctx, SCMP_ACT_ALLOW, always, ARRAY_SIZE(always));

	if (r == 0 && needs & SANDBOX_FILES) {
		r = add_all(ctx, SCMP_ACT_ALLOW, of_files, ARRAY_SIZE(of_files));
	} else if (r == 0) {
		r = add_all(ctx, SCMP_ACT_ALLOW, stat_only, ARRAY_SIZE(stat_only));
		if (r == 0) {
			r = add_all(ctx, SCMP_ACT_ERRNO(EACCES), refused, ARRAY_SIZE(refused));
		}
	}
	r = r < 0 ? r : allow_sockets(ctx, needs);
	r = r < 0 ? r : allow_uses(ctx);
	r = r < 0 ? r : allow_memory(ctx);
	return r < 0 ? r : allow_threads(ctx);
}

static int filter_calls(unsigned needs)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (!ctx) {
		return -ENOMEM;
	}
	r = fill_filter(ctx, needs);
	if (r == 0) {
		r = seccomp_load(ctx);
	}
	seccomp_release(ctx);
	return r;
}

int sandbox_helper(const struct sandbox_policy *policy, int argc, char **argv, struct diag *diag)
{
	uid_t uid = 0;
	gid_t gid = 0;
	int r = read_user(argc, argv, &uid, &gid);

	os_reserve_stack();
	if (r < 0) {
		return diag_set(diag, r, "%s is started by slotd, not by hand", argv[0]);
	}
	if (r > 0) {
		r = change_user(uid, gid);
		if (r < 0) {
			return diag_set_errno(diag, r, "cannot become user %u", (unsigned)uid);
		}
	} else if (geteuid() == 0) {
		r = keep_capabilities(policy->capabilities);
		if (r < 0) {
			return diag_set_errno(diag, r, "cannot drop capabilities");
		}
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0) {
		return diag_set_errno(diag, -errno, "cannot give up privileges");
	}
	if (UNDER_SANITIZER) {
		return 0;
	}
	r = deny_accesses(policy->needs & SANDBOX_FILES ? odd_accesses : all_accesses);
	if (r < 0) {
		return diag_set_errno(diag, r, "cannot close the file system (Landlock)");
	}
	r = filter_calls(policy->needs);
	return r < 0 ? diag_set_errno(diag, r, "cannot filter system calls (seccomp)") : 0;
}
