#pragma once

/**
 * A job's log: two streams of slotd-log into one file. What slotd says of its steps comes by a
 * pipe of its own, what commands print by another, whose lines slotd-log indents: so no command
 * can say a step. While commands have theirs, slotd's lines wait here: the file has them in order.
 *
 * Nothing here waits for slotd-log: lines for which there is no room are left out.
 */

#include "worker/streams.h"

struct job_log;
/** All that commands printed is written; or all of the log. */
typedef void job_log_fn(struct job_log *log);

struct job_log {
	struct supervisor *sup;
	char *service, *path;
	unsigned number;
	uint32_t own, commands; /* streams; 0: none, or written to the end */
	bool begun;		/* slotd-log knows them */
	bool ending;		/* no more lines come */
	int fd;			/* write end of own; -EBADF */
	struct loop_io io;
	char *queue; /* what waits for room in the pipe, or for the commands */
	size_t len;
	uint32_t column; /* of text that is indented here */
	job_log_fn *written;
};

/** Makes the pipe. Lines may come; they wait until job_log_begin. 0 or -errno: it has no log. */
int job_log_open(struct job_log *log, struct supervisor *sup, const char *service, unsigned number,
		 const char *path, job_log_fn *written);
/**
 * Goes on with the log of a job that a former slotd had begun, whose streams are known again. As
 * far as that is not possible, it is as if it had just been opened.
 */
int job_log_adopt(struct job_log *log, struct supervisor *sup, const char *service, unsigned number,
		  const char *path, job_log_fn *written);
/**
 * Takes over what is still to be written of the log of a job that a former slotd had ended: to be
 * ended by job_log_end. False: all is written, and log is as zeroed.
 */
bool job_log_adopt_rest(struct job_log *log, struct supervisor *sup, const char *service,
			unsigned number, const char *path, job_log_fn *written);
/** slotd-log may open the file now. */
void job_log_begin(struct job_log *log);
/** A whole line, without its newline. */
void job_log_line(struct job_log *log, const char *text);
/** Text below a step, not at line ends; len 0: it is over. */
void job_log_text(struct job_log *log, const char *data, size_t len);
/** A pipe for commands of that user: its write end, the caller's to close. 0 or -errno. */
int job_log_commands(struct job_log *log, uid_t uid, gid_t gid, int *ret_fd);
/** They have ended. Whoever else has their pipe writes to nobody soon. */
void job_log_commands_end(struct job_log *log);
/** No more lines come. */
void job_log_end(struct job_log *log);
/** Is something still to be written? */
bool job_log_open_still(const struct job_log *log);
/** What waits is given up, as far as it does not fit into the pipe at once. */
void job_log_done(struct job_log *log);
