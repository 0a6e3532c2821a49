#include "count.h"

#include <stddef.h>

static const struct {
	const char *name;
	size_t field; /* in struct relay_counts */
} classes[CONN_CLASS_MAX_] = {
	[CONN_UNPLACED] = {"unplaced", SIZE_MAX},
	[CONN_QUEUED] = {"queued", offsetof(struct relay_counts, queued)},
	[CONN_SILENT] = {"silent", offsetof(struct relay_counts, silent)},
	[CONN_IN_FLIGHT] = {"in flight", offsetof(struct relay_counts, in_flight)},
	[CONN_IDLE] = {"idle", offsetof(struct relay_counts, idle)},
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

enum drain_verdict drain_judge(enum drain_mode mode, enum conn_class class, usec_t spoke,
			       usec_t now, usec_t *ret_again)
{
	if (class == CONN_QUEUED || class == CONN_SILENT) {
		return DRAIN_MOVE;
	}
	if (mode == DRAIN_CONNECTIONS || class != CONN_IDLE) {
		return DRAIN_KEEP;
	}
	if (usec_add(spoke, DRAIN_SETTLE) > now) {
		*ret_again = usec_add(spoke, DRAIN_SETTLE);
		return DRAIN_LATER;
	}
	return DRAIN_CLOSE;
}
