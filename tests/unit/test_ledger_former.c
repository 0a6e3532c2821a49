#include <check.h>
#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <slotd/ledger.h>
#include <slotd/strbuf.h>

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "suite.h"

/*
 * golden/ledger.layout-2 is the ledger of slotd 0.1.0 as it was when that was killed: two services'
 * slots, the bake of a deploy, workers that run, one that does not start and one that nobody has
 * started. It is never written anew: each later slotd has to read it.
 *
 * "sparse 1", its size, and what is not zero, as offset, length and bytes; numbers have 64 bits.
 */

struct image {
	unsigned char *bytes;
	uint64_t size;
	struct ledger_view view;
};

static uint64_t number_at(const struct strbuf *file, size_t at)
{
	uint64_t n;

	ck_assert_uint_le(at + sizeof(n), file->len);
	memcpy(&n, file->data + at, sizeof(n));
	return n;
}

static void image_done(struct image *image)
{
	(void)munmap(image->bytes, image->size);
}

static struct image load(const char *name)
{
	CLEANUP(strbuf_done) struct strbuf file = {.max = 1 << 20};
	struct diag diag = {0};
	struct image image;
	auto_close int fd = open(name, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(io_read_all(fd, &file), 0);
	ck_assert_int_eq(memcmp(file.data, "sparse 1", 8), 0);
	image.size = number_at(&file, 8);
	image.bytes = mmap(NULL, image.size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(image.bytes, MAP_FAILED);
	for (size_t at = 16; at < file.len;) {
		uint64_t offset = number_at(&file, at), len = number_at(&file, at + 8);

		ck_assert_uint_le(len, file.len - at - 16);
		ck_assert_uint_le(offset + len, image.size);
		memcpy(image.bytes + offset, file.data + at + 16, len);
		at += 16 + len;
	}
	ck_assert_msg(ledger_attach(image.bytes, image.size, &diag, &image.view) == 0, "%s",
		      diag.text);
	return image;
}

static struct ledger_worker worker(const struct image *image, const char *name)
{
	struct ledger_worker row;
	unsigned i = 0;

	while (strcmp(ledger_name(&image->view, LEDGER_TABLE_WORKER, i), name) != 0) {
		ck_assert_uint_lt(++i, ledger_rows(&image->view, LEDGER_TABLE_WORKER));
	}
	ck_assert_int_eq(ledger_get_worker(&image->view, i, &row), 1);
	return row;
}

START_TEST(workers_are_read_as_they_were)
{
	CLEANUP(image_done) struct image image = load(GOLDEN_DIR "/ledger.layout-2");
	struct ledger_worker w = worker(&image, "s-b:s-b_27003");

	ck_assert_int_eq(w.state.state, WORKER_RUNNING);
	ck_assert_int_gt(w.run.pid, 0);
	ck_assert_int_eq(w.run.pid, w.state.pid);
	ck_assert_uint_gt(w.run.start_ticks, 0);
	ck_assert(w.run.executed && w.health.healthy);
	ck_assert_int_eq(w.policy.stopsignal, 15);
	ck_assert_uint_eq(w.policy.stopwaitsecs, SECONDS(10));
	w = worker(&image, "bad");
	ck_assert_int_eq(w.state.state, WORKER_FATAL);
	ck_assert_int_eq(w.run.pid, 0);
	ck_assert_str_eq(w.state.spawnerr, "Exited too quickly (process log may have details)");
	ck_assert_int_eq(worker(&image, "off").state.state, WORKER_STOPPED);
}
END_TEST

START_TEST(a_bake_goes_on_where_it_was)
{
	CLEANUP(image_done) struct image image = load(GOLDEN_DIR "/ledger.layout-2");
	struct ledger_service s;
	struct ledger_job j;

	ck_assert_str_eq(ledger_name(&image.view, LEDGER_TABLE_SERVICE, 0), "s");
	ck_assert_int_eq(ledger_get_service(&image.view, 0, &s), 1);
	ck_assert(deploy_sane(&s.swap) && deploy_busy(&s.swap));
	ck_assert_int_eq(s.swap.kind, SWAP_KIND_DEPLOY);
	ck_assert_int_eq(s.swap.step, SWAP_BAKE);
	ck_assert_int_eq(s.swap.target, SLOT_B);
	ck_assert_uint_eq(s.duty.live, SLOT_B);
	ck_assert_str_eq(s.slots[SLOT_B].release, "r7");
	ck_assert(s.slots[SLOT_A].proven && !s.duty.down);
	ck_assert_int_eq(ledger_get_job(&image.view, 0, &j), 1);
	ck_assert_uint_eq(j.number, 1);
	ck_assert_uint_eq(j.step, SWAP_BAKE);
	ck_assert_str_eq(j.who, "root");
	ck_assert_str_eq(j.release, "r7");
	ck_assert(j.prepared && !j.over);
}
END_TEST

START_TEST(streams_keep_their_paths)
{
	CLEANUP(image_done) struct image image = load(GOLDEN_DIR "/ledger.layout-2");
	struct ledger_worker w = worker(&image, "one");
	char path[PATH_MAX];

	ck_assert_int_ge(ledger_get_text(&image.view, w.run.logs[0], path, sizeof(path)), 0);
	ck_assert_ptr_nonnull(strstr(path, "/one.log"));
}
END_TEST

SUITE("ledger_former", workers_are_read_as_they_were, a_bake_goes_on_where_it_was,
      streams_keep_their_paths);
