#pragma once

/** Jobs of a slotd that was killed. */

#include "service/service.h"

/**
 * The service's job goes on, or what is missing of its end is said: one line in the history,
 * whenever slotd was killed.
 */
void job_adopt(struct service *s);
