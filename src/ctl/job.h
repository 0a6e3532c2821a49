#pragma once

/** Following a deploy, swap or rollback as its lines come. */

#include "commands.h"

/**
 * Prints the job's lines until it is done and sets the exit code to its own. On a terminal a last
 * line tells what it waits for. Ctrl-C asks slotd to abort it, a second one leaves it alone; a
 * connection that is lost is tried again, for slotd-control may restart: then exit 13.
 *
 * @service  for abort and for what to type next; borrowed.
 * @may_abort  false: Ctrl-C only stops following.
 */
void job_follow(struct ctl *ctl, int number, const char *service, bool may_abort, bool json);
