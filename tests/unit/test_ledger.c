#include <check.h>
#include <platform/ledger_tables.h>
#include <slotd/cleanup.h>
#include <string.h>

#include "golden.h"
#include "suite.h"

static void ledger_freep(struct ledger **l)
{
	*l = ledger_free(*l);
}
#define auto_ledger CLEANUP(ledger_freep)

static struct ledger *make(void)
{
	struct ledger *l = NULL;

	ck_assert_int_eq(ledger_new(&l), 0);
	return l;
}

static struct ledger_view map(const struct ledger *l)
{
	struct ledger_view v = {0};
	struct diag diag = {0};

	ck_assert_msg(ledger_map(ledger_fd(l), &diag, &v) == 0, "%s", diag.text);
	return v;
}
#define auto_view CLEANUP(ledger_unmap)

static struct ledger_worker running(unsigned index)
{
	struct ledger_worker w;

	ledger_default(LEDGER_TABLE_WORKER, index, &w);
	w.state.state = WORKER_RUNNING;
	w.state.pid = w.run.pid = 4188;
	w.state.since = SECONDS(9);
	(void)strcpy(w.state.spawnerr, "it was like this");
	w.health.healthy = true;
	w.health.next = SECONDS(11);
	w.policy.stopsignal = 15;
	w.run.start_ticks = 77;
	w.run.restart_due = true;
	return w;
}

/* ---- what is put is got */

START_TEST(a_workers_state_comes_back_as_it_was)
{
	auto_ledger struct ledger *l = make();
	int index = ledger_take(l, LEDGER_TABLE_WORKER, "payinv-a:payinv-a_8001");
	struct ledger_worker put = running((unsigned)index), got;
	auto_view struct ledger_view v = map(l);

	ck_assert_int_eq(index, 0);
	ck_assert_int_eq(ledger_get_worker(&v, 0, &got), 1);
	ck_assert_int_eq(got.state.state, WORKER_STOPPED);
	ck_assert_int_eq(got.state.exit, -1);
	ledger_put_worker(l, 0, &put);
	ck_assert_int_eq(ledger_get_worker(&v, 0, &got), 1);
	ck_assert_int_eq(got.state.state, WORKER_RUNNING);
	ck_assert_str_eq(got.state.spawnerr, "it was like this");
	ck_assert_uint_eq(got.health.next, SECONDS(11));
	ck_assert_int_eq(got.policy.stopsignal, 15);
	ck_assert_uint_eq(got.run.start_ticks, 77);
	ck_assert(got.run.restart_due);
	ck_assert_str_eq(ledger_name(&v, LEDGER_TABLE_WORKER, 0), "payinv-a:payinv-a_8001");
	ck_assert_uint_eq(ledger_rows(&v, LEDGER_TABLE_WORKER), 1);
}
END_TEST

START_TEST(a_name_has_one_row_until_it_is_dropped)
{
	auto_ledger struct ledger *l = make();
	auto_view struct ledger_view v = map(l);
	struct ledger_worker w;

	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_WORKER, "a"), 0);
	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_WORKER, "b"), 1);
	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_WORKER, "a"), 0);
	ledger_drop(l, LEDGER_TABLE_WORKER, 0);
	ck_assert_int_eq(ledger_get_worker(&v, 0, &w), 0);
	ck_assert_str_eq(ledger_name(&v, LEDGER_TABLE_WORKER, 0), "");
	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_WORKER, "c"), 0);
	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_WORKER, "d"), 2);
	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_SERVICE, "a"), 0);
}
END_TEST

START_TEST(what_others_know_by_number_keeps_it)
{
	auto_ledger struct ledger *l = make();
	auto_view struct ledger_view v = map(l);

	ledger_reserve(l, LEDGER_TABLE_WORKER, 3);
	ck_assert_int_eq(ledger_take_at(l, LEDGER_TABLE_WORKER, "old", 1), 0);
	ck_assert_int_eq(ledger_take_at(l, LEDGER_TABLE_WORKER, "other", 1), -EEXIST);
	ck_assert_int_eq(ledger_take_at(l, LEDGER_TABLE_WORKER, "other", LEDGER_WORKERS), -EEXIST);
	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_WORKER, "old"), 1);
	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_WORKER, "new"), 3);
	ck_assert_str_eq(ledger_name(&v, LEDGER_TABLE_WORKER, 1), "old");
	ck_assert_uint_eq(ledger_rows(&v, LEDGER_TABLE_WORKER), 4);
	ledger_reserve(l, LEDGER_TABLE_WORKER, LEDGER_WORKERS); /* there are no others */
	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_WORKER, "newer"), 0);
}
END_TEST

START_TEST(a_full_table_says_so)
{
	auto_ledger struct ledger *l = make();

	for (int i = 0; i < LEDGER_STREAMS; i++) {
		ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_STREAM, NULL), i);
	}
	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_STREAM, NULL), -ENOSPC);
	ledger_drop(l, LEDGER_TABLE_STREAM, 4711);
	ck_assert_int_eq(ledger_take(l, LEDGER_TABLE_STREAM, NULL), 4711);
}
END_TEST

START_TEST(a_services_machines_and_its_job_come_back)
{
	auto_ledger struct ledger *l = make();
	auto_view struct ledger_view v = map(l);
	int index = ledger_take(l, LEDGER_TABLE_SERVICE, "payinv");
	struct ledger_service s;
	struct ledger_job j = {.number = 112, .kind = SWAP_KIND_DEPLOY, .to = SLOT_B, .who = "ana"};
	struct ledger_daemon d = {.pid = 1, .next_stream = 9};

	ck_assert_int_eq(ledger_get_daemon(&v, &d), 0);
	ck_assert_int_eq(ledger_get_service(&v, (unsigned)index, &s), 1);
	ck_assert_uint_eq(s.retire[SLOT_B].deadline, USEC_NEVER);
	s.swap.step = SWAP_GATE;
	s.swap.n = 1;
	s.swap.phases[0].step = SWAP_GATE;
	s.retire[SLOT_B].state = RETIRE_WARM;
	(void)strcpy(s.slots[SLOT_A].release, "91ab03d");
	(void)strcpy(s.duty.stopper, "root");
	ledger_put_service(l, (unsigned)index, &s);
	ledger_put_job(l, (unsigned)index, &j);
	ledger_put_daemon(l, &d);
	ck_assert_int_eq(ledger_get_service(&v, (unsigned)index, &s), 1);
	ck_assert_int_eq(s.swap.step, SWAP_GATE);
	ck_assert_int_eq(s.retire[SLOT_B].state, RETIRE_WARM);
	ck_assert_str_eq(s.slots[SLOT_A].release, "91ab03d");
	ck_assert_str_eq(s.duty.stopper, "root");
	ck_assert_int_eq(ledger_get_job(&v, (unsigned)index, &j), 1);
	ck_assert_str_eq(j.who, "ana");
	ledger_drop(l, LEDGER_TABLE_JOB, (unsigned)index);
	ck_assert_int_eq(ledger_get_job(&v, (unsigned)index, &j), 0);
	ck_assert_int_eq(ledger_get_daemon(&v, &d), 1);
	ck_assert_uint_eq(d.next_stream, 9);
}
END_TEST

/* ---- texts */

START_TEST(texts_of_any_length_come_back)
{
	static const size_t lengths[] = {1, 123, 124, 125, 248, 4000, PATH_MAX - 1};
	auto_ledger struct ledger *l = make();
	auto_view struct ledger_view v = map(l);
	char text[PATH_MAX], got[PATH_MAX];
	ledger_text t;

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		memset(text, 'a' + (int)i, lengths[i]);
		text[lengths[i]] = '\0';
		ck_assert_int_eq(ledger_text_new(l, text, &t), 0);
		ck_assert_int_eq(ledger_get_text(&v, t, got, sizeof(got)), (int)lengths[i]);
		ck_assert_str_eq(got, text);
		ck_assert_int_eq(ledger_get_text(&v, t, got, lengths[i]), -ENOSPC);
	}
	ck_assert_int_eq(ledger_text_new(l, NULL, &t), 0);
	ck_assert_uint_eq(t, 0);
	ck_assert_int_eq(ledger_get_text(&v, t, got, sizeof(got)), -ENOENT);
	ck_assert_int_eq(ledger_get_text(&v, 4000, got, sizeof(got)), -EBADMSG);
}
END_TEST

START_TEST(a_dropped_row_gives_its_texts_back)
{
	auto_ledger struct ledger *l = make();
	auto_view struct ledger_view v = map(l);

	for (int i = 0; i < 1000; i++) {
		struct ledger_stream s = {.id = 1};
		int row = ledger_take(l, LEDGER_TABLE_STREAM, NULL);

		ck_assert_int_eq(ledger_text_new(l, "/var/log/web-stdout.log", &s.path), 0);
		ck_assert_int_eq(ledger_text_new(l, "web:web", &s.name), 0);
		ledger_put_stream(l, (unsigned)row, &s);
		ledger_drop(l, LEDGER_TABLE_STREAM, (unsigned)row);
	}
	ck_assert_uint_eq(ledger_rows(&v, LEDGER_TABLE_STREAM), 1);
	ck_assert_uint_eq(ledger_rows(&v, LEDGER_TABLE_PIECE), 2);
}
END_TEST

/* ---- other ledgers: a small one in memory, which tests may spoil */

static _Alignas(8) unsigned char bytes[256 * 1024];

/* One row of each table. Returns its size. */
static uint64_t small(void)
{
	struct ledger_header *h = (struct ledger_header *)bytes;
	uint64_t at = sizeof(*h);

	memset(bytes, 0, sizeof(bytes));
	(void)ledger_make_header(h);
	for (int i = 0; i < LEDGER_TABLE_MAX_; i++) {
		h->tables[i].offset = at;
		h->tables[i].rows = 1;
		h->tables[i].used = 1;
		at += h->tables[i].stride;
	}
	return at;
}

static struct ledger_table_layout *table(enum ledger_table t)
{
	return &((struct ledger_header *)bytes)->tables[t];
}

static struct ledger_row *row(enum ledger_table t)
{
	return (struct ledger_row *)(bytes + table(t)->offset);
}

static void *content(enum ledger_table t, uint32_t seq)
{
	return bytes + table(t)->offset + table(t)->content + (seq & 1) * table(t)->content_size;
}

static void refused(uint64_t size, const char *why)
{
	struct ledger_view v;
	struct diag diag = {0};

	ck_assert_int_eq(ledger_attach(bytes, size, &diag, &v), -EPROTO);
	ck_assert_msg(strstr(diag.text, why) != NULL, "\"%s\" does not say \"%s\"", diag.text, why);
}

static struct ledger_view attached(uint64_t size)
{
	struct ledger_view v = {0};
	struct diag diag = {0};

	ck_assert_msg(ledger_attach(bytes, size, &diag, &v) == 0, "%s", diag.text);
	return v;
}

START_TEST(what_is_no_ledger_is_refused)
{
	uint64_t size = small();

	((struct ledger_header *)bytes)->magic++;
	refused(size, "not a ledger");
	memset(bytes, 0xff, sizeof(bytes));
	refused(size, "not a ledger");
	refused(0, "not a ledger");
}
END_TEST

START_TEST(other_versions_are_refused_with_words)
{
	uint64_t size = small();
	struct ledger_header *h = (struct ledger_header *)bytes;

	h->version = LEDGER_VERSION + 1;
	refused(size, "newer slotd");
	h->version = LEDGER_VERSION - 1;
	refused(size, "older slotd (layout 1)");
	h->version = LEDGER_VERSION;
	h->n_tables = LEDGER_TABLE_MAX_ + 1;
	refused(size, "newer slotd");
}
END_TEST

START_TEST(a_longer_part_or_row_is_a_newer_slotds)
{
	uint64_t size = small();

	table(LEDGER_TABLE_WORKER)->parts[0].size++;
	refused(size, "newer slotd");
	size = small();
	table(LEDGER_TABLE_SERVICE)->n_parts++;
	refused(size, "newer slotd");
	size = small();
	table(LEDGER_TABLE_WORKER)->rows = LEDGER_WORKERS + 1;
	refused(size, "newer slotd");
}
END_TEST

START_TEST(a_ledger_that_is_cut_off_is_refused_wherever_it_ends)
{
	uint64_t size = small();

	for (uint64_t n = 0; n < size; n++) {
		struct ledger_view v;

		ck_assert_int_eq(ledger_attach(bytes, n, NULL, &v), -EPROTO);
	}
	refused(size - 1, "cut off");
	(void)attached(size);
}
END_TEST

START_TEST(a_table_that_makes_no_sense_is_refused)
{
	uint64_t size = small();

	table(LEDGER_TABLE_WORKER)->parts[1].offset = UINT32_MAX;
	refused(size, "damaged");
	size = small();
	table(LEDGER_TABLE_WORKER)->content = 8;
	refused(size, "damaged");
	size = small();
	table(LEDGER_TABLE_WORKER)->content_size = UINT32_MAX;
	refused(size, "damaged");
	size = small();
	table(LEDGER_TABLE_WORKER)->offset = UINT64_MAX - 7;
	refused(size, "cut off");
	size = small();
	table(LEDGER_TABLE_STREAM)->used = 2;
	refused(size, "cut off");
}
END_TEST

/* Whatever stands in a header, reading it stays within its bytes. */
START_TEST(no_header_leads_out_of_the_bytes)
{
	uint32_t random = 1;

	for (int i = 0; i < 5000; i++) {
		uint64_t size = small();
		struct ledger_view v;
		struct ledger_worker w;
		char text[PATH_MAX];

		for (int n = 0; n < 3; n++) {
			random = random * 1103515245 + 12345;
			((uint32_t *)bytes)[4 + (random >> 8) % 60] = random >> (random % 24);
		}
		if (ledger_attach(bytes, size, NULL, &v) == 0) {
			(void)ledger_get_worker(&v, 0, &w);
			(void)ledger_name(&v, LEDGER_TABLE_WORKER, 0);
			(void)ledger_get_text(&v, 1, text, sizeof(text));
		}
	}
}
END_TEST

START_TEST(a_state_that_makes_no_sense_is_no_state)
{
	struct ledger_view v = attached(small());
	struct ledger_worker w, *put = content(LEDGER_TABLE_WORKER, 0);

	row(LEDGER_TABLE_WORKER)->used = 1;
	ledger_default(LEDGER_TABLE_WORKER, 0, put);
	ck_assert_int_eq(ledger_get_worker(&v, 0, &w), 1);
	put->state.state = WORKER_STATE_MAX_;
	ck_assert_int_eq(ledger_get_worker(&v, 0, &w), -EBADMSG);
	ledger_default(LEDGER_TABLE_WORKER, 0, put);
	put->state.id = 1;
	ck_assert_int_eq(ledger_get_worker(&v, 0, &w), -EBADMSG);
	ledger_default(LEDGER_TABLE_WORKER, 0, put);
	memset(put->state.spawnerr, 'x', sizeof(put->state.spawnerr));
	ck_assert_int_eq(ledger_get_worker(&v, 0, &w), -EBADMSG);
}
END_TEST

START_TEST(texts_that_run_in_a_circle_are_no_text)
{
	struct ledger_view v = attached(small());
	struct ledger_piece *piece =
		(struct ledger_piece *)(bytes + table(LEDGER_TABLE_PIECE)->offset);
	char text[2 * PATH_MAX];

	memset(piece->text, 'x', sizeof(piece->text));
	piece->next = 1;
	ck_assert_int_eq(ledger_get_text(&v, 1, text, sizeof(text)), -EBADMSG);
	piece->next = 2;
	ck_assert_int_eq(ledger_get_text(&v, 1, text, sizeof(text)), -EBADMSG);
}
END_TEST

/* ---- a writer that died */

START_TEST(a_commit_that_was_not_finished_leaves_the_one_before)
{
	struct ledger_view v = attached(small());
	struct ledger_worker w, done = running(0);
	unsigned char *other;

	row(LEDGER_TABLE_WORKER)->used = 1;
	row(LEDGER_TABLE_WORKER)->seq = 8;
	memcpy(content(LEDGER_TABLE_WORKER, 8), &done, sizeof(done));
	/* It dies after each byte of the next copy. */
	other = content(LEDGER_TABLE_WORKER, 9);
	for (size_t n = 0; n < sizeof(done); n++) {
		other[n] = 0xee;
		ck_assert_int_eq(ledger_get_worker(&v, 0, &w), 1);
		ck_assert_int_eq(memcmp(&w.state, &done.state, sizeof(w.state)), 0);
	}
	ledger_default(LEDGER_TABLE_WORKER, 0, other);
	row(LEDGER_TABLE_WORKER)->seq = 9;
	ck_assert_int_eq(ledger_get_worker(&v, 0, &w), 1);
	ck_assert_int_eq(w.state.state, WORKER_STOPPED);
}
END_TEST

/* ---- an older slotd, which knew less */

START_TEST(what_an_older_slotd_did_not_write_has_its_default)
{
	const struct ledger_shape *shape = &ledger_shapes[LEDGER_TABLE_WORKER];
	struct ledger_worker full = running(0), standard, got;

	ledger_default(LEDGER_TABLE_WORKER, 0, &standard);
	for (unsigned part = 0; part < shape->n_parts; part++) {
		const uint32_t at = shape->parts[part].offset;

		for (uint32_t n = 0; n <= shape->parts[part].size; n++) {
			struct ledger_view v;
			int r;

			(void)small();
			row(LEDGER_TABLE_WORKER)->used = 1;
			memcpy(content(LEDGER_TABLE_WORKER, 0), &full, sizeof(full));
			table(LEDGER_TABLE_WORKER)->parts[part].size = n;
			v = attached(sizeof(bytes));
			r = ledger_get_worker(&v, 0, &got);
			ck_assert(r == 1 || r == -EBADMSG); /* half a number */
			ck_assert_int_eq(memcmp((char *)&got + at, (char *)&full + at, n), 0);
			ck_assert_int_eq(memcmp((char *)&got + at + n, (char *)&standard + at + n,
						shape->parts[part].size - n),
					 0);
		}
	}
}
END_TEST

START_TEST(an_older_row_is_shorter_and_its_parts_lie_elsewhere)
{
	struct ledger_table_layout *t;
	struct ledger_worker full = running(0), got;
	struct ledger_view v;

	/* Before there were run and policy, and before spawnerr was noted. */
	(void)small();
	t = table(LEDGER_TABLE_WORKER);
	row(LEDGER_TABLE_WORKER)->used = 1;
	t->n_parts = 2;
	t->parts[0] = (struct ledger_part){16, offsetof(struct worker, spawnerr)};
	t->parts[1] = (struct ledger_part){0, offsetof(struct health, failed)};
	t->content_size = 16 + offsetof(struct worker, spawnerr);
	t->content_size = (t->content_size + 7) & ~7u;
	t->stride = t->content + 2 * t->content_size;
	memcpy((char *)content(LEDGER_TABLE_WORKER, 0) + 16, &full.state,
	       offsetof(struct worker, spawnerr));
	v = attached(sizeof(bytes));
	ck_assert_int_eq(ledger_get_worker(&v, 0, &got), 1);
	ck_assert_int_eq(got.state.state, WORKER_RUNNING);
	ck_assert_uint_eq(got.state.since, SECONDS(9));
	ck_assert_str_eq(got.state.spawnerr, "");
	ck_assert_int_eq(got.run.pid, 0);
}
END_TEST

START_TEST(a_table_an_older_slotd_did_not_have_is_empty)
{
	uint64_t size = small();
	struct ledger_stream s;
	struct ledger_view v;

	((struct ledger_header *)bytes)->n_tables = LEDGER_TABLE_STREAM;
	v = attached(size);
	ck_assert_uint_eq(ledger_rows(&v, LEDGER_TABLE_STREAM), 0);
	ck_assert_int_eq(ledger_get_stream(&v, 0, &s), 0);
	ck_assert_uint_eq(ledger_rows(&v, LEDGER_TABLE_WORKER), 1);
}
END_TEST

/* ---- the layout */

static char printed[32 * 1024];
static size_t n_printed;

static void print(const char *name, size_t offset, size_t size)
{
	n_printed += (size_t)snprintf(printed + n_printed, sizeof(printed) - n_printed,
				      "%-36s %5zu %5zu\n", name, offset, size);
}

#define FIELD(type, field) \
	print(#type "." #field, offsetof(struct type, field), sizeof(((struct type *)0)->field))

static void print_worker(void)
{
	FIELD(worker, id);
	FIELD(worker, keep_trying);
	FIELD(worker, no_start);
	FIELD(worker, state);
	FIELD(worker, pid);
	FIELD(worker, started);
	FIELD(worker, since);
	FIELD(worker, deadline);
	FIELD(worker, backoff);
	FIELD(worker, restarts);
	FIELD(worker, burst);
	FIELD(worker, exhausted);
	FIELD(worker, exit);
	FIELD(worker, exit_expected);
	FIELD(worker, killed);
	FIELD(worker, exited_early);
	FIELD(worker, fatal_told);
	FIELD(worker, spawnerr);
	FIELD(health, good);
	FIELD(health, bad);
	FIELD(health, healthy);
	FIELD(health, next);
	FIELD(health, failed);
	FIELD(health, restarts);
	FIELD(health, passed);
	FIELD(health, notifies);
	FIELD(health, ready);
	FIELD(health, reloading);
	FIELD(health, stopping);
	FIELD(health, late);
	FIELD(health, watchdog);
	FIELD(health, late_at);
	FIELD(health, status);
	FIELD(worker_policy, startsecs);
	FIELD(worker_policy, startretries);
	FIELD(worker_policy, autorestart);
	FIELD(worker_policy, exitcodes);
	FIELD(worker_policy, stopsignal);
	FIELD(worker_policy, stopwaitsecs);
	FIELD(worker_policy, stopasgroup);
	FIELD(worker_policy, killasgroup);
}

static void print_run(void)
{
	FIELD(ledger_run, pid);
	FIELD(ledger_run, streams);
	FIELD(ledger_run, status);
	FIELD(ledger_run, start_ticks);
	FIELD(ledger_run, since);
	FIELD(ledger_run, started);
	FIELD(ledger_run, stopped);
	FIELD(ledger_run, lost_lines);
	FIELD(ledger_run, logs);
	FIELD(ledger_run, fault);
	FIELD(ledger_run, waits);
	FIELD(ledger_run, executed);
	FIELD(ledger_run, clearing);
	FIELD(ledger_run, pending);
	FIELD(ledger_run, removed);
	FIELD(ledger_run, restart);
	FIELD(ledger_run, shut_down);
	FIELD(ledger_run, start_waits);
	FIELD(ledger_run, restart_due);
	FIELD(ledger_run, exclusive);
	FIELD(ledger_run, counted);
}

static void print_service(void)
{
	FIELD(deploy, service);
	FIELD(deploy, step);
	FIELD(deploy, kind);
	FIELD(deploy, live);
	FIELD(deploy, target);
	FIELD(deploy, warm);
	FIELD(deploy, afresh);
	FIELD(deploy, back);
	FIELD(deploy, n);
	FIELD(deploy, at);
	FIELD(deploy, total);
	FIELD(deploy, turn);
	FIELD(deploy, crashes);
	FIELD(deploy, crashes_max);
	FIELD(deploy, ready_timeout);
	FIELD(deploy, phase_began);
	FIELD(deploy, deadline);
	FIELD(deploy, phases);
	FIELD(deploy, on_failure);
	FIELD(deploy, code);
	FIELD(deploy, until_gate);
	FIELD(deploy, one_way);
	FIELD(deploy, verifying);
	FIELD(deploy, verify_interval);
	FIELD(deploy, verify_at);
	FIELD(deploy_phase, step);
	FIELD(deploy_phase, limit);
	FIELD(retire, service);
	FIELD(retire, slot);
	FIELD(retire, state);
	FIELD(retire, since);
	FIELD(retire, deadline);
	FIELD(retire, discard);
	FIELD(ledger_slot, release);
	FIELD(ledger_slot, since);
	FIELD(ledger_slot, clearing);
	FIELD(ledger_slot, proven);
	FIELD(ledger_slot, touched);
	FIELD(ledger_slot, one_way);
	FIELD(ledger_duty, live);
	FIELD(ledger_duty, generation);
	FIELD(ledger_duty, next_socket);
	FIELD(ledger_duty, down);
	FIELD(ledger_duty, holding);
	FIELD(ledger_duty, stopper);
	FIELD(ledger_duty, pause_end);
	FIELD(ledger_duty, pauser);
	FIELD(ledger_duty, frozen);
	FIELD(ledger_duty, freezer);
	FIELD(ledger_duty, freeze_why);
	FIELD(ledger_duty, rolled_back);
	FIELD(ledger_duty, offline);
	FIELD(ledger_duty, offliner);
	FIELD(ledger_duty, offline_why);
}

static void print_job_and_stream(void)
{
	FIELD(ledger_job, number);
	FIELD(ledger_job, kind);
	FIELD(ledger_job, from);
	FIELD(ledger_job, to);
	FIELD(ledger_job, step);
	FIELD(ledger_job, total);
	FIELD(ledger_job, prepared);
	FIELD(ledger_job, back);
	FIELD(ledger_job, closing);
	FIELD(ledger_job, who);
	FIELD(ledger_job, release);
	FIELD(ledger_job, began_wall);
	FIELD(ledger_job, began);
	FIELD(ledger_job, step_began);
	FIELD(ledger_job, draining);
	FIELD(ledger_job, cut);
	FIELD(ledger_stream, id);
	FIELD(ledger_stream, worker);
	FIELD(ledger_stream, channel);
	FIELD(ledger_stream, pid);
	FIELD(ledger_stream, maxbytes);
	FIELD(ledger_stream, capture_maxbytes);
	FIELD(ledger_stream, lost_lines);
	FIELD(ledger_stream, lost_bytes);
	FIELD(ledger_stream, backups);
	FIELD(ledger_stream, path);
	FIELD(ledger_stream, name);
	FIELD(ledger_stream, syslog);
	FIELD(ledger_stream, events);
	FIELD(ledger_stream, strip_ansi);
	FIELD(ledger_stream, is_auto);
	FIELD(ledger_stream, indent);
	FIELD(ledger_stream, ending);
	FIELD(ledger_daemon, pid);
	FIELD(ledger_daemon, mood);
	FIELD(ledger_daemon, started);
	FIELD(ledger_daemon, next_stream);
	FIELD(ledger_daemon, reserved);
}

static void print_header(void)
{
	static struct ledger_header h;

	(void)ledger_make_header(&h);
	FIELD(ledger_header, magic);
	FIELD(ledger_header, version);
	FIELD(ledger_header, n_tables);
	FIELD(ledger_header, tables);
	FIELD(ledger_table_layout, offset);
	FIELD(ledger_table_layout, rows);
	FIELD(ledger_table_layout, stride);
	FIELD(ledger_table_layout, content);
	FIELD(ledger_table_layout, content_size);
	FIELD(ledger_table_layout, used);
	FIELD(ledger_table_layout, n_parts);
	FIELD(ledger_table_layout, parts);
	FIELD(ledger_row, seq);
	FIELD(ledger_row, used);
	FIELD(ledger_piece, next);
	FIELD(ledger_piece, text);
	for (int i = 0; i < LEDGER_TABLE_MAX_; i++) {
		print(ledger_shapes[i].name, h.tables[i].content, h.tables[i].stride);
		for (uint32_t n = 0; n < h.tables[i].n_parts; n++) {
			print("  part", h.tables[i].parts[n].offset, h.tables[i].parts[n].size);
		}
	}
}

START_TEST(the_layout_is_what_it_was)
{
	print_header();
	print_worker();
	print_run();
	print_service();
	print_job_and_stream();
	golden_check("ledger.txt", printed);
}
END_TEST

SUITE("ledger", a_workers_state_comes_back_as_it_was, a_name_has_one_row_until_it_is_dropped,
      what_others_know_by_number_keeps_it, a_full_table_says_so,
      a_services_machines_and_its_job_come_back, texts_of_any_length_come_back,
      a_dropped_row_gives_its_texts_back, what_is_no_ledger_is_refused,
      other_versions_are_refused_with_words, a_longer_part_or_row_is_a_newer_slotds,
      a_ledger_that_is_cut_off_is_refused_wherever_it_ends, a_table_that_makes_no_sense_is_refused,
      no_header_leads_out_of_the_bytes, a_state_that_makes_no_sense_is_no_state,
      texts_that_run_in_a_circle_are_no_text, a_commit_that_was_not_finished_leaves_the_one_before,
      what_an_older_slotd_did_not_write_has_its_default,
      an_older_row_is_shorter_and_its_parts_lie_elsewhere,
      a_table_an_older_slotd_did_not_have_is_empty, the_layout_is_what_it_was);
