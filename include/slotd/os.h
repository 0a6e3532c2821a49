#pragma once

/** Functions of the system that concern slotd itself and other processes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/**
 * Prepares the descriptors with which slotd was started: 0, 1 and 2 are opened (/dev/null) if they
 * are missing, all others become close-on-exec. To be called before anything else is opened.
 */
int os_adopt_descriptors(void);
/** Is this a descriptor above 2 with which slotd was started? */
bool os_inherited(int fd);
/** Takes one of them: it is no longer passed on, but close-on-exec. Returns fd, or -EBADF: it is
 * none. */
int os_take_inherited(int fd);
/** Passes these descriptors on; to be called before slotd executes itself again. */
void os_pass_inherited(void);

/**
 * Blocks HUP, USR1 and USR2, which slotd handles, while it does not handle them yet: they would end
 * it. They wait for loop_signal_start, which blocks all that it watches in the same way.
 */
void os_defer_signals(void);

/** Makes orphans of our workers our children. Returns 0 or -errno. */
int os_become_subreaper(void);

/**
 * Gives this process precedence over others with the default priority; its children do not inherit
 * that. Does nothing if another priority or scheduling policy was set, which children do inherit,
 * or if it is not permitted.
 */
void os_come_first(void);

/**
 * Raises the soft limit to at least min, and the hard limit, too, if that is permitted.
 *
 * @resource  RLIMIT_NOFILE, RLIMIT_NPROC.
 * @all       raise the soft limit to the hard limit, whatever min says.
 * Returns: 1 if it was changed, with the new soft limit in *ret; 0; -errno if min cannot be
 *          reached.
 */
int os_raise_limit(int resource, uint64_t min, bool all, uint64_t *ret);

/**
 * Records the soft limit of descriptors with which slotd was started, before it is raised. Children
 * get it back, because many programs close every descriptor they could have, or cannot use numbers
 * from 1024 on.
 *
 * @min  the least that children get (minfds=).
 */
void os_note_limits(uint64_t min);
/** Returns the limits of a child that is not a helper: those of this process, with the recorded
 * limit of descriptors (or min). */
void os_child_limits(struct rlimit ret[RLIM_NLIMITS]);
/** Restores the recorded limit before slotd executes itself again, so that the next run can record
 * it. */
void os_restore_limits(void);

/**
 * Makes a pipe, close-on-exec, for the output or input of a child that runs as uid. If slotd is
 * permitted to, it gives the pipe to that user, who can then open it by name (/dev/stdout).
 *
 * @uid, @gid  (uid_t)-1 and (gid_t)-1: unchanged.
 * Returns: 0 or -errno.
 */
int os_pipe_of(uid_t uid, gid_t gid, int ret_ends[2]);

/**
 * Makes the stack grow now to the size that this process will need: if a memory limit refused a
 * page later, that would be a SIGSEGV. It takes address space, but no memory.
 */
void os_reserve_stack(void);

/** Returns the start time of a process in clock ticks since boot (field 22 of /proc/PID/stat); 0 if
 * there is no such process. */
uint64_t process_start_ticks(pid_t pid);
/** Returns the start time that a process has which starts now. */
uint64_t process_ticks_now(void);
/** Does the process exist, and not only as a zombie that its parent has not reaped? */
bool process_alive(pid_t pid);
/**
 * Wait status of one that has ended and that its parent has not reaped, if it has started then. 0,
 * or -ESRCH: there is none, or we may not know.
 */
int process_zombie_status(pid_t pid, uint64_t start_ticks, int *ret_status);
/** Writes the name of the command (comm) into buf, "?" if it is unknown. Returns buf. */
const char *process_comm(pid_t pid, char *buf, size_t size);
/** Returns 'R', 'S', 'D' (waits for a disk), 'T' (stopped) or 'Z'; 0 if it is unknown. See state in
 * proc(5). */
char process_state(pid_t pid);
/** Returns the pid of the parent; 0 if it is unknown. */
pid_t process_parent(pid_t pid);
/** Is one of these sockets (inodes, as in /proc/net) among its descriptors? False if there is no
 * permission to look. */
bool process_holds_socket(pid_t pid, const unsigned long *inodes, size_t n);

/** Creates a directory and its parents. Returns 0 or -errno. */
int os_make_directories(const char *path, mode_t mode);

/** Returns the number of a signal given as "TERM", "SIGTERM" or "15", in any case; or -EINVAL. */
int signal_number(const char *text);
