#pragma once

/**
 * Notices: what notify= commands are told. Their words, and when a command that fails is run again
 * (core/notice.c). Pure.
 */

#include <slotd/usec.h>

#include <stdbool.h>

enum notice_event {
	NOTICE_DEPLOY_STARTED, /* a deploy, swap, rollback or rolling restart has begun */
	NOTICE_DEPLOY_DONE,
	NOTICE_DEPLOY_FAILED, /* nothing was swapped */
	NOTICE_ROLLED_BACK,   /* flipped back by itself, or a rollback is done */
	NOTICE_FATAL,	      /* a worker that does not start */
	NOTICE_CANARY_OLD,    /* a canary is neither promoted nor aborted for long */
	NOTICE_DISK_FULL,     /* a log or a record cannot be written for want of room */
	NOTICE_DRAIN_LONG,    /* drain_timeout was over, and connections were closed */
	NOTICE_TEST,	      /* slotctl notify --test; never left out */
	NOTICE_EVENT_MAX_,
	NOTICE_EVENT_INVALID_ = -22,
};

/** Returns "deploy-started", ...; "?" for a number that is no event. */
const char *notice_name(enum notice_event event);
/** Returns the event of that name, or -EINVAL. */
enum notice_event notice_find(const char *name);
/** Is it in the NULL-terminated list of names? NULL: every event is. */
bool notice_wanted(enum notice_event event, char *const *names);

enum {
	NOTICE_TRIES = 6,      /* the first, and five more */
	NOTICE_QUEUE_MAX = 32, /* of a service; then the oldest is dropped */
};

/** How far a queue is with its first notice. */
struct notice_pace {
	unsigned failures; /* of the first */
	usec_t next;	   /* when it may be tried; 0: at once */
};

enum notice_outcome {
	NOTICE_DELIVERED, /* the next one is first now */
	NOTICE_AGAIN,	  /* at pace->next: 1, 5, 30, 120, 600 s after a failure */
	NOTICE_GIVEN_UP,  /* as delivered, and that is to be said */
};

/** A command has ended, well or not. */
enum notice_outcome notice_ended(struct notice_pace *pace, bool well, usec_t now);
