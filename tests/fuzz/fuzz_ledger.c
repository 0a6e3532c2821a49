/*
 * A former slotd's ledger with any bytes in it: it is refused with a sentence, or what is read of
 * it makes sense and lies in it. The input is what differs from a good one: {offset, 3 bytes;
 * length, 1 byte; that many bytes}...; with length 0 it ends there.
 */
#include <platform/ledger_tables.h>
#include <slotd/ledger.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	ROWS = 3, /* of each table, in the good one */
	PIECES = 8,
};

static unsigned char *good;
static size_t good_size;

static void insist(bool holds)
{
	if (!holds) {
		__builtin_trap();
	}
}

static void fill(struct ledger *l)
{
	static struct ledger_worker worker;
	static struct ledger_service service;
	static struct ledger_job job;
	static struct ledger_stream stream;
	const struct ledger_daemon daemon = {.pid = 1, .next_stream = 2};
	int i;

	ledger_put_daemon(l, &daemon);
	i = ledger_take(l, LEDGER_TABLE_WORKER, "web:web_0");
	ledger_default(LEDGER_TABLE_WORKER, (unsigned)i, &worker);
	worker.run.pid = 77;
	insist(ledger_text_new(l, "/var/log/web.log", &worker.run.logs[0]) == 0);
	ledger_put_worker(l, (unsigned)i, &worker);
	i = ledger_take(l, LEDGER_TABLE_SERVICE, "web");
	ledger_default(LEDGER_TABLE_SERVICE, (unsigned)i, &service);
	ledger_put_service(l, (unsigned)i, &service);
	ledger_put_job(l, (unsigned)i, &job);
	i = ledger_take(l, LEDGER_TABLE_STREAM, NULL);
	ledger_default(LEDGER_TABLE_STREAM, (unsigned)i, &stream);
	insist(ledger_text_new(l,
			       "a text that is as long as it must be, so that it does not go "
			       "into a single piece of the ledger, but needs one more of them",
			       &stream.path) == 0);
	ledger_put_stream(l, (unsigned)i, &stream);
}

/* The first rows of each table are enough, and are soon gone through. */
static void make_good(void)
{
	struct ledger *l = NULL;
	struct ledger_header h;
	struct ledger_view v = {0};
	uint64_t at = sizeof(h);

	insist(ledger_new(&l) == 0);
	fill(l);
	insist(ledger_map(ledger_fd(l), NULL, &v) == 0);
	memcpy(&h, v.bytes, sizeof(h));
	good = calloc(1, 256 << 10);
	insist(good != NULL);
	for (int i = 0; i < LEDGER_TABLE_MAX_; i++) {
		struct ledger_table_layout *t = &h.tables[i];
		uint32_t rows = i == LEDGER_TABLE_PIECE ? PIECES : ROWS;

		t->rows = t->rows < rows ? t->rows : rows;
		memcpy(good + at, v.bytes + t->offset, (size_t)t->rows * t->stride);
		t->offset = at;
		at += (uint64_t)t->rows * t->stride;
		insist(at < 256 << 10);
	}
	memcpy(good, &h, sizeof(h));
	good_size = at;
	ledger_unmap(&v);
	ledger_free(l);
}

static size_t differ(unsigned char *bytes, const uint8_t *data, size_t size)
{
	while (size >= 4) {
		size_t at = (size_t)(data[0] | data[1] << 8 | data[2] << 16) % good_size;
		size_t n = data[3] < size - 4 ? data[3] : size - 4;

		if (data[3] == 0) {
			return at;
		}
		n = n < good_size - at ? n : good_size - at;
		memcpy(bytes + at, data + 4, n);
		data += 4 + n;
		size -= 4 + n;
	}
	return good_size;
}

static void read_text(const struct ledger_view *v, ledger_text text)
{
	char buf[PATH_MAX];
	int n = ledger_get_text(v, text, buf, sizeof(buf));

	insist(n < 0 || strlen(buf) == (size_t)n);
}

static void read_all(const struct ledger_view *v)
{
	static struct ledger_worker worker;
	static struct ledger_service service;
	static struct ledger_job job;
	struct ledger_stream stream;
	struct ledger_daemon daemon;

	(void)ledger_get_daemon(v, &daemon);
	for (unsigned i = 0; i <= ROWS; i++) {
		for (int table = 0; table < LEDGER_TABLE_MAX_; table++) {
			insist(strlen(ledger_name(v, (enum ledger_table)table, i)) <
			       LEDGER_NAME_MAX);
		}
		if (ledger_get_worker(v, i, &worker) == 1) {
			insist(worker.state.id == i &&
			       strlen(worker.state.spawnerr) < sizeof(worker.state.spawnerr));
			read_text(v, worker.run.logs[0]);
		}
		if (ledger_get_service(v, i, &service) == 1) {
			insist(deploy_sane(&service.swap) && service.duty.live < SLOT_MAX_);
		}
		if (ledger_get_job(v, i, &job) == 1) {
			insist(strlen(job.text) < sizeof(job.text));
		}
		if (ledger_get_stream(v, i, &stream) == 1) {
			insist(stream.channel < 2);
			read_text(v, stream.path);
			read_text(v, stream.name);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ledger_view v;
	struct diag diag = {0};
	unsigned char *bytes;
	size_t n;

	if (!good) {
		make_good();
	}
	bytes = malloc(good_size);
	insist(bytes != NULL);
	memcpy(bytes, good, good_size);
	n = differ(bytes, data, size);
	bytes = n && n < good_size ? realloc(bytes, n) : bytes; /* a sanitizer sees its end */
	if (bytes && ledger_attach(bytes, n, &diag, &v) == 0) {
		read_all(&v);
	} else {
		insist(!bytes || diag.text[0]);
	}
	free(bytes);
	return 0;
}
