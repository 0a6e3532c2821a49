#pragma once

/** Want of memory, descriptors or buffers: it passes, and is nobody's fault. */

#include <errno.h>
#include <stdbool.h>

/** Is this negative errno such a want? */
static inline bool error_is_exhaustion(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOBUFS || error == -ENOMEM;
}
