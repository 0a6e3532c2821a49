#include <slotd/config.h>

#include <string.h>

enum {
	NEAREST_LEN_MAX = 64,
};

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned d = a < b ? a : b;

	return d < c ? d : c;
}

/* Insertions, deletions, replacements and swapped neighbours that lead from a to b (optimal string
 * alignment). */
static unsigned distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned rows[3][NEAREST_LEN_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2], *spare;

	for (unsigned j = 0; j <= lb; j++) {
		last[j] = j;
		before[j] = 0;
	}
	for (size_t i = 1; i <= la; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = least(last[j] + 1, row[j - 1] + 1,
				       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j]) {
				row[j] = before[j - 2] + 1;
			}
		}
		spare = before;
		before = last;
		last = row;
		row = spare;
	}
	return last[lb];
}

const char *nearest_name(const char *typed, const char *const *names, size_t n)
{
	size_t len = strlen(typed);
	unsigned best = len < 3 ? 1 : len < 6 ? 2 : 3;
	const char *near = NULL;

	if (len > NEAREST_LEN_MAX) {
		return NULL;
	}
	best++; /* strictly less is near */
	for (size_t i = 0; i < n; i++) {
		size_t other = strlen(names[i]);
		unsigned d;

		if (other > NEAREST_LEN_MAX) {
			continue;
		}
		d = distance(typed, len, names[i], other);
		if (d < best && d < len) {
			best = d;
			near = names[i];
		}
	}
	return near;
}
