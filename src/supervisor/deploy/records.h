#pragma once

/** Writing the state file, live_file, live_link and the history, and telling who waits for that. */

#include "service/service.h"

struct json_t;

/** Reads the state file. Returns 0, or -errno and diag if it cannot be read. */
int records_init(struct supervisor *sup, struct diag *diag);
void records_done(struct supervisor *sup);
/** Returns the state file as it was read or last written, borrowed. *ret_damage: why it could not
 * be read, or NULL. */
const struct json_t *records_state(const struct supervisor *sup, const char **ret_damage);
/** Checks whether a flip to the target can be recorded; ends in RECORD_OK or RECORD_FAILED. */
void records_check(struct service *s);
/** Records which slot is live; ends in RECORDED if the swap waits for it. */
void records_write(struct service *s);
/** Writes only the state file, which has the job numbers. */
void records_write_state(struct supervisor *sup);
/** Tries at once what could not be written and waits for its next turn: slotd ends. */
void records_try_again(struct supervisor *sup);
/** Is something still to be written? When nothing is any more, a shutdown goes on. */
bool records_busy(const struct supervisor *sup);
/**
 * Appends a line of JSON to state_dir/history. Takes line. If it ends the job of a service, the row
 * of that job is freed once the line is written; service may be NULL.
 */
void records_history(struct supervisor *sup, char *line, const char *service);
/** A line that the former slotd has not written; records_resume does. Takes nothing. */
void records_leave_line(struct supervisor *sup, const char *line);
/** Lines that a former slotd had not written are written now. */
void records_resume(struct supervisor *sup);
/** Numbers of jobs are greater than that from now on. */
void records_reserve_job(struct supervisor *sup, uint32_t number);
/** Is there a line of that job among the last ones, or is it to be written? It reads the disk: call
 * it at the start only.
 */
bool records_have_job(const struct supervisor *sup, uint32_t number);
/** Writes the path of the history into buf. */
void records_history_path(const struct supervisor *sup, char *buf, size_t size);
/** Corrects live_file and live_link if they do not name the live slot. */
void records_repair(struct service *s);
/** A service was made, of which nothing is being written yet. Returns 0. */
int records_begin(struct service *s);
/** Forgets what is queued for a service that is removed. */
void records_forget(struct service *s);
uint32_t records_next_job(struct supervisor *sup);
