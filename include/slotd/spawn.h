#pragma once

/**
 * Processes: how one comes to be, is watched, signalled and reaped.
 *
 * slotd never waits for a child that is on its way to its command (a slow file or a SIGSTOP may
 * hold it): the child does, in this order, process group, descriptors 0, 1, 2 (and 3), lookup of
 * the command, address, limits, user, directory, umask, signals, close-on-exec for the rest,
 * execve. What goes wrong there comes back as a struct spawn_report through a close-on-exec pipe:
 * EOF means that the exec was done. Source: Supervisor's ServerProcess; execve(2), clone(2).
 *
 * Workers and commands are made by slotd-spawn (slotd/spawner.h), slotd's helpers and functions of
 * its own by spawn().
 */

#include <slotd/diag.h>

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum spawn_stage {
	SPAWN_STAGE_NONE, /* nothing failed */
	SPAWN_STAGE_GROUP,
	SPAWN_STAGE_STDIO,
	SPAWN_STAGE_LOOKUP,
	SPAWN_STAGE_ADDRESS,
	SPAWN_STAGE_USER,
	SPAWN_STAGE_DIRECTORY,
	SPAWN_STAGE_SIGNALS,
	SPAWN_STAGE_EXEC,
	SPAWN_STAGE_FORK, /* there is no child at all */
	SPAWN_STAGE_MAX_,
	SPAWN_STAGE_INVALID_ = -22,
};

/** Why a child did not become the command. Written in one piece (below PIPE_BUF). */
struct spawn_report {
	int32_t stage; /* enum spawn_stage */
	int32_t error; /* negative errno; LOOKUP: -EISDIR, -ENOEXEC (no x bit), -EACCES, -ENOENT */
	char path[1024]; /* ADDRESS: who holds it */
};

struct spawn_user {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	unsigned n_groups;
	const char *name; /* its groups are looked up anew, at each start; NULL: groups are them */
};

struct spawn_spec {
	char *const *argv; /* NULL-terminated */
	char *const *envp;
	const char *search;	       /* PATH in which an argv[0] without '/' is looked up */
	int stdio[3];		       /* borrowed; become 0, 1, 2 */
	int channel_fd;		       /* becomes 3; -EBADF: none */
	const char *directory;	       /* NULL: slotd's */
	mode_t umask;		       /* (mode_t)-1: slotd's */
	const struct spawn_user *user; /* NULL: slotd's */
	const char *address;	       /* TCP address that must be free; NULL: none */
	bool reset_signals;	       /* SIGPIPE and SIGXFSZ not ignored */
	bool explain;		       /* tell fd 2 what failed, in Supervisor's words */
	int cgroup_fd;		       /* -EBADF: slotd's cgroup */
	const struct rlimit *limits;   /* by resource (RLIMIT_NOFILE, ...) */
	unsigned n_limits;	       /* 0: this process's */
	/** Instead of argv: run this in the child, which exits with what it returns. */
	int (*run)(void *data);
	void *data;
};

#define SPAWN_SPEC_INIT                                                                       \
	{                                                                                     \
		.stdio = {-EBADF, -EBADF, -EBADF}, .channel_fd = -EBADF, .umask = (mode_t)-1, \
		.cgroup_fd = -EBADF                                                           \
	}

/** What spawn made; the caller's from then on. */
struct spawned {
	pid_t pid;
	int pidfd;
	uint64_t start_ticks; /* as process_start_ticks tells */
	int report_fd;	      /* non-blocking; readable at exec (EOF) or failure */
};

/**
 * Makes a child of this process itself by fork(2), which costs the more the bigger it is. An absent
 * stdio descriptor becomes /dev/null.
 *
 * Returns: 0, or -errno of what failed here (-EMFILE, -EAGAIN, -ENOMEM): nothing runs then.
 *          Failures in the child come through the report.
 * Ownership: borrows spec.
 */
int spawn(const struct spawn_spec *spec, struct spawned *ret);

/** In a child that was just made: becomes the command, or reports why not and exits. */
_Noreturn void spawn_child(const struct spawn_spec *spec, int report_fd);

/** A pipe for the report: close-on-exec, non-blocking. 0 or -errno. */
int spawn_report_pipe(int ret_ends[2]);

/**
 * Reads what the child reported.
 *
 * Returns: 1 with *ret when it failed, 0 when it was executed (EOF), -EAGAIN when neither is
 *          known yet, another -errno.
 */
int spawn_report_read(int fd, struct spawn_report *ret);

/**
 * Changes this process's user and groups for good. Nothing when user is NULL, or the user it has.
 *
 * Returns: 0, -EPERM when it is not root, another -errno.
 */
int process_become(const struct spawn_user *user);

/** Signals the process behind a pidfd. 0, -ESRCH when it has ended, another -errno. */
int process_handle_signal(int pidfd, int signo);
/**
 * Signals the group that the process was started as the leader of, and the process itself where
 * it has left that group. It must not have been reaped.
 *
 * Returns: 0, -ESRCH when nobody is there, another -errno.
 */
int process_group_signal(pid_t pid, int pidfd, int signo);
/**
 * Reaps it if it has ended.
 *
 * Returns: 1 with the wait status, 0 when it lives, -ECHILD when it is not a child of ours.
 */
int process_handle_reap(int pidfd, int *ret_status);

/**
 * The sentence for people and for spawnerr: "can't find command 'x'", "couldn't chdir to /x:
 * ENOENT". Returns buf.
 */
const char *spawn_report_text(const struct spawn_report *r, const char *argv0, char *buf,
			      size_t size);

/** What waitid(2) told, in waitpid's encoding (WIFEXITED and so on). */
int spawn_wait_status(const siginfo_t *si);

/** Text as Python writes it: 'x', or "it's". For Supervisor's texts. Returns buf. */
const char *text_quote(const char *text, char *buf, size_t size);

/**
 * POSIX shell-like words: quotes and backslash; no variables, globs, pipes or comments.
 *
 * Returns: number of words with *ret NULL-terminated (free it with words_freep),
 *          -EINVAL with "No closing quotation" or "No escaped character" in diag, -ENOMEM.
 */
int words_split(const char *text, struct diag *diag, char ***ret);
/** For CLEANUP: frees the words and the list. */
void words_freep(char ***words);

/**
 * An environment under construction: later settings win, order of first appearance is kept.
 * NULL-terminated at all times.
 */
struct env {
	char **at;
	bool *owned; /* by place: copied rather than borrowed */
	size_t len, room;
};

/** Harmless when zeroed. */
void env_done(struct env *e);
/** "K=V" copied; replaces K. 0 or -ENOMEM. Without '=' it is ignored. */
int env_set(struct env *e, const char *setting);
/** As env_set, of a formatted text. */
int env_setf(struct env *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Borrows the settings of a NULL-terminated list (NULL: nothing): they must outlive e. */
int env_add(struct env *e, char *const *list);
/** Borrows slotd's own environment, without what systemd meant for slotd alone. */
int env_inherit(struct env *e);
/** Nothing when it is not set. */
void env_unset(struct env *e, const char *name);
/** The value, borrowed until it is changed; NULL when it is not set. */
const char *env_get(const struct env *e, const char *name);
/** Has a NULL-terminated list (or NULL) of settings one of that name? */
bool env_list_has(char *const *list, const char *name);
