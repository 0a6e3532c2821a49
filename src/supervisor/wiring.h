#pragma once

/** The tables by which rooms call later ones. */

#include "supervisor.h"

/** Fills the tables; to be called before anything else. */
void wire(struct supervisor *sup);
