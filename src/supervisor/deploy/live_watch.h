#pragma once

/** Edits of live_file by hand. */

#include "service/service.h"

/** Watches live_file by inotify, so that an edit by hand is corrected. */
void live_watch_start(struct service *s);
/** live_file was just written; it may be in another directory than before. */
void live_watch_renew(struct service *s);
void live_watch_stop(struct service *s);
