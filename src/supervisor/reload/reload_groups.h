#pragma once

/** What a reload changes in groups and processes. */

#include "reload/reload.h"

/**
 * Reports which groups differ, and makes the comparisons that reload_apply_groups needs.
 *
 * Returns: 0 or -ENOMEM.
 */
int reload_report_groups(struct reload *r);
/** Applies r->next, after reload_report_groups; it can fail only for lack of memory for new ones.
 */
void reload_apply_groups(struct reload *r);
void reload_forget_diffs(struct reload *r);
