#pragma once

/** Old releases are removed after a deploy: keep_releases= and releases_directory=. */

#include "service/service.h"

/** A deploy into that slot has succeeded: releases that no slot uses go, but for the newest. */
void releases_prune(struct service *s, enum slot_id slot);
/** Nothing more is removed; a part of the service, and whenever a job begins. */
void releases_stop(struct service *s);
