#pragma once

/** Old releases are removed after a deploy: keep_releases= and releases_directory=. */

#include "service/service.h"

/** A deploy into that slot has succeeded: releases that no slot uses go, but for the newest. */
void releases_prune(struct service *s, enum slot_id slot);
/** Ends the removal that a killed slotd had begun; it goes on after the next deploy. */
void releases_end_former(struct service *s);
/** Nothing more is removed; a part of the service, and whenever a job begins. */
void releases_stop(struct service *s);
