#pragma once

/**
 * The n-th call fails: of those calls of the system (and of the fake platform) that can fail with
 * a given errno. Counting begins with faults_arm.
 */

#include <stdbool.h>

/* What a call does, hence how it can fail; bits. */
enum fault_class {
	FAULT_ALLOC = 1,   /* malloc and whatever calls it */
	FAULT_OPEN = 2,	   /* makes a descriptor */
	FAULT_FILE = 4,	   /* makes or changes something on a disk */
	FAULT_WRITE = 8,   /* write, sendmsg */
	FAULT_READ = 16,   /* read, recvmsg */
	FAULT_KERNEL = 32, /* makes something in the kernel that has a limit */
	FAULT_WAIT = 64,   /* waitid */
	FAULT_SPAWN = 128, /* a process */
	FAULT_CHILD = 256, /* what a child of slotd's own does */
};

/* A descriptor that a channel holds in reserve: it is tried again at the next message. */
#define FAULT_RESERVE "fcntl(F_DUPFD) of a reserve"

/** The n-th call (from 1; 0: none) that can fails with this errno. */
void faults_arm(unsigned n, int error);
void faults_disarm(void);
/** Only what slotd does is counted: between false and true. Nests. */
void faults_pause(bool on);
/** Calls so far that could have failed. */
unsigned faults_counted(void);
/** What failed: "malloc"; NULL: nothing yet. */
const char *faults_fired(void);

/** Is it this call's turn? Then errno is set. */
bool fault(unsigned classes, const char *what);
