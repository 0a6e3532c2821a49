#pragma once

/** State to slotd-control: per object, with generations. */

#include "link/helpers.h"
#include "service/service.h"

#include <slotd/message.h>

/** Something of that object changed; it is sent when control can take it, newest state only. */
void publish_process(struct process *p);
void publish_group(struct group *g);
void publish_service(struct service *s);
void publish_daemon(struct supervisor *sup);
int publish_process_added(struct process *p);
void publish_process_gone(struct process *p);
void publish_group_gone(struct group *g);
void publish_service_gone(struct service *s);
/** The available configuration is another one. */
void publish_configs(struct supervisor *sup);
/** An ANSWER or ANSWER_ITEM: after all state that changed before it. 0 or -errno. */
int publish_answer(struct supervisor *sup, struct message *m);
/** slotd-control: a fresh one is told everything; one that has read everything gets what is new. */
void publish_refill(struct helper *h);
void publish_drained(struct helper *h);
int publish_init(struct supervisor *sup);
void publish_done(struct supervisor *sup);
