#include <check.h>
#include <control/describe.h>
#include <control/jobs.h>
#include <control/mirror.h>
#include <control/names.h>
#include <control/slice.h>
#include <errno.h>
#include <fcntl.h>
#include <slotd/cleanup.h>
#include <slotd/usec.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "suite.h"

static struct message m;

static int apply(struct mirror *mirror)
{
	ck_assert_int_eq(message_seal(&m), 0);
	ck_assert_int_eq(message_decode(&m, m.len, NULL), 0);
	ck_assert(mirror_takes(m.type));
	return mirror_apply(mirror, &m);
}

static void put_worker(struct mirror *mirror, unsigned index, const char *group, const char *name,
		       int64_t state)
{
	message_init(&m, MSG_STATE_WORKER, 0);
	message_put_u64(&m, TAG_WORKER, index);
	message_put_text(&m, TAG_GROUP, group);
	message_put_text(&m, TAG_NAME, name);
	message_put_i64(&m, TAG_STATE, state);
	message_put_u64(&m, TAG_GENERATION, 1);
	ck_assert_int_eq(apply(mirror), 0);
}

static int put_daemon(struct mirror *mirror, int64_t state, int64_t pid)
{
	message_init(&m, MSG_STATE_DAEMON, 0);
	message_put_i64(&m, TAG_STATE, state);
	message_put_i64(&m, TAG_PID, pid);
	message_put_text(&m, TAG_IDENTIFIER, "supervisor");
	message_put_text(&m, TAG_VERSION, "1");
	return apply(mirror);
}

static void put_named(struct mirror *mirror, enum message_type type, const char *name)
{
	message_init(&m, type, 0);
	message_put_text(&m, TAG_NAME, name);
	if (type == MSG_STATE_GROUP) {
		message_put_i64(&m, TAG_PRIORITY, 999);
	}
	ck_assert_int_eq(apply(mirror), 0);
}

static void synced(struct mirror *mirror)
{
	message_init(&m, MSG_STATE_SYNCED, 0);
	ck_assert_int_eq(apply(mirror), 0);
}

/* "a:x a:y b:x" */
static const char *names(const struct mirror *mirror)
{
	static char text[1024];
	size_t used = 0;

	text[0] = '\0';
	vec_for_each (w, &mirror->workers) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s:%s",
					 used ? " " : "", (*w)->group, (*w)->name);
	}
	return text;
}

START_TEST(workers_are_kept_sorted_and_replaced)
{
	CLEANUP(mirror_done) struct mirror mirror = {0};

	put_worker(&mirror, 5, "b", "x", 0);
	put_worker(&mirror, 9, "a", "y", 0);
	put_worker(&mirror, 0, "a", "x", 0);
	put_worker(&mirror, 5, "b", "x", 20);
	ck_assert_str_eq(names(&mirror), "a:x a:y b:x");
	ck_assert_int_eq(mirror_worker(&mirror, "b", "x")->state, 20);
	ck_assert_ptr_null(mirror_worker(&mirror, "b", "y"));
	message_init(&m, MSG_STATE_WORKER_GONE, 0);
	message_put_u64(&m, TAG_WORKER, 9);
	ck_assert_int_eq(apply(&mirror), 0);
	ck_assert_str_eq(names(&mirror), "a:x b:x");
}
END_TEST

START_TEST(a_name_that_moves_in_the_ledger_stays_one_worker)
{
	CLEANUP(mirror_done) struct mirror mirror = {0};

	put_worker(&mirror, 1, "a", "x", 0);
	put_worker(&mirror, 2, "a", "x", 20);
	put_worker(&mirror, 1, "a", "y", 0);
	ck_assert_str_eq(names(&mirror), "a:x a:y");
	ck_assert_int_eq(mirror_worker(&mirror, "a", "x")->state, 20);
}
END_TEST

START_TEST(an_index_out_of_range_is_refused)
{
	CLEANUP(mirror_done) struct mirror mirror = {0};

	message_init(&m, MSG_STATE_WORKER, 0);
	message_put_u64(&m, TAG_WORKER, SWITCHBOARD_WORKERS);
	message_put_text(&m, TAG_GROUP, "g");
	message_put_text(&m, TAG_NAME, "n");
	message_put_i64(&m, TAG_STATE, 0);
	message_put_u64(&m, TAG_GENERATION, 1);
	ck_assert_int_eq(apply(&mirror), -EINVAL);
	message_init(&m, MSG_STATE_SLOT, 0);
	message_put_text(&m, TAG_SERVICE, "s");
	message_put_u64(&m, TAG_SERVICE_INDEX, 0);
	message_put_u64(&m, TAG_SLOT, SLOT_MAX_);
	message_put_u64(&m, TAG_STATE, 0);
	ck_assert_int_eq(apply(&mirror), -EINVAL);
}
END_TEST

static void all_follows(struct mirror *mirror)
{
	message_init(&m, MSG_STATE_ALL, 0);
	ck_assert_int_eq(apply(mirror), 0);
}

START_TEST(what_is_not_named_when_all_is_sent_again_is_gone)
{
	CLEANUP(mirror_done) struct mirror mirror = {0};

	put_worker(&mirror, 0, "a", "x", 20);
	put_worker(&mirror, 1, "b", "x", 20);
	all_follows(&mirror);
	put_worker(&mirror, 1, "b", "x", 20);
	ck_assert_str_eq(names(&mirror), "a:x b:x");
	synced(&mirror);
	ck_assert_str_eq(names(&mirror), "b:x");
}
END_TEST

START_TEST(what_could_not_be_stored_takes_nothing_away)
{
	CLEANUP(mirror_done) struct mirror mirror = {0};

	put_worker(&mirror, 0, "a", "x", 20);
	all_follows(&mirror);
	mirror.incomplete = true; /* as if there had been no memory for it */
	synced(&mirror);
	ck_assert_str_eq(names(&mirror), "a:x");
	all_follows(&mirror);
	ck_assert(!mirror.incomplete);
	synced(&mirror);
	ck_assert_str_eq(names(&mirror), "");
}
END_TEST

START_TEST(what_a_new_slotd_does_not_name_is_gone)
{
	CLEANUP(mirror_done) struct mirror mirror = {0};

	ck_assert_int_eq(put_daemon(&mirror, 1, 100), 0);
	put_worker(&mirror, 0, "a", "x", 20);
	put_worker(&mirror, 1, "b", "x", 20);
	put_named(&mirror, MSG_STATE_GROUP, "a");
	put_named(&mirror, MSG_STATE_GROUP, "b");
	synced(&mirror);
	ck_assert_int_eq(put_daemon(&mirror, 1, 100), 0);
	ck_assert_int_eq(put_daemon(&mirror, 1, 200), 1);
	ck_assert_str_eq(names(&mirror), "a:x b:x"); /* until it has said all it knows */
	put_worker(&mirror, 1, "b", "x", 20);
	put_named(&mirror, MSG_STATE_GROUP, "b");
	synced(&mirror);
	ck_assert_str_eq(names(&mirror), "b:x");
	ck_assert_ptr_null(mirror_group(&mirror, "a"));
	ck_assert_ptr_nonnull(mirror_group(&mirror, "b"));
	put_named(&mirror, MSG_STATE_GROUP_GONE, "b");
	ck_assert_ptr_null(mirror_group(&mirror, "b"));
}
END_TEST

START_TEST(names_are_split_at_the_first_colon)
{
	static const struct {
		const char *text, *group, *process;
		bool whole;
	} cases[] = {
		{"web", "web", "web", false}, {"web:a", "web", "a", false},
		{"web:*", "web", "", true},   {"web:", "web", "", true},
		{"a:b:c", "a", "b:c", false}, {":x", "", "x", false},
		{"", "", "", false},	      {"*", "*", "*", false},
	};
	char long_name[2 * NAMESPEC_PART_MAX];
	struct namespec spec;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_int_eq(namespec_parse(cases[i].text, &spec), 0);
		ck_assert_str_eq(spec.group, cases[i].group);
		ck_assert_str_eq(spec.process, cases[i].process);
		ck_assert_int_eq(spec.whole, cases[i].whole);
	}
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	ck_assert_int_eq(namespec_parse(long_name, &spec), -EINVAL);
}
END_TEST

/* 21 November 2026, 06:58:00 UTC */
#define AT ((uint64_t)1795244280)

START_TEST(a_worker_is_described_in_supervisors_words)
{
	static const struct {
		int64_t state;
		const char *spawnerr;
		uint64_t started, stopped;
		const char *text;
		uint64_t next_run;
	} cases[] = {
		{0, "", 0, 0, "next run Nov 21 07:00 AM", AT + 120},
		{100, "", AT - 100, AT, "next run Nov 21 07:00 PM", AT + 120 + 12 * 3600},
		{20, "", AT - 9, 0, "pid 7, uptime 0:00:09", AT + 120},
		{200, "can't find command 'x'", 1, 2, "can't find command 'x'", AT},
		{20, "", AT - 9, 0, "pid 7, uptime 0:00:09"},
		{20, "", AT - 86401, 0, "pid 7, uptime 1 day, 0:00:01"},
		{20, "", AT - 2 * 86400 - 11045, 0, "pid 7, uptime 2 days, 3:04:05"},
		{20, "", AT + 5, 0, "pid 7, uptime 0:00:00"}, /* the clock was set back */
		{200, "can't find command 'x'", 1, 2, "can't find command 'x'"},
		{30, "", 1, 2, "unknown error (try \"tail w\")"},
		{0, "", 0, 0, "Not started"},
		{0, "", AT - 100, AT, "Nov 21 06:58 AM"},
		{100, "", AT - 100, AT + 12 * 3600, "Nov 21 06:58 PM"},
		{100, "", AT - 100, AT - 7 * 3600, "Nov 20 11:58 PM"},
		{100, "", AT - 100, AT + 6 * 3600, "Nov 21 12:58 PM"},
		{10, "", AT, 0, ""},
		{40, "", AT, 0, ""},
		{1000, "", AT, 0, ""},
	};
	char text[256];

	ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mirror_worker w = {
			.state = cases[i].state,
			.pid = 7,
			.name = (char *)"w",
			.spawnerr = (char *)cases[i].spawnerr,
			.started = SECONDS(cases[i].started),
			.stopped = SECONDS(cases[i].stopped),
			.next_run = SECONDS(cases[i].next_run),
		};

		ck_assert_str_eq(worker_description(&w, SECONDS(AT), text, sizeof(text)),
				 cases[i].text);
	}
}
END_TEST

START_TEST(the_last_exit_is_told)
{
	static const struct {
		int status;
		const char *text;
	} cases[] = {
		{-1, ""},
		{0, "exit status 0"},
		{3 << 8, "exit status 3"},
		{15, "terminated by SIGTERM"},
		{11 | 0x80, "terminated by SIGSEGV (core dumped)"},
	};
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mirror_worker w = {.exit = cases[i].status};

		ck_assert_str_eq(worker_last_exit(&w, text, sizeof(text)), cases[i].text);
	}
	ck_assert_str_eq(worker_statename(1000), "UNKNOWN");
	ck_assert_str_eq(worker_statename(77), "UNKNOWN");
}
END_TEST

START_TEST(read_gives_what_supervisor_gives)
{
	static const struct {
		int64_t size, offset, length;
		int r;
		int64_t start;
		size_t len;
	} cases[] = {
		{100, 10, 20, 0, 10, 20},
		{100, 90, 20, 0, 90, 10},
		{100, 200, 20, 0, 100, 0},
		{100, 10, 0, 0, 10, 90},
		{100, -30, 0, 0, 70, 30},
		{100, -300, 0, 0, 0, 100},
		{0, 0, 0, 0, 0, 0},
		{100, -1, 1, -EINVAL, 0, 0},
		{100, 0, -1, -EINVAL, 0, 0},
		{100, INT64_MIN, 0, 0, 0, 100},
		{100, INT64_MAX, INT64_MAX, 0, 100, 0},
		{10 << 20, 0, 0, 0, 0, SLICE_MAX},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice s = {0};

		ck_assert_int_eq(slice_read(cases[i].size, cases[i].offset, cases[i].length, &s),
				 cases[i].r);
		ck_assert_int_eq(s.start, cases[i].start);
		ck_assert_uint_eq(s.len, cases[i].len);
	}
}
END_TEST

START_TEST(tail_gives_what_supervisor_gives)
{
	static const struct {
		int64_t size, offset, length, start;
		size_t len;
		bool overflow;
	} cases[] = {
		{100, 0, 10, 90, 10, true},
		{100, 0, 0, 100, 0, true},
		{100, 0, 200, 0, 100, false},
		{100, 90, 10, 90, 10, false},
		{100, 95, 10, 90, 10, false},
		{100, 100, 10, 100, 0, false},
		{100, 500, 10, 100, 0, false},
		{100, -50, 10, 90, 10, true},
		{100, 0, -5, 100, 0, true},
		{0, 0, 10, 0, 0, false},
		{100, INT64_MAX, INT64_MAX, 100, 0, false},
		{100, INT64_MIN, -1, 100, 0, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice s;

		slice_tail(cases[i].size, cases[i].offset, cases[i].length, &s);
		ck_assert_int_eq(s.overflow, cases[i].overflow);
		ck_assert_uint_eq(s.len, cases[i].len);
		if (s.len) {
			ck_assert_int_eq(s.start, cases[i].start);
		}
	}
}
END_TEST

START_TEST(neighbouring_slices_lose_and_double_no_character)
{
	const char *text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
	auto_close int fd = memfd_create("log", MFD_CLOEXEC);
	size_t size = strlen(text);

	ck_assert_int_eq(write(fd, text, size), (ssize_t)size);
	for (int64_t step = 1; step <= (int64_t)size; step++) {
		char joined[64] = "";

		for (int64_t at = 0; at < (int64_t)size; at += step) {
			auto_free char *data = NULL;
			struct slice s;
			size_t len;

			ck_assert_int_eq(slice_read((off_t)size, at, step, &s), 0);
			ck_assert_int_eq(slice_load(fd, &s, &data, &len), 0);
			strncat(joined, data, len);
		}
		ck_assert_str_eq(joined, text);
	}
}
END_TEST

START_TEST(old_jobs_are_forgotten)
{
	CLEANUP(jobs_done) struct jobs jobs = {0};

	for (int number = 1; number <= JOBS_MAX + 1; number++) {
		ck_assert_ptr_nonnull(jobs_take(&jobs, number));
	}
	ck_assert_ptr_null(jobs_find(&jobs, 1));
	ck_assert_ptr_nonnull(jobs_find(&jobs, 2));
}
END_TEST

START_TEST(a_job_whose_slotd_is_gone_ends_unless_the_next_one_knows_it)
{
	CLEANUP(jobs_done) struct jobs jobs = {0};
	struct job *j;

	ck_assert_ptr_nonnull(jobs_take(&jobs, 3));
	j = jobs_find(&jobs, 3);
	jobs_lose(&jobs);
	ck_assert(j->done);
	ck_assert_int_eq(j->code, JOB_CODE_UNKNOWN);
	message_init(&m, MSG_JOB, 0);
	message_put_i64(&m, TAG_JOB, 3);
	message_put_text(&m, TAG_SERVICE, "payinv");
	message_put_u64(&m, TAG_KIND, 0);
	message_put_u64(&m, TAG_STEP, 3);
	ck_assert_ptr_eq(jobs_apply(&jobs, &m), j);
	ck_assert(!j->done);
	ck_assert_str_eq(j->service, "payinv");
}
END_TEST

SUITE("mirror", what_is_not_named_when_all_is_sent_again_is_gone,
      what_could_not_be_stored_takes_nothing_away,
      a_job_whose_slotd_is_gone_ends_unless_the_next_one_knows_it,
      workers_are_kept_sorted_and_replaced, a_name_that_moves_in_the_ledger_stays_one_worker,
      an_index_out_of_range_is_refused, what_a_new_slotd_does_not_name_is_gone,
      names_are_split_at_the_first_colon, a_worker_is_described_in_supervisors_words,
      the_last_exit_is_told, read_gives_what_supervisor_gives, tail_gives_what_supervisor_gives,
      neighbouring_slices_lose_and_double_no_character, old_jobs_are_forgotten);
