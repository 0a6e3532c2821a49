#pragma once

/**
 * A deploy, swap or rollback as people see it.
 *
 *	jobs.c       who may begin one, and what is told of it to slotd-control
 *	job_steps.c  its steps, how it ended, its line in the history
 *	job_log.c    its log
 *	job_files.c  what is read of logs, in a child
 *	job_history.c  those of a former slotd
 */

#include "deploy/job_log.h"
#include "service/service.h"

enum {
	JOB_NAME_MAX = 64, /* of a person, of a release */
};

struct job {
	uint32_t number;
	struct supervisor *sup;
	struct service *service; /* NULL: gone */
	char name[LEDGER_NAME_MAX];
	enum swap_kind kind;
	enum slot_id from, to;
	char who[JOB_NAME_MAX], release[JOB_NAME_MAX];
	usec_t began_wall, began, step_began;
	enum swap_step step;
	unsigned total;	   /* "3/6" */
	bool prepared;	   /* its commands ran: they are not undone */
	bool back;	   /* it failed after the flip, and turned round */
	uint64_t draining; /* connections of the old slot at the flip */
	uint64_t cut;	   /* of these, ended with force */

	bool done;
	usec_t ended_wall; /* 0: not known */
	int code;
	char text[PLAN_TEXT_MAX];
	/* of one that failed: */
	enum swap_step failed_in;
	char why[PLAN_TEXT_MAX];       /* one line */
	char culprit[LEDGER_NAME_MAX]; /* the worker; "" for none */
	struct job_log log;
	struct child tidy; /* makes room for its log */
	struct child tail; /* reads what the culprit printed last; other commands wait for it */
	bool tail_said;	   /* it has said something */
	bool over;	   /* nothing but that is waited for */

	bool dirty; /* slotd-control does not know it as it is */
	bool ended; /* done, and all of its log is written: whoever follows it can stop */
	struct loop_timer patience; /* for that */
};
