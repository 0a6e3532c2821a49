#pragma once

/** What a reload changes in groups and processes. */

#include "reload/reload.h"

/**
 * Reports which groups differ, and makes the diffs that reload_apply_groups needs.
 *
 * Returns: 0 or -ENOMEM.
 */
int reload_report_groups(struct reload *r);
/** Takes r->next over, after reload_report_groups: nothing but memory for new ones can fail. */
void reload_apply_groups(struct reload *r);
void reload_forget_diffs(struct reload *r);
