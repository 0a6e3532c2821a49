#pragma once

/**
 * Delivers notices: each to the notify= command of its service, or of [slotd].
 *
 * Each service has a queue, and so have all programs that belong to none, whose name is ""; one
 * command of a queue runs at a time. What is not delivered yet is in a memfd that slotd-keep has,
 * so that the next slotd delivers it after a kill or an upgrade; a command that ran then is ended,
 * and run again.
 */

#include "service/service.h"
#include "show/notice_store.h"

/** How a queue is called in the log. Returns name, or a static text. */
const char *notice_queue_label(const char *name);
/** Is anybody to be told of the event? */
bool notice_queue_wants(const struct supervisor *sup, const char *name, enum notice_event event);
/** Returns an id for the next notice. */
uint64_t notice_queues_next_id(struct supervisor *sup);
/** Takes what n holds, and runs its command when its turn has come. Returns 0; or -ENOMEM, and n is
 * the caller's. */
int notice_queue_add(struct supervisor *sup, const char *name, struct notice *n);
/** True once an hour: a full disk is met again and again. False without memory, too. */
bool notice_queue_disk_is_news(struct supervisor *sup, const char *name);
/**
 * Runs the command beside the queue. Whoever asked by the message `id` is answered when it has
 * ended. Borrows n. Returns 0; or -errno with the sentence, and the caller answers.
 */
int notice_queue_test(struct supervisor *sup, const char *name, const struct notice *n, uint32_t id,
		      struct diag *diag);

/** As an observer of services. */
void notice_queue_service_gone(struct service *s);
/** Takes over what a former slotd has not delivered. */
void notice_queues_resume(struct supervisor *sup);
/** slotd-control was lost: nobody waits for the answer to a test any more. */
void notice_queues_forget(struct supervisor *sup);
/** slotd ends: says what is not delivered. */
void notice_queues_done(struct supervisor *sup);
