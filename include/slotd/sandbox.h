#pragma once

/**
 * At its start, a helper gives up everything it does not need: user and capabilities, no_new_privs,
 * a seccomp allow-list, Landlock, dumpable off. It does not use chroot, because workers on unix
 * sockets must be reachable. tests/system/test_sandbox.py tries from inside each helper what it may
 * not do.
 *
 * slotd-spawn has no sandbox: workers would inherit it.
 *
 * slotd starts helpers as its own user, with "--user UID:GID" if they are to change to another one;
 * that user need not be able to reach the executable.
 *
 * Source: seccomp(2), landlock(7), capabilities(7), prctl(2).
 */

#include <slotd/diag.h>

enum sandbox_need {
	SANDBOX_FILES = 1, /* to open, create, rename and remove regular files */
	SANDBOX_INET = 2,  /* to create IP sockets and connect them */
	SANDBOX_UNIX = 4,  /* to create unix sockets and connect them */
	SANDBOX_BIND = 8,  /* to bind sockets as well */
};

struct sandbox_policy {
	unsigned needs;		 /* enum sandbox_need */
	const int *capabilities; /* kept if it runs as root; ends with -1; NULL: none */
};

/**
 * Applies policy for the rest of the process's life. What the kernel does not support (Landlock
 * before 5.13) is left out silently; what it supports must work.
 *
 * Under AddressSanitizer, seccomp and Landlock are left out: its leak check needs ptrace(2)
 * and /proc.
 *
 * @argc, @argv  the arguments of main; anything but --user is refused.
 * Returns: 0, or -errno and diag.
 */
int sandbox_helper(const struct sandbox_policy *policy, int argc, char **argv, struct diag *diag);
