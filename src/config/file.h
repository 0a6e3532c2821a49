#pragma once

/** Names of files. */

#include <slotd/diag.h>

#include "arena.h"

/* The file that slotd.service names with -c; without -c slotd looks for it first. */
#define FILE_OF_THE_UNIT "/etc/slotd/slotd.conf"

/** Returns the first default place that exists; NULL and diag if there is none. */
const char *file_find_default(struct diag *diag);

/** Makes a path absolute. Returns NULL if there is no memory. */
char *file_absolute(struct arena *memory, const char *path);
/** Returns the absolute path of the directory that contains the file. */
char *file_directory(struct arena *memory, const char *path);
