#pragma once

/** Following a deploy, swap or rollback as its lines come. */

#include "commands.h"

/**
 * Prints the job's lines until it is done and sets the exit code to its own. On a terminal a last
 * line tells what it waits for. Ctrl-C asks slotd to abort it, a second one leaves it alone. When
 * slotd has died, or the connection is lost, it waits some seconds for the next slotd or
 * slotd-control: exit 13 if none comes.
 *
 * @service  for abort and for what to type next; borrowed.
 * @may_abort  false: Ctrl-C only stops following.
 */
void job_follow(struct ctl *ctl, int number, const char *service, bool may_abort, bool json);
/** The same, but only until the job has come to that step. False: it ended before. */
bool job_follow_to(struct ctl *ctl, int number, const char *service, const char *step, bool json);

/** A job that somebody asks for. */
struct job_ask {
	enum command command;
	const char *service, *release; /* a deploy has one, which may be "" */
	const char *share;	       /* of canary and ab */
	bool force;
	bool until_gate;
};
/** Asks for it, and follows it; in cmd_service.c. */
void job_run(struct ctl *ctl, const struct words *words, const struct job_ask *q);
/** A canary has begun: waits until it has its share, and says what can be done; in cmd_canary.c. */
void canary_begun(struct ctl *ctl, const char *service, bool json);
