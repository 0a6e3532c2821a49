#pragma once

/** The phases of a canary, by the names of phases.c. */

#include "phases.h"

need_fn canary_is_needed, share_is_needed;
list_fn canary_list;
act_fn canary_enter, share_enter;
step_fn canary_over, canary_crashed, canary_promoted, canary_changed;
