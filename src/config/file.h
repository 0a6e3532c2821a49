#pragma once

/** Files and their names. */

#include <slotd/diag.h>
#include <slotd/strbuf.h>

#include "arena.h"

/** The whole file; out->max is the limit. 0, or -errno and diag in Supervisor's words. */
int file_read(const char *path, struct strbuf *out, struct diag *diag);

/** The first default place that exists; NULL and diag when none does. */
const char *file_find_default(struct diag *diag);

/** NULL when out of memory. */
char *file_absolute(struct arena *memory, const char *path);
/** The absolute directory in which the file is. */
char *file_directory(struct arena *memory, const char *path);
