#pragma once

/** Names of files. */

#include <slotd/diag.h>

#include "arena.h"

/* What slotd.service names with -c; without -c the first that is looked for. */
#define FILE_OF_THE_UNIT "/etc/slotd/slotd.conf"

/** The first default place that exists; NULL and diag when none does. */
const char *file_find_default(struct diag *diag);

/** NULL when out of memory. */
char *file_absolute(struct arena *memory, const char *path);
/** The absolute directory in which the file is. */
char *file_directory(struct arena *memory, const char *path);
