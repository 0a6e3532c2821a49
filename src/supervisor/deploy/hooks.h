#pragma once

/**
 * The commands of a deploy: prepare, verify, after_swap, on_failure. What they print goes to the
 * job's log, which slotd does not read.
 */

#include "service/service.h"

#include <slotd/plan.h>

/** Returns the worker of a slot whose settings its commands have; NULL if the slot is empty. */
const struct process *hooks_worker(const struct service *s, enum slot_id slot);
/** Says whom its commands run as. False: as slotd. What ret points at is borrowed. */
bool hooks_user(const struct process *worker, struct spawn_user *ret);
/** Makes the environment of the commands of a slot, but for what belongs to a job. 0, -ENOMEM. */
int hooks_environment(const struct service *s, enum slot_id slot, const struct process *worker,
		      struct env *env);
/** Returns a descriptor from which sh can read the commands, or -errno. */
int hooks_script_file(const char *script);
/**
 * Runs commands of a slot in a shell: as the user and in the directory of its commands, with the
 * limits that slotd itself was started with. spec has all else.
 *
 * @flags   of sh, such as "-e".
 * @script  of hooks_script_file.
 * Returns 0 or -errno.
 */
int hooks_shell(struct service *s, const struct process *worker, const char *flags, int script,
		const struct env *env, struct child *c, struct child_spec *spec);
/** A part of a service: 0. */
int hooks_init(struct service *s);
/** Runs the commands; ends in COMMANDS. */
void hooks_start(struct service *s, enum hook hook);
void hooks_stop(struct service *s);
/**
 * Runs the commands beside the phase: spec has done and output, and says how long they may take; c
 * is the caller's. What they print is all the output there is. Returns 0; or -errno, -ENOENT: there
 * is no worker whose user and directory they could have.
 */
int hooks_run_apart(struct service *s, enum hook hook, struct child *c, struct child_spec *spec);
/** Such commands have ended. */
void hooks_ran_apart(struct service *s);
/** They have had their time: ends in TIMER. */
void hooks_time_out(struct service *s);
/** Something of the job's log is written: maybe all that they printed, or that comes before. */
void hooks_written(struct service *s);
/** Those that a killed slotd had started. */
void hooks_end_former(struct service *s);
