#pragma once

/** [service:x]: a public socket with two slots. */

#include "loader.h"

/** Makes the services; after load_finish_groups. */
int load_services(struct loader *l);
