#pragma once

/** What the commands of a deploy should leave to slotd. */

#include "service_making.h"

/** Warns of commands that do what slotd does. */
void hooks_check(struct service_making *m);
