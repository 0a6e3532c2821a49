#pragma once

/** The phases of a rolling restart, by the names of phases.c. */

#include "phases.h"

act_fn roll_enter, settle_enter;
step_fn roll_given_up, settle_over, settle_aborted;
