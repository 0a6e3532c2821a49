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

/**
 * systemd holds a duplicate of this listening socket from now on (FDSTORE=1,
 * sd_pid_notify_with_fds(3)), and passes it to the next slotd: while slotd restarts connections
 * wait instead of being refused. Sockets of a path are not stored.
 */
void notify_store_listener(const char *address, int fd);
/** It is no longer listened on: systemd drops its duplicate. Harmless for one that was not stored.
 */
void notify_drop_listener(const char *address);
/** Drops what was stored by a former slotd and that this one has not taken: its file has changed.
 */
void notify_drop_unused(void);
/** Gives a stored listener to the program that this process executes next. Takes fd. */
void notify_hand_on(const char *address, int fd);
/**
 * Before slotd executes itself again: what systemd passed and what was handed on is passed on.
 *
 * Returns: 0, or -errno and nothing is passed.
 */
int notify_pass_listeners(void);
