#pragma once

/** Sends state to slotd-control, for each object, with generations. */

#include "link/helpers.h"
#include "service/service.h"

#include <slotd/message.h>

/** The object has changed; its newest state is sent as soon as slotd-control can accept it. */
void publish_process(struct process *p);
void publish_group(struct group *g);
void publish_service(struct service *s);
void publish_daemon(struct supervisor *sup);
int publish_process_added(struct process *p);
void publish_process_gone(struct process *p);
void publish_group_gone(struct group *g);
void publish_service_gone(struct service *s);
/** There is a new configuration. */
void publish_configs(struct supervisor *sup);
/** Sends an ANSWER or ANSWER_ITEM, after all state that changed before it. Returns 0 or -errno. */
int publish_answer(struct supervisor *sup, struct message *m);
/** A new slotd-control gets everything; one that has read everything gets what has changed. */
void publish_refill(struct helper *h);
void publish_drained(struct helper *h);
/** Something that it was to know is lost: in a second it gets everything. */
void publish_again(struct helper *h);
void publish_missed(struct helper *h, bool vital);
int publish_init(struct supervisor *sup);
void publish_done(struct supervisor *sup);
