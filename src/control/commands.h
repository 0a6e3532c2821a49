#pragma once

/**
 * Requests that slotd has not answered yet: MSG_COMMAND, MSG_STDIN and MSG_EVENT, paired with
 * MSG_ANSWER by id; MSG_ANSWER_ITEMs before it are collected.
 */

#include <slotd/channel.h>
#include <slotd/vec.h>

struct answer_item {
	int64_t code;
	char *group, *name, *text; /* never NULL */
};

enum {
	ANSWER_ITEMS_MAX = 20000,
};

/** What came back. Valid during the callback. */
struct answer {
	int64_t code; /* a fault number; 80 is success */
	const char *text, *path;
	int64_t job;
	int fd; /* of a log; the callback may take it (TAKE_FD), else it is closed */
	const struct answer_item *items;
	size_t n_items;
};

struct pending;
typedef void command_fn(struct pending *c, struct answer *a);

/** Embedded in whoever waits. */
struct pending {
	uint32_t id; /* 0: not waiting */
	command_fn *answered;
	struct pending *next, *previous;
	bool failing; /* waits while commands_fail runs */
	VEC(struct answer_item) items;
};

struct commands {
	struct channel *channel;
	bool nobody; /* slotd has died: command_send is -ENOTCONN */
	uint32_t last_id;
	struct pending *first;
};

/** A fresh id for the message to send. Never 0. */
uint32_t command_id(struct commands *all);
/**
 * Sends m, which has an id of command_id; answered is called once, later, unless it is cancelled.
 *
 * Errors: those of channel_send; nothing is called then.
 */
int command_send(struct commands *all, struct pending *c, struct message *m, command_fn *answered);
/** Nobody waits any more: tells slotd. Harmless when c is not waiting. */
void command_cancel(struct commands *all, struct pending *c);
/** Takes an ANSWER or ANSWER_ITEM in. */
void commands_received(struct commands *all, struct message *m);
/** Answers all that wait with LOST and text: slotd is gone or another one, and what it was asked
 * for may have been begun. */
void commands_fail(struct commands *all, const char *text);
