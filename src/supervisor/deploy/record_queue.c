#include "deploy/record_queue.h"

#include <stdlib.h>
#include <string.h>

void record_request_free(struct record_request *q)
{
	free(q->line);
	free(q);
}

void record_queue_drop(struct record_request *q)
{
	while (q) {
		struct record_request *next = q->next;

		record_request_free(q);
		q = next;
	}
}

/* A flip that is still to be written down looks like an edit by hand. */
bool record_write_follows(const struct record_request *q)
{
	for (const struct record_request *later = q->next; later; later = later->next) {
		if (later->kind == RECORD_WRITE && later->service == q->service) {
			return true;
		}
	}
	return false;
}

/* A swap waits for the check, and nobody for the number of a job or a line of the history. */
bool record_goes_ahead(enum record_kind kind, const struct record_request *of)
{
	return kind == RECORD_CHECK && (of->kind == RECORD_STATE || of->kind == RECORD_HISTORY);
}

bool record_queue_has_line(const struct record_request *q, const char *wanted)
{
	for (; q; q = q->next) {
		if (q->line && strstr(q->line, wanted)) {
			return true;
		}
	}
	return false;
}

unsigned record_queue_length(const struct record_request *q)
{
	unsigned n = 0;

	for (; q; q = q->next) {
		n++;
	}
	return n;
}

void record_queue_append(struct record_request **queue, struct record_request *q)
{
	while (*queue) {
		queue = &(*queue)->next;
	}
	q->next = NULL;
	*queue = q;
}

void record_queue_move_again(struct record_request **from, struct record_request **to)
{
	while (*to) {
		to = &(*to)->next;
	}
	while (*from) {
		struct record_request *q = *from;

		if (q->again) {
			*from = q->next;
			q->next = NULL;
			*to = q;
			to = &q->next;
		} else {
			from = &q->next;
		}
	}
}
