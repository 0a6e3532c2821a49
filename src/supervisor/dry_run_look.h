#pragma once

/** What a deploy would find on the disk and at ports: in a child of dry_run.c. */

#include <stddef.h>
#include <stdint.h>

/** An address of the idle slot's workers. */
struct dry_run_port {
	const char *address;
	const char *name; /* of the worker */
	int pid;	  /* of the worker that has it now; 0: it does not run */
};

struct dry_run_look {
	const char *directory; /* NULL: none */
	uint64_t min_free;     /* bytes; 0: it does not matter */
	const struct dry_run_port *ports;
	size_t n_ports;
};

/**
 * For child_run: prints a line for the disk, and one for each port, on fd 1. A line with '!' at its
 * beginning says what would make the deploy fail.
 */
int dry_run_look(void *data);
