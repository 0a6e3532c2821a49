#include <slotd/health.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool health_result(struct health *h, const struct gate_policy *p, bool ok, usec_t now)
{
	bool was = h->healthy;

	h->good = ok ? h->good + 1 : 0;
	h->bad = ok ? 0 : h->bad + 1;
	if (h->good >= p->rise) {
		h->healthy = true;
	}
	if (h->bad >= p->fall) {
		h->healthy = false;
	}
	h->next = usec_add(now, p->interval);
	return h->healthy != was;
}

void health_reset(struct health *h, usec_t now)
{
	*h = (struct health){.next = now};
}

int gate_min_ready(const char *text, unsigned total)
{
	unsigned long n;
	char *end;

	if (strcmp(text, "all") == 0) {
		return (int)total;
	}
	if (!isdigit((unsigned char)*text)) {
		return -EINVAL;
	}
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || n > GATE_WORKERS_MAX) {
		return -EINVAL;
	}
	if (strcmp(end, "%") == 0 && n <= 100) {
		n = (n * total + 99) / 100;
	} else if (*end) {
		return -EINVAL;
	}
	if (n == 0 && total) {
		n = 1;
	}
	return (int)(n < total ? n : total);
}

enum gate_verdict gate_judge(const struct gate_policy *p, const struct gate_count *count)
{
	if (count->ready >= p->min_ready) {
		return GATE_PASSED;
	}
	return p->total - count->lost < p->min_ready ? GATE_HOPELESS : GATE_WAIT;
}
