#pragma once

/**
 * Time: absolute monotonic microseconds. Wall clock only in logs and in what Supervisor's API
 * reports as epoch seconds.
 */

#include <stddef.h>
#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_NEVER    ((usec_t)UINT64_MAX)
#define MSECONDS(n)   ((usec_t)(n)*1000ULL)
#define SECONDS(n)    ((usec_t)(n)*1000000ULL)
#define USEC_TEXT_MAX 32

/** a + b, saturating at USEC_NEVER. */
usec_t usec_add(usec_t a, usec_t b);

/** a - b, not below 0; USEC_NEVER stays USEC_NEVER. */
usec_t usec_sub(usec_t a, usec_t b);

/** CLOCK_MONOTONIC. Not for core/: it is handed the time. */
usec_t usec_monotonic(void);

/** CLOCK_REALTIME, microseconds since the epoch. */
usec_t usec_wall(void);

/**
 * Reads "10s", "5m", "2h", "1d", "250ms" or bare seconds ("10", "0.5").
 *
 * Returns: 0, -EINVAL (not a duration) or -ERANGE (more than 10 years).
 */
int usec_parse(const char *text, usec_t *ret);

/** A duration for people: "0.2 ms", "1.2 s", "41 s", "2m10s", "2d 4h". Returns buf. */
const char *usec_format(usec_t span, char *buf, size_t size);
