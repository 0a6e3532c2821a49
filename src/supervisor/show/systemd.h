#pragma once

/** What systemd is told, and how long it is asked to wait. */

#include "service/service.h"

/** Once there is a loop. */
int systemd_init(struct supervisor *sup);
/** The start is done: READY=1, and the watchdog is fed from now on. */
void systemd_ready(struct supervisor *sup);
/** The mood says what begins: a restart, which systemd sees as a reload, or the end. */
void systemd_ending(struct supervisor *sup);
void systemd_done(struct supervisor *sup);
/** For systemctl status: "payinv b, 12 workers". */
void supervisor_notify_status(struct supervisor *sup);
/** As a service's observer: another slot is live. */
void systemd_service_live(struct service *s);
