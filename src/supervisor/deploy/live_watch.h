#pragma once

/** live_file edited by hand. */

#include "service/service.h"

/** Watches live_file (inotify), so that an edit by hand is put right. */
void live_watch_start(struct service *s);
/** live_file was just written: its directory may be another than before. */
void live_watch_renew(struct service *s);
void live_watch_stop(struct service *s);
