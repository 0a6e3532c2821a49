#pragma once

/**
 * Talking to systemd: state lines (sd_notify(3)), the watchdog's interval, and sockets that come
 * by LISTEN_FDS. Everything is harmless where there is no systemd. Built without libsystemd there
 * are no sockets and no watchdog.
 */

#include <slotd/usec.h>

#include <stdbool.h>

/** "READY=1\nSTATUS=..." and so on. Failures are ignored: nobody could do anything about them. */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** "RELOADING=1" with the time that systemd asks for, and this STATUS=. READY=1 ends it. */
void notify_reloading(const char *status);

/**
 * From now on whatever systemd is waiting for may take that long, also where its own time-out is
 * shorter; never less than that. The next WATCHDOG=1 sets the watchdog's time again.
 */
void notify_extend(usec_t span);

/** Is there a systemd, or whoever acts as one, that listens? */
bool notify_wanted(void);

/** Half of WatchdogSec: how often to send WATCHDOG=1. USEC_NEVER when not asked for. */
usec_t notify_watchdog_interval(void);

/**
 * A duplicate of the listening socket passed by LISTEN_FDS that is bound to this address,
 * close-on-exec and non-blocking.
 *
 * @address  canonical, as in struct service_config: "127.0.0.1:8000", "[::]:8000", "unix:/x".
 * Returns: descriptor (the caller's), -ENOENT when none was passed.
 */
int notify_take_listener(const char *address);

/** Before slotd executes itself again: what systemd passed is passed on. */
void notify_pass_listeners(void);
