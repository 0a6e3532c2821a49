#pragma once

/** What the gate waits for, in words. */

#include "service/service.h"

/** Says for people what the worker is, and why it is not ready. */
void gate_explain(const struct process *p, char *buf, size_t size);
/** Says for people what START or GATE still waits for, and sets the culprit. Returns buf. */
const char *gate_report(struct service *s, char *buf, size_t size);
