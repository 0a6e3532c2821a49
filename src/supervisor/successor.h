#pragma once

/**
 * The next slotd in this process: the same command line is executed again, after a restart that
 * stopped everything, or for an upgrade that leaves everything running.
 */

#include <slotd/diag.h>

#include <slotd/usec.h>

#include <limits.h>
#include <stdbool.h>

/** What systemd is asked for: users and hosts are looked up at the start, which may take its time.
 */
#define START_PATIENCE SECONDS(300)

enum {
	SUCCESSOR_FILE_MAX = 64,
	SUCCESSOR_DIRECTORIES_MAX = 3 * PATH_MAX,
};

struct successor {
	char **argv;		       /* borrowed from main */
	char exe[PATH_MAX];	       /* the path, not the file: a package may replace it */
	char directory[PATH_MAX];      /* in which slotd was started; "": unknown */
	char file[SUCCESSOR_FILE_MAX]; /* which file that was */
	bool daemonized;	       /* it shall not leave a terminal once more */
};

/** What the slotd before left to this one when it executed it. */
struct upgraded {
	unsigned count; /* upgrades so far in this process; 0: this is no upgrade */
	int lock_fd;	/* with the lock of state_dir; -EBADF: none */
	int former_fd; /* the slotd before, to be executed if this one cannot start; -EBADF: none */
	char why[DIAG_TEXT_MAX + DIAG_FILE_MAX +
		 16]; /* this is the one before again: what failed */
	/** state_dir, run_dir and log_dir of the one before, a line each; "": it did not say. */
	char directories[SUCCESSOR_DIRECTORIES_MAX];
};

/** Notes path and directory. To be called before slotd changes its directory. */
void successor_note(struct successor *s, char **argv);
/** Device, inode and time of the file that this process runs, as a word. Returns buf. */
const char *successor_file(char *buf, size_t size);
/** Is this process a daemon already, made by the slotd that executed this one? */
bool successor_is_daemon(void);
/** Everything has ended: executes the path, or what this process runs. Returns the exit status. */
int successor_restart(const struct successor *s);
/**
 * Everything goes on: executes the path, which takes over what slotd-keep holds; if that cannot be
 * executed, what this process runs. Returns -errno if that could not be executed either.
 *
 * @own  what this one leaves, its count and its directories; the lock of state_dir is not let go in
 *       between.
 */
int successor_upgrade(const struct successor *s, struct upgraded *own);
/**
 * Reads what successor_upgrade has left; to be called before anything else is opened. Descriptors
 * are the caller's.
 */
void successor_upgraded(struct upgraded *ret);
/** This slotd cannot start: executes the one before, which is told why, and whether it is a daemon
 * already. Returns if there is none.
 */
void successor_fall_back(struct upgraded *u, char **argv, bool daemonized, const char *why);
