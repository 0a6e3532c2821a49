#pragma once

/**
 * Processes: how they are created, watched, signalled and reaped.
 *
 * slotd never waits until a child has executed its command, which a slow file or a SIGSTOP may
 * delay. The child sets up, in this order: process group, descriptors 0, 1, 2 (and 3), lookup of
 * the command, address, credentials, limits, user, directory, umask, signals, close-on-exec for all
 * other descriptors; then it calls execve. If something fails, it sends a struct spawn_report
 * through a close-on-exec pipe; EOF there means that the command was executed. Source: Supervisor's
 * ServerProcess; execve(2), clone(2).
 *
 * slotd-spawn creates workers and commands (slotd/spawner.h); spawn() creates slotd's helpers and
 * children that run a function of slotd.
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
	SPAWN_STAGE_FORK, /* no child was created */
	SPAWN_STAGE_CREDENTIALS,
	SPAWN_STAGE_MAX_,
	SPAWN_STAGE_INVALID_ = -22,
};

/** Why a child did not execute its command. It is written in one piece (below PIPE_BUF). */
struct spawn_report {
	int32_t stage; /* enum spawn_stage */
	int32_t error; /* negative errno; LOOKUP: -EISDIR, -ENOEXEC (no x bit), -EACCES, -ENOENT */
	char path[1024]; /* ADDRESS: who holds it; CREDENTIALS: what could not be given */
};

struct spawn_user {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	unsigned n_groups;
	const char *name; /* its groups are looked up at each start; NULL: they are in groups */
};

struct spawner;

struct spawn_spec {
	char *const *argv; /* NULL-terminated */
	char *const *envp;
	const char *search;	       /* PATH in which an argv[0] without '/' is looked up */
	int stdio[3];		       /* borrowed; become 0, 1, 2 */
	int channel_fd;		       /* becomes 3; -EBADF: none */
	const char *directory;	       /* NULL: that of slotd */
	mode_t umask;		       /* (mode_t)-1: that of slotd */
	const struct spawn_user *user; /* NULL: that of slotd */
	const char *address;	       /* TCP address that must be free; NULL: none */
	const char *credentials_dir;   /* to be made for credentials (slotd/credentials.h) */
	char *const *credentials;      /* "NAME:PATH", NULL-terminated; NULL: none */
	bool reset_signals;	       /* do not ignore SIGPIPE and SIGXFSZ */
	bool explain;		       /* write what failed to fd 2, in Supervisor's words */
	int cgroup_fd;		       /* -EBADF: slotd's cgroup */
	const struct rlimit *limits;   /* by resource (RLIMIT_NOFILE, ...) */
	unsigned n_limits;	       /* 0: this process's */
	/** spawner_ask: called before anything is asked for with the request's memfd, borrowed. */
	void (*prepared)(void *owner, int request_fd);
	/** If set, the child calls this instead of executing argv, and exits with its result. */
	int (*run)(void *data);
	void *data;
	/** The child calls this before run: spawner_close_copies, for what spawner's requests carry
	 * is none of run's; NULL: there are none. Named here, it would link libev into slotd-spawn.
	 */
	void (*close_copies)(struct spawner *spawner);
	struct spawner *spawner;
	/** Ends of a pipe, borrowed: run begins when a byte comes, and never if the writer dies. */
	int gate[2];
};

#define SPAWN_SPEC_INIT                                                                       \
	{                                                                                     \
		.stdio = {-EBADF, -EBADF, -EBADF}, .channel_fd = -EBADF, .umask = (mode_t)-1, \
		.cgroup_fd = -EBADF, .gate = {                                                \
			-EBADF,                                                               \
			-EBADF                                                                \
		}                                                                             \
	}

/** The child that spawn has created; the caller owns the descriptors. */
struct spawned {
	pid_t pid;
	int pidfd;
	uint64_t start_ticks; /* by process_start_ticks */
	int report_fd;	      /* non-blocking; readable at exec (EOF) or failure */
};

/**
 * Creates a child of this process by fork(2), which costs the more the larger the process is. An
 * absent stdio descriptor becomes /dev/null.
 *
 * Returns: 0, or -errno (-EMFILE, -EAGAIN, -ENOMEM) if no child was created. The report tells of
 *          failures in the child.
 * Ownership: borrows spec.
 */
int spawn(const struct spawn_spec *spec, struct spawned *ret);

/** Executes the command in a child that was just created; if it fails, reports why and exits. */
_Noreturn void spawn_child(const struct spawn_spec *spec, int report_fd);

/** Makes a pipe for the report, close-on-exec and non-blocking. Returns 0 or -errno. */
int spawn_report_pipe(int ret_ends[2]);

/**
 * Reads the report of a child.
 *
 * Returns: 1 and *ret if the child failed; 0 if its command was executed (EOF); -EAGAIN if neither
 *          is known yet; another -errno.
 */
int spawn_report_read(int fd, struct spawn_report *ret);

/**
 * Changes this process's user and groups for good. Does nothing if user is NULL, or the user that
 * the process has.
 *
 * Returns: 0; -EPERM if it is not root; another -errno.
 */
int process_become(const struct spawn_user *user);

/** Signals the process of a pidfd. Returns 0, -ESRCH if it has ended, or another -errno. */
int process_handle_signal(int pidfd, int signo);
/**
 * Signals the group of which the process was started as the leader, and the process itself if it
 * has left that group. The process must not have been reaped.
 *
 * Returns: 0; -ESRCH if there is no process; another -errno.
 */
int process_group_signal(pid_t pid, int pidfd, int signo);
/** Is nobody left in that process group? */
bool process_group_ended(pid_t group);
/**
 * Reaps the process if it has ended.
 *
 * Returns: 1 and the wait status; 0 if it is alive; -ECHILD if it is not our child.
 */
int process_handle_reap(int pidfd, int *ret_status);

/* ---- processes that are no children of ours: handle.c */

/** The pid behind a pidfd; 0: it has ended and was reaped, or this is no pidfd. */
pid_t process_handle_pid(int pidfd);
/** A pidfd of the process with that pid, if it has started then. -ESRCH: there is none. */
int process_handle_open(pid_t pid, uint64_t start_ticks);
/**
 * How it ended, as far as the system tells: Linux 6.15 does, and /proc while its parent has not
 * reaped it. WORKER_STATUS_UNKNOWN (slotd/worker.h) where it does not.
 */
int process_handle_status(int pidfd, pid_t pid, uint64_t start_ticks);

/**
 * Writes a sentence for people and for spawnerr: "can't find command 'x'", "couldn't chdir to /x:
 * ENOENT". Returns buf.
 */
const char *spawn_report_text(const struct spawn_report *r, const char *argv0, char *buf,
			      size_t size);

/** Returns what waitid(2) has reported in the encoding of waitpid (WIFEXITED and so on). */
int spawn_wait_status(const siginfo_t *si);

/** Quotes a text as Python does, as 'x' or "it's", for Supervisor's texts. Returns buf. */
const char *text_quote(const char *text, char *buf, size_t size);

/**
 * Splits a text into words as a POSIX shell does: with quotes and backslashes, but without
 * variables, patterns, pipes and comments.
 *
 * Returns: the number of words, with *ret NULL-terminated (to be freed by words_freep); -EINVAL
 *          and "No closing quotation" or "No escaped character" in diag; -ENOMEM.
 */
int words_split(const char *text, struct diag *diag, char ***ret);
/** For CLEANUP: frees the words and the list. */
void words_freep(char ***words);

/**
 * An environment under construction. A later setting of a variable replaces the earlier one in its
 * place. The list is NULL-terminated at all times.
 */
struct env {
	char **at;
	bool *owned; /* by index: the setting is a copy, and not borrowed */
	size_t len, room;
};

/** Frees the list. Accepts a zeroed one. */
void env_done(struct env *e);
/** Copies a setting "K=V", in the place of an earlier one of K. A text without '=' is ignored.
 * Returns 0 or -ENOMEM. */
int env_set(struct env *e, const char *setting);
/** Like env_set, with a formatted text. */
int env_setf(struct env *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Adds the settings of a NULL-terminated list (or NULL), which are borrowed and must outlive e. */
int env_add(struct env *e, char *const *list);
/** Adds slotd's own environment, which is borrowed, without the variables that systemd meant for
 * slotd alone. */
int env_inherit(struct env *e);
/** Adds what a helper needs of slotd's own environment, borrowed: time zone, language, what a
 * debugger or sanitizer wants. Secrets for workers may be in the rest. */
int env_for_helper(struct env *e);
/** Removes a variable if it is set. */
void env_unset(struct env *e, const char *name);
/** Returns the value of a variable, borrowed until it is changed; NULL if it is not set. */
const char *env_get(const struct env *e, const char *name);
/** Does a NULL-terminated list of settings (or NULL) set this variable? */
bool env_list_has(char *const *list, const char *name);
