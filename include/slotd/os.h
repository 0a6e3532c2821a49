#pragma once

/** What slotd asks of the system about itself and about other processes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/**
 * Puts the descriptors in order with which slotd was started: 0, 1 and 2 exist (/dev/null), all
 * others are close-on-exec. Before anything else is opened.
 */
int os_adopt_descriptors(void);
/** Is it, above 2, one of those with which slotd was started, and not slotd's own work? */
bool os_inherited(int fd);
/** Before slotd executes itself again: they pass on. */
void os_pass_inherited(void);

/**
 * Signals that slotd handles but that would end a process which has not come so far, or comes no
 * more: HUP, USR1, USR2. They wait, also across an exec, until they are heard.
 */
void os_defer_signals(void);
void os_hear_signals(void);

/** Orphans of our workers become our children. 0 or -errno. */
int os_become_subreaper(void);

/**
 * This process comes before others of the default priority; its children do not inherit that.
 * Nothing when somebody has chosen another priority or scheduling policy, which children inherit,
 * or when it is not allowed.
 */
void os_come_first(void);

/**
 * Raises the soft limit to at least min (the hard limit too, where that is allowed).
 *
 * @resource  RLIMIT_NOFILE, RLIMIT_NPROC.
 * @all       raise the soft limit to the hard one, whatever min says.
 * Returns: 1 when it was changed, with the new soft limit in *ret; 0; -errno when min is out of
 *          reach.
 */
int os_raise_limit(int resource, uint64_t min, bool all, uint64_t *ret);

/**
 * Notes the soft limit of descriptors with which slotd was started, before it is raised: many
 * programs close all they might have, or cannot use numbers from 1024 on.
 *
 * @min  what children get at least (minfds=).
 */
void os_note_limits(uint64_t min);
/** The limits of a child that is no helper: this process's, but for the noted one (or min). */
void os_child_limits(struct rlimit ret[RLIM_NLIMITS]);
/** In such a child that slotd itself made, just before exec. */
void os_give_limits_back(void);
/** Before slotd executes itself again: the noted limit, which the next run shall note again. */
void os_restore_limits(void);

/**
 * A pipe for the output or input of a child that runs as uid, close-on-exec. It belongs to that
 * user, who may then open it by name (/dev/stdout), where we may give things away at all.
 *
 * @uid, @gid  (uid_t)-1 and (gid_t)-1: left as they are.
 * Returns: 0 or -errno.
 */
int os_pipe_of(uid_t uid, gid_t gid, int ret_ends[2]);

/**
 * Lets the stack grow now to what this process will need of it: a page that memory limits refuse
 * later would be a SIGSEGV in the middle of some work. Takes address space, no memory.
 */
void os_reserve_stack(void);

/** Start time in clock ticks since boot (field 22 of /proc/PID/stat); 0 when there is none. */
uint64_t process_start_ticks(pid_t pid);
/** That of a process that starts now. */
uint64_t process_ticks_now(void);
/** Does it exist, and not only as a zombie that its parent has not reaped? */
bool process_alive(pid_t pid);
/** The command's name (comm), "?" when unknown. Returns buf. */
const char *process_comm(pid_t pid, char *buf, size_t size);
/** 'R', 'S', 'D' (waits for a disk), 'T' (stopped), 'Z'; 0 when unknown. proc(5), state. */
char process_state(pid_t pid);
/** The parent's pid; 0 when unknown. */
pid_t process_parent(pid_t pid);
/** Is one of these sockets (inodes, as in /proc/net) among its descriptors? False if we may not
 * look. */
bool process_holds_socket(pid_t pid, const unsigned long *inodes, size_t n);

/** Makes a directory and its parents. 0 or -errno. */
int os_make_directories(const char *path, mode_t mode);

/** "TERM", "SIGTERM", "15", in any case. The number, or -EINVAL. */
int signal_number(const char *text);
