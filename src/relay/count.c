#include "count.h"

#include <stddef.h>

#define COUNTED(m) offsetof(struct relay_counts, m)

static const struct {
	const char *name;
	size_t field; /* in struct relay_counts */
} classes[CONN_CLASS_MAX_] = {
	[CONN_FRESH] = {"fresh", SIZE_MAX},
	[CONN_PARKED] = {"parked", SIZE_MAX},
	[CONN_HELD] = {"held", SIZE_MAX},
	[CONN_LINGER] = {"lingering", SIZE_MAX},
	[CONN_ANSWERED] = {"answered here", SIZE_MAX},
	[CONN_QUEUED] = {"queued", COUNTED(queued)},
	[CONN_SILENT] = {"silent", COUNTED(silent)},
	[CONN_HEAD] = {"in a head", COUNTED(in_request)},
	[CONN_REQUEST] = {"in a request", COUNTED(in_request)},
	[CONN_EARLY] = {"answered early", COUNTED(in_request)},
	[CONN_BETWEEN] = {"between requests", COUNTED(between)},
	[CONN_PINNED] = {"pinned", COUNTED(pinned)},
	[CONN_HALF] = {"half closed", COUNTED(in_request)},
};

const char *conn_class_name(enum conn_class c)
{
	return c >= 0 && c < CONN_CLASS_MAX_ ? classes[c].name : "?";
}

static void add(struct relay_counts *counts, enum conn_class class, uint32_t n)
{
	if (classes[class].field != SIZE_MAX) {
		count_add32((_Atomic uint32_t *)(void *)((char *)counts + classes[class].field), n);
	}
}

void count_move(struct relay_counts *counts, enum conn_class from, enum conn_class to)
{
	if (from != to) {
		add(counts, to, 1);
		add(counts, from, (uint32_t)-1);
	}
}

usec_t class_limit(enum conn_class c, const struct client_limits *limits)
{
	switch (c) {
	case CONN_FRESH:
	case CONN_ANSWERED:
	case CONN_HEAD:
		return limits->client_timeout;
	case CONN_PARKED:
	case CONN_BETWEEN:
	case CONN_PINNED:
		return limits->idle_timeout;
	case CONN_LINGER:
	case CONN_HALF:
		return limits->half_close_timeout;
	default:
		return USEC_NEVER;
	}
}

usec_t spread_at(usec_t spread, unsigned i, unsigned n)
{
	return n ? spread / n * i : 0;
}
