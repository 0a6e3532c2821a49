#pragma once

/** The metrics, one row each. Their names and meanings are in slotd(8), METRICS. */

#include "metrics_page.h"

struct metric;

/** Where samples of a metric are written. */
struct sampler {
	const struct metrics_source *from;
	const struct metric *metric;
	struct strbuf *out;
};

typedef void slotd_samples_fn(struct sampler *s);
typedef void process_samples_fn(struct sampler *s, const struct mirror_worker *w);
typedef void service_samples_fn(struct sampler *s, const struct mirror_service *v);
typedef void slot_samples_fn(struct sampler *s, const struct mirror_service *v, enum slot_id slot);

/** One of the functions is set: it writes all samples of its object. */
struct metric {
	const char *name, *type, *help;
	slotd_samples_fn *slotd;
	process_samples_fn *process;
	process_samples_fn *worker; /* of a process with an address only */
	service_samples_fn *service;
	slot_samples_fn *slot;
	size_t field;		/* of the mirror's struct, for functions that write a field */
	enum count_total total; /* likewise */
};

/** By number; NULL behind the last. */
const struct metric *metric_at(size_t i);
