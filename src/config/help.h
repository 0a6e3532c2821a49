#pragma once

/** slotd.conf(5) from the tables; config_help is in slotd/config.h. */

#include <stdio.h>

/** Prints the part of slotd.conf(5) that describes options, from the tables, in mdoc(7). */
void config_man(FILE *to);
