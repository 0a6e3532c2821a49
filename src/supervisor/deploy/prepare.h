#pragma once

/** The prepare commands. */

#include "service/service.h"

void prepare_start(struct service *s);
void prepare_stop(struct service *s);
