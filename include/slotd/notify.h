#pragma once

/**
 * Talking to systemd: state lines (sd_notify(3)), the interval of the watchdog, and sockets that
 * are passed by LISTEN_FDS. All of this is harmless without systemd. Built without libsystemd,
 * slotd has no such sockets and no watchdog.
 */

#include <slotd/usec.h>

#include <stdbool.h>

/** Sends "READY=1\nSTATUS=..." and so on. Failures are ignored: nothing could be done about them.
 */
void notify_send(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** Sends "RELOADING=1" with the time stamp that systemd needs, and this STATUS=. READY=1 ends the
 * reload. */
void notify_reloading(const char *status);

/**
 * Asks systemd to wait at least this long, from now on, for what it is waiting for, even if its own
 * time-out is shorter. The next WATCHDOG=1 sets the time of the watchdog again.
 */
void notify_extend(usec_t span);

/** Does systemd, or something that acts as systemd, listen? */
bool notify_wanted(void);

/** Returns how often WATCHDOG=1 is to be sent: half of WatchdogSec; USEC_NEVER without it. */
usec_t notify_watchdog_interval(void);

/**
 * Finds the listening socket with this address among those passed by LISTEN_FDS.
 *
 * @address  canonical, as in struct service_config: "127.0.0.1:8000", "[::]:8000", "unix:/x".
 * Returns: a duplicate of it, close-on-exec and non-blocking, which the caller owns; -ENOENT if
 *          none was passed.
 */
int notify_take_listener(const char *address);

/**
 * Gives systemd a duplicate of this listening socket (FDSTORE=1, sd_pid_notify_with_fds(3)), which
 * it passes to the next slotd: while slotd restarts, connections wait instead of being refused.
 * Unix sockets are not stored.
 */
void notify_store_listener(const char *address, int fd);
/** Makes systemd drop its duplicate of a socket on which slotd no longer listens. Harmless if it
 * has none. */
void notify_drop_listener(const char *address);
/** Makes systemd drop the sockets of a former slotd that this one has not taken, because the file
 * has changed. */
void notify_drop_unused(void);
/** Gives a stored listener to the program that this process executes next. Takes fd. */
void notify_hand_on(const char *address, int fd);
/**
 * Passes on what systemd has passed, and what was handed on; to be called before slotd executes
 * itself again.
 *
 * Returns: 0; or -errno, and nothing is passed.
 */
int notify_pass_listeners(void);
