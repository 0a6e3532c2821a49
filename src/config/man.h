#pragma once

/** The options part of slotd.conf(5), from the tables, in mdoc(7). */

#include <stdio.h>

void config_man(FILE *to);
