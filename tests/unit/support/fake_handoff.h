#pragma once

/** A handoff that only writes down what it is asked; the test says when an act has ended. */

#include "service/handoff_ops.h"

extern const struct handoff_ops fake_handoff;

/** What was asked since the last call: "worker 3 up; place b open". Borrowed until the next. */
const char *fake_handoff_acts(void);
