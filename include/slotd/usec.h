#pragma once

/**
 * Time, in absolute monotonic microseconds. The wall clock is used only in logs and where
 * Supervisor's API reports seconds since the epoch.
 */

#include <stddef.h>
#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_NEVER    ((usec_t)UINT64_MAX)
#define MSECONDS(n)   ((usec_t)(n)*1000ULL)
#define SECONDS(n)    ((usec_t)(n)*1000000ULL)
#define USEC_TEXT_MAX 32

/** Returns a + b, at most USEC_NEVER. */
usec_t usec_add(usec_t a, usec_t b);

/** Returns a - b, at least 0; USEC_NEVER stays USEC_NEVER. */
usec_t usec_sub(usec_t a, usec_t b);

/** Returns CLOCK_MONOTONIC. Not for core/, which gets the time as an argument. */
usec_t usec_monotonic(void);

/** Returns CLOCK_REALTIME, in microseconds since the epoch. */
usec_t usec_wall(void);

/**
 * Reads a duration: "10s", "5m", "2h", "1d", "250ms", or a number of seconds ("10", "0.5").
 *
 * Returns: 0, -EINVAL (not a duration) or -ERANGE (more than 10,000 years).
 */
int usec_parse(const char *text, usec_t *ret);

/** Writes a duration for people: "0.2 ms", "1.2 s", "41 s", "2m10s", "2d 4h". Returns buf. */
const char *usec_format(usec_t span, char *buf, size_t size);
