#pragma once

/**
 * A stream is one pipe of one run of a worker. slotd keeps the read end until slotd-log has
 * written its last byte, so that a new slotd-log can go on with it. A worker that starts again
 * has new pipes; the old ones may still be draining then. A job has streams, too.
 */

#include "worker/process.h"

struct stream {
	struct streams *all;
	struct stream *next, *next_of_process;
	uint32_t id;
	unsigned row;		 /* in the ledger */
	struct process *process; /* NULL: it is gone */
	int channel;		 /* 0 stdout, 1 stderr */
	int fd;
	bool announced;	   /* slotd-log was told */
	bool refusal_told; /* that its descriptor cannot be had */
	pid_t pid;
	char *name, *group, *path;
	struct log_config config; /* numbers only; its path is not used */
	bool strip_ansi, is_auto, indent, ending;
	void (*closed)(void *data); /* of one that is no worker's; may be NULL */
	void *data;
	uint64_t lost_lines, lost_bytes; /* totals that slotd-log told */
	ledger_text ledger_path, ledger_name;
};
