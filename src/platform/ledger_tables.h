#pragma once

/** How the tables of the ledger lie in the memfd, and the default content of a row. */

#include <slotd/ledger.h>

struct ledger_shape {
	const char *name; /* "workers" */
	uint32_t rows;
	bool named; /* rows have a name between head and content */
	uint32_t content_size;
	uint32_t n_parts, n_texts;
	struct ledger_part parts[LEDGER_PARTS_MAX];
	uint32_t texts[2]; /* offsets in the content of the texts that go with the row */
	/** NULL: zeroes. */
	void (*fill)(void *content, unsigned index);
	/** Does the content make sense? NULL: always. */
	bool (*sane)(const void *content, unsigned index);
};

extern const struct ledger_shape ledger_shapes[LEDGER_TABLE_MAX_];

struct ledger_piece {
	ledger_text next; /* 0: the end */
	char text[LEDGER_PIECE_TEXT];
};

/** The default content of a row: zeroes, and what fill says. */
void ledger_default(enum ledger_table table, unsigned index, void *content);
/** Makes the header that this slotd writes. Returns the size of the whole ledger. */
uint64_t ledger_make_header(struct ledger_header *ret);
