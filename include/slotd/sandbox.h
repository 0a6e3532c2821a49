#pragma once

/**
 * How a helper gives up what it does not need, right at its start: user and capabilities,
 * no_new_privs, a seccomp allow-list, Landlock, dumpable off. Not chroot: workers on unix sockets
 * must be reachable.
 *
 * slotd starts helpers as itself, with "--user UID:GID" where another user is to be taken (the
 * executable need not be reachable for that user then).
 *
 * Source: seccomp(2), landlock(7), capabilities(7), prctl(2).
 */

#include <slotd/diag.h>

enum sandbox_need {
	SANDBOX_FILES = 1, /* opens files: no Landlock, file calls allowed */
	SANDBOX_INET = 2,  /* makes TCP sockets */
	SANDBOX_UNIX = 4,  /* makes unix sockets */
};

struct sandbox_policy {
	unsigned needs;		 /* enum sandbox_need */
	const int *capabilities; /* kept when running as root, ends with -1; NULL: none */
};

/**
 * Applies policy for the rest of the process's life. What the kernel does not have (Landlock
 * before 5.13) is left out silently; what it has must work.
 *
 * Under AddressSanitizer, seccomp and Landlock are left out: its leak check needs ptrace(2)
 * and /proc.
 *
 * @argc, @argv  of main; --user is read, anything else is refused.
 * Returns: 0, or -errno and diag.
 */
int sandbox_helper(const struct sandbox_policy *policy, int argc, char **argv, struct diag *diag);
