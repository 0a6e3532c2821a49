#pragma once

/**
 * slotd.follow: a job's state and the lines of its log. The log is a file that slotd-log writes;
 * while somebody follows it is looked at four times a second, as follow.c does with a worker's.
 */

#include "jobs.h"

struct control;

/** A job changed: answers those who follow it. */
void follow_notify(struct control *control, const struct job *job);
/** slotd has died: tells all who follow a job. */
void follow_lost(struct control *control);
/** Nobody follows any more. */
void followers_done(struct control *control);
