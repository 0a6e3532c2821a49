#pragma once

/** What slotd tells systemd, and how long it asks systemd to wait. */

#include "service/service.h"

/** Needs the loop. */
int systemd_init(struct supervisor *sup);
/** The start is complete: sends READY=1, and from now on WATCHDOG=1. */
void systemd_ready(struct supervisor *sup);
/** By sup->mood, either a restart begins, which is a reload to systemd, or the end. */
void systemd_ending(struct supervisor *sup);
void systemd_done(struct supervisor *sup);
/** Sends STATUS= for systemctl status: "payinv b, 12 workers". */
void supervisor_notify_status(struct supervisor *sup);
/** As an observer of services: another slot is live. */
void systemd_service_live(struct service *s);
