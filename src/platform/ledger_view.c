#include "ledger_tables.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum {
	TRIES = 16, /* while a live writer commits */
};

/* ---- is it one that can be read? */

static int newer(struct diag *diag)
{
	return diag_set(diag, -EPROTO,
			"the ledger was written by a newer slotd and holds what this one does not "
			"know");
}

static int broken(struct diag *diag, const struct ledger_shape *shape)
{
	return diag_set(diag, -EPROTO, "the ledger is damaged: its table of %s makes no sense",
			shape->name);
}

static int check_head(const unsigned char *bytes, uint64_t size, struct diag *diag, uint32_t *ret_n)
{
	struct ledger_header h = {0};

	if (size < offsetof(struct ledger_header, tables)) {
		return diag_set(diag, -EPROTO, "this is not a ledger of slotd: it has %llu bytes",
				(unsigned long long)size);
	}
	memcpy(&h, bytes, offsetof(struct ledger_header, tables));
	if (h.magic != LEDGER_MAGIC || (uintptr_t)bytes % 8) {
		return diag_set(diag, -EPROTO, "this is not a ledger of slotd");
	}
	if (h.version < LEDGER_VERSION) {
		return diag_set(diag, -EPROTO,
				"the ledger was written by an older slotd (layout %u), which this "
				"one (layout %d) cannot read",
				h.version, LEDGER_VERSION);
	}
	if (h.version > LEDGER_VERSION || h.n_tables > LEDGER_TABLE_MAX_) {
		return newer(diag);
	}
	if (size < offsetof(struct ledger_header, tables) +
			   h.n_tables * sizeof(struct ledger_table_layout)) {
		return diag_set(diag, -EPROTO, "the ledger is cut off within its header");
	}
	*ret_n = h.n_tables;
	return 0;
}

static bool lies_within(const struct ledger_table_layout *t, uint64_t size)
{
	return t->offset % 8 == 0 && t->stride % 8 == 0 && t->offset <= size &&
	       (uint64_t)t->rows * t->stride <= size - t->offset && t->used <= t->rows;
}

/* Content lies behind head and name, its parts within it. */
static bool fits(const struct ledger_table_layout *t, const struct ledger_shape *shape)
{
	uint64_t first = sizeof(struct ledger_row) + (shape->named ? LEDGER_NAME_MAX : 0);

	if (!shape->content_size) {
		return t->stride == sizeof(struct ledger_piece);
	}
	if (t->content < first || t->content + 2 * (uint64_t)t->content_size > t->stride) {
		return false;
	}
	for (uint32_t i = 0; i < t->n_parts; i++) {
		if ((uint64_t)t->parts[i].offset + t->parts[i].size > t->content_size) {
			return false;
		}
	}
	return true;
}

static bool is_known(const struct ledger_table_layout *t, const struct ledger_shape *shape)
{
	if (t->rows > shape->rows || t->n_parts > shape->n_parts) {
		return false;
	}
	for (uint32_t i = 0; i < t->n_parts; i++) {
		if (t->parts[i].size > shape->parts[i].size) {
			return false;
		}
	}
	return true;
}

static const struct ledger_table_layout *layout(const struct ledger_view *v,
						enum ledger_table table)
{
	const struct ledger_header *h = (const struct ledger_header *)v->bytes;

	return (uint32_t)table < h->n_tables ? &h->tables[table] : NULL;
}

int ledger_attach(const void *bytes, uint64_t size, struct diag *diag, struct ledger_view *ret)
{
	struct ledger_view v = {bytes, size};
	uint32_t n = 0;
	int r = check_head(bytes, size, diag, &n);

	for (uint32_t i = 0; r == 0 && i < n; i++) {
		const struct ledger_table_layout *t = layout(&v, (enum ledger_table)i);
		const struct ledger_shape *shape = &ledger_shapes[i];

		if (!is_known(t, shape)) {
			r = newer(diag);
		} else if (!lies_within(t, size)) {
			r = diag_set(diag, -EPROTO,
				     "the ledger is cut off: its table of %s does not lie in its "
				     "%llu bytes",
				     shape->name, (unsigned long long)size);
		} else if (!fits(t, shape)) {
			r = broken(diag, shape);
		}
	}
	if (r == 0) {
		*ret = v;
	}
	return r;
}

/* ---- rows */

unsigned ledger_rows(const struct ledger_view *v, enum ledger_table table)
{
	const struct ledger_table_layout *t = layout(v, table);

	return t ? t->used : 0;
}

static const struct ledger_row *row_of(const struct ledger_view *v, enum ledger_table table,
				       unsigned index)
{
	const struct ledger_table_layout *t = layout(v, table);

	return (const struct ledger_row *)(v->bytes + t->offset + (uint64_t)index * t->stride);
}

const char *ledger_name(const struct ledger_view *v, enum ledger_table table, unsigned index)
{
	const char *name;

	if (index >= ledger_rows(v, table) || !ledger_shapes[table].named) {
		return "";
	}
	name = (const char *)(row_of(v, table, index) + 1);
	return row_of(v, table, index)->used && memchr(name, '\0', LEDGER_NAME_MAX) ? name : "";
}

static void copy_parts(const struct ledger_table_layout *t, const struct ledger_shape *shape,
		       const unsigned char *from, unsigned char *to)
{
	for (uint32_t i = 0; i < t->n_parts; i++) {
		memcpy(to + shape->parts[i].offset, from + t->parts[i].offset, t->parts[i].size);
	}
}

/* Over defaults, which may be copied over again: a later commit leaves none of an earlier one. */
static int get(const struct ledger_view *v, enum ledger_table table, unsigned index, void *ret)
{
	const struct ledger_shape *shape = &ledger_shapes[table];
	const struct ledger_table_layout *t = layout(v, table);
	const struct ledger_row *row;

	if (index >= ledger_rows(v, table)) {
		return 0;
	}
	row = row_of(v, table, index);
	ledger_default(table, index, ret);
	for (int i = 0; i < TRIES; i++) {
		uint32_t seq = atomic_load_explicit(&row->seq, memory_order_acquire);

		if (!atomic_load_explicit(&row->used, memory_order_acquire)) {
			return 0;
		}
		copy_parts(t, shape,
			   (const unsigned char *)row + t->content +
				   (uint64_t)(seq & 1) * t->content_size,
			   ret);
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&row->seq, memory_order_relaxed) == seq) {
			return !shape->sane || shape->sane(ret, index) ? 1 : -EBADMSG;
		}
	}
	return -EAGAIN;
}

int ledger_get_daemon(const struct ledger_view *v, struct ledger_daemon *ret)
{
	return get(v, LEDGER_TABLE_DAEMON, 0, ret);
}

int ledger_get_worker(const struct ledger_view *v, unsigned index, struct ledger_worker *ret)
{
	return get(v, LEDGER_TABLE_WORKER, index, ret);
}

int ledger_get_service(const struct ledger_view *v, unsigned index, struct ledger_service *ret)
{
	return get(v, LEDGER_TABLE_SERVICE, index, ret);
}

int ledger_get_job(const struct ledger_view *v, unsigned index, struct ledger_job *ret)
{
	return get(v, LEDGER_TABLE_JOB, index, ret);
}

int ledger_get_stream(const struct ledger_view *v, unsigned index, struct ledger_stream *ret)
{
	return get(v, LEDGER_TABLE_STREAM, index, ret);
}

int ledger_get_text(const struct ledger_view *v, ledger_text text, char *buf, size_t size)
{
	size_t len = 0;

	if (!text) {
		return -ENOENT;
	}
	for (int i = 0; text && i < LEDGER_PIECES_OF_PATH; i++) {
		const struct ledger_piece *piece;
		size_t n;

		if (text > ledger_rows(v, LEDGER_TABLE_PIECE)) {
			return -EBADMSG;
		}
		piece = (const struct ledger_piece *)row_of(v, LEDGER_TABLE_PIECE, text - 1);
		n = strnlen(piece->text, sizeof(piece->text));
		if (len + n >= size) {
			return -ENOSPC;
		}
		memcpy(buf + len, piece->text, n);
		len += n;
		text = piece->next;
	}
	buf[len] = '\0';
	return text ? -EBADMSG : (int)len;
}

/* ---- behind a descriptor */

int ledger_map(int fd, struct diag *diag, struct ledger_view *ret)
{
	struct stat st;
	void *bytes;
	int r, seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || !(seals & F_SEAL_SHRINK) || fstat(fd, &st) < 0 || st.st_size == 0) {
		return diag_set(diag, -EPROTO, "this is not a ledger of slotd");
	}
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED) {
		return diag_set_errno(diag, -errno, "the ledger cannot be mapped");
	}
	r = ledger_attach(bytes, (uint64_t)st.st_size, diag, ret);
	if (r < 0) {
		(void)munmap(bytes, (size_t)st.st_size);
	}
	return r;
}

void ledger_unmap(struct ledger_view *v)
{
	if (v->bytes) {
		(void)munmap((void *)v->bytes, v->size);
		v->bytes = NULL;
	}
}
