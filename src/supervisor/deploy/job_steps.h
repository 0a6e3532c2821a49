#pragma once

/** A job's steps, how it ended, its line in the history. */

#include "deploy/job.h"

#include <slotd/plan.h>

/** A log that is not written by then is on a disk that hangs. */
#define JOB_LOG_PATIENCE SECONDS(5)

/** A line of it. */
void job_line(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** It is to be told anew. */
void job_changed(struct job *j);
/** Nothing more comes of it: into the history. */
void job_close(struct job *j);
/** Its line of the history, to be freed; NULL: no memory. */
char *job_history_line(const struct job *j);
/** Writes the path of its log, log_dir/SERVICE-JOB.log. Returns buf. */
const char *job_log_path(const struct job *j, char *buf, size_t size);
/** Its log is complete; whoever follows it is told of its end when that is written. */
void job_end_log(struct job *j);

/** "3/6 gate ok 1.1 s ..." for the step that has ended. */
void job_stepped(struct service *s, const struct plan_action *a);
/** The swap is over: the closing sentence, history, and what the culprit printed last. */
void job_finished(struct service *s, const struct plan_action *a);
/** It has failed, and the commands for that case begin. */
void job_failing(struct service *s, const struct plan_action *a);
/** It failed after the flip, and turns round. */
void job_turned_back(struct service *s, const struct plan_action *a);
/** The slot that it left was drained with force: n connections. */
void job_cut(struct service *s, enum slot_id slot, uint64_t n);
/** The old slot has drained: the last line of the job that waits for it. */
void job_drained(struct service *s, const struct plan_action *a);
/** What a command prints, not at line ends; len 0: it has ended. */
void job_output(struct job *j, const char *data, size_t len);
