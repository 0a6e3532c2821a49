#pragma once

/** Options of [service:x]. */

#include "options.h"

extern const struct option_def service_options[];
