#pragma once

/** Who hears of what: the tables by which rooms speak to those after them. */

#include "supervisor.h"

/** Fills them; before anything else of a start. */
void wire(struct supervisor *sup);
