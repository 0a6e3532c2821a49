#include "ledger_tables.h"

#include <slotd/cleanup.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* The writer's side; ledger_view.c is the reader's. */

struct ledger {
	int fd;
	uint64_t size;
	unsigned char *bytes;
	unsigned first_free[LEDGER_TABLE_MAX_]; /* no row before it is free */
	unsigned reserved[LEDGER_TABLE_MAX_];	/* rows before it are taken by number */
	ledger_text free_piece;			/* list of pieces that were used */
};

_Static_assert(sizeof(struct ledger_piece) == 128, "pieces fill pages");
_Static_assert(offsetof(struct ledger_header, tables) % 8 == 0, "rows are aligned");

static struct ledger_table_layout *layout(const struct ledger *l, enum ledger_table table)
{
	return &((struct ledger_header *)l->bytes)->tables[table];
}

static struct ledger_row *row_of(const struct ledger *l, enum ledger_table table, unsigned index)
{
	const struct ledger_table_layout *t = layout(l, table);

	return (struct ledger_row *)(l->bytes + t->offset + (uint64_t)index * t->stride);
}

static char *name_of(struct ledger_row *row)
{
	return (char *)(row + 1);
}

/* The place that counts after that many commits. */
static unsigned char *place(const struct ledger *l, enum ledger_table table, unsigned index,
			    uint32_t seq)
{
	const struct ledger_table_layout *t = layout(l, table);

	return (unsigned char *)row_of(l, table, index) + t->content +
	       (uint64_t)(seq & 1) * t->content_size;
}

/* ---- making */

int ledger_new(struct ledger **ret)
{
	auto_close int fd = memfd_create("slotd-ledger", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CLEANUP(cleanup_freep) struct ledger *l = calloc(1, sizeof(*l));
	struct ledger_header header;

	if (fd < 0) {
		return -errno;
	}
	if (!l) {
		return -ENOMEM;
	}
	l->size = ledger_make_header(&header);
	if (ftruncate(fd, (off_t)l->size) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0) {
		return -errno;
	}
	l->bytes = mmap(NULL, l->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (l->bytes == MAP_FAILED) {
		return -errno;
	}
	memcpy(l->bytes, &header, sizeof(header));
	l->fd = TAKE_FD(fd);
	*ret = TAKE_PTR(l);
	return 0;
}

struct ledger *ledger_free(struct ledger *l)
{
	if (l) {
		(void)munmap(l->bytes, l->size);
		cleanup_closep(&l->fd);
		free(l);
	}
	return NULL;
}

int ledger_fd(const struct ledger *l)
{
	return l->fd;
}

/* ---- texts */

static struct ledger_piece *piece_of(const struct ledger *l, ledger_text number)
{
	return (struct ledger_piece *)row_of(l, LEDGER_TABLE_PIECE, number - 1);
}

static ledger_text take_piece(struct ledger *l)
{
	struct ledger_table_layout *t = layout(l, LEDGER_TABLE_PIECE);
	ledger_text number = l->free_piece;

	if (number) {
		l->free_piece = piece_of(l, number)->next;
		return number;
	}
	return t->used < t->rows ? ++t->used : 0;
}

int ledger_text_new(struct ledger *l, const char *text, ledger_text *ret)
{
	size_t len = text ? strlen(text) : 0;
	ledger_text first = 0;

	/* From its end, so that each piece knows the next. */
	for (size_t n = (len + LEDGER_PIECE_TEXT - 1) / LEDGER_PIECE_TEXT; n > 0; n--) {
		ledger_text number = take_piece(l);
		const char *from = text + (n - 1) * LEDGER_PIECE_TEXT;
		struct ledger_piece *piece;

		if (!number) {
			ledger_text_free(l, first);
			return -ENOSPC;
		}
		piece = piece_of(l, number);
		memset(piece->text, 0, sizeof(piece->text));
		memcpy(piece->text, from, strnlen(from, LEDGER_PIECE_TEXT));
		piece->next = first;
		first = number;
	}
	*ret = first;
	return 0;
}

void ledger_text_free(struct ledger *l, ledger_text text)
{
	while (text) {
		struct ledger_piece *piece = piece_of(l, text);
		ledger_text next = piece->next;

		piece->next = l->free_piece;
		l->free_piece = text;
		text = next;
	}
}

/* ---- rows */

static void commit(struct ledger *l, enum ledger_table table, unsigned index, const void *content)
{
	struct ledger_row *row = row_of(l, table, index);
	uint32_t seq = atomic_load_explicit(&row->seq, memory_order_relaxed) + 1;

	memcpy(place(l, table, index, seq), content, ledger_shapes[table].content_size);
	atomic_store_explicit(&row->seq, seq, memory_order_release);
}

static void set_used(struct ledger *l, enum ledger_table table, unsigned index)
{
	struct ledger_table_layout *t = layout(l, table);

	atomic_store_explicit(&row_of(l, table, index)->used, 1, memory_order_release);
	if (index >= t->used) {
		t->used = index + 1;
	}
}

static bool is_used(const struct ledger *l, enum ledger_table table, unsigned index)
{
	return row_of(l, table, index)->used;
}

static int find(const struct ledger *l, enum ledger_table table, const char *name)
{
	const struct ledger_table_layout *t = layout(l, table);

	for (unsigned i = 0; i < t->used; i++) {
		if (is_used(l, table, i) &&
		    strncmp(name_of(row_of(l, table, i)), name, LEDGER_NAME_MAX - 1) == 0) {
			return (int)i;
		}
	}
	return -ENOENT;
}

static unsigned free_from(const struct ledger *l, enum ledger_table table, unsigned i)
{
	const struct ledger_table_layout *t = layout(l, table);

	while (i < t->used && is_used(l, table, i)) {
		i++;
	}
	return i;
}

static int find_free(struct ledger *l, enum ledger_table table)
{
	const struct ledger_table_layout *t = layout(l, table);
	unsigned i = t->rows;

	if (l->reserved[table]) {
		i = free_from(l, table, l->reserved[table]);
	}
	if (i >= t->rows) {
		i = l->first_free[table] = free_from(l, table, l->first_free[table]);
	}
	return i < t->rows ? (int)i : -ENOSPC;
}

/* Its content is the default. */
static void take(struct ledger *l, enum ledger_table table, unsigned index, const char *name)
{
	union {
		struct ledger_worker worker;
		struct ledger_service service;
		struct ledger_stream stream;
	} content;

	if (name) {
		(void)snprintf(name_of(row_of(l, table, index)), LEDGER_NAME_MAX, "%s", name);
	}
	ledger_default(table, index, &content);
	commit(l, table, index, &content);
	set_used(l, table, index);
}

int ledger_take(struct ledger *l, enum ledger_table table, const char *name)
{
	int index = name ? find(l, table, name) : -ENOENT;

	if (index >= 0) {
		return index;
	}
	index = find_free(l, table);
	if (index >= 0) {
		take(l, table, (unsigned)index, name);
	}
	return index;
}

int ledger_take_at(struct ledger *l, enum ledger_table table, const char *name, unsigned index)
{
	if (index >= layout(l, table)->rows || is_used(l, table, index)) {
		return -EEXIST;
	}
	take(l, table, index, name);
	return 0;
}

void ledger_reserve(struct ledger *l, enum ledger_table table, unsigned first)
{
	l->reserved[table] = first;
}

void ledger_drop(struct ledger *l, enum ledger_table table, unsigned index)
{
	const struct ledger_shape *shape = &ledger_shapes[table];
	struct ledger_row *row = row_of(l, table, index);
	const unsigned char *content = place(l, table, index, row->seq);

	if (!row->used) {
		return;
	}
	atomic_store_explicit(&row->used, 0, memory_order_release);
	for (uint32_t i = 0; i < shape->n_texts; i++) {
		ledger_text text;

		memcpy(&text, content + shape->texts[i], sizeof(text));
		ledger_text_free(l, text);
	}
	if (index < l->first_free[table]) {
		l->first_free[table] = index;
	}
}

void ledger_put_daemon(struct ledger *l, const struct ledger_daemon *content)
{
	commit(l, LEDGER_TABLE_DAEMON, 0, content);
	set_used(l, LEDGER_TABLE_DAEMON, 0);
}

void ledger_put_worker(struct ledger *l, unsigned index, const struct ledger_worker *content)
{
	commit(l, LEDGER_TABLE_WORKER, index, content);
}

void ledger_put_service(struct ledger *l, unsigned index, const struct ledger_service *content)
{
	commit(l, LEDGER_TABLE_SERVICE, index, content);
}

void ledger_put_job(struct ledger *l, unsigned index, const struct ledger_job *content)
{
	commit(l, LEDGER_TABLE_JOB, index, content);
	set_used(l, LEDGER_TABLE_JOB, index);
}

void ledger_put_stream(struct ledger *l, unsigned index, const struct ledger_stream *content)
{
	commit(l, LEDGER_TABLE_STREAM, index, content);
}
