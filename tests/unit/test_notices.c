/* show/: what notify= commands are told, and their queues. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <supervisor/deploy/job_steps.h>
#include <supervisor/dry_run.h>
#include <supervisor/show/notice_queue.h>
#include <supervisor/show/notices.h>

#include "service_world.h"
#include "suite.h"

#define NOTIFIED TWO_SLOT "notify=tell it\n"

static int test_it(struct world *w, uint32_t id, struct diag *diag)
{
	const struct job_request req = {.service = "s", .who = "ana", .trusted = true};
	int r = notices_test(w->sup, &req, id, diag);

	world_settle(w);
	return r;
}

START_TEST(output_that_is_no_utf8_or_is_cut_is_told_all_the_same)
{
	auto_world w = world_new(NOTIFIED);
	struct job j = {.name = "s",
			.number = 7,
			.failed_in = SWAP_VERIFY,
			.text = "NOTHING SWAPPED \xff",
			.why = "verify failed: \x9cr n\xc3\xb6tig \xe2\x82"};
	char *line;

	world_advance(&w, SECONDS(2));
	fake_shell = (struct fake_shell){.code = 0};
	notices_service(the_service(&w), NOTICE_FATAL, "\x82 kaputt\n\xc3\xb6 \xe2\x82");
	world_settle(&w);
	ck_assert_uint_eq(fake_shell.runs, 1);
	not_logged("dropped");
	line = job_history_line(&j);
	ck_assert_ptr_nonnull(line);
	says(line, "\"text\":\"NOTHING SWAPPED ?\"");
	says(line, "\"why\":\"verify failed: ?r n\xc3\xb6tig \"");
	free(line);
}
END_TEST

START_TEST(what_a_command_prints_is_fit_for_a_terminal)
{
	auto_world w = world_new(NOTIFIED);

	world_advance(&w, SECONDS(2));
	fake_shell = (struct fake_shell){.says = "\x1b[31mno \xff way\nsecond", .code = 3};
	notices_service(the_service(&w), NOTICE_FATAL, "it is");
	world_settle(&w);
	logged("s: notify, fatal: exit status 3; it printed: ?[31mno ? way; again in");
}
END_TEST

START_TEST(a_test_ends_with_its_service_and_another_may_follow)
{
	auto_world w = world_new(NOTIFIED);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_shell = (struct fake_shell){.stays = true};
	ck_assert_int_eq(test_it(&w, 1, &diag), 0);
	ck_assert_int_eq(test_it(&w, 2, &diag), -EBUSY);
	says(diag.text, "s: another test is running");
	reload_with(&w, PROGRAMS);
	reload_with(&w, NOTIFIED);
	world_advance(&w, SECONDS(2));
	fake_shell = (struct fake_shell){.code = 0};
	ck_assert_int_eq(test_it(&w, 3, &diag), 0);
	ck_assert_uint_eq(fake_shell.runs, 1);
}
END_TEST

/* Ids of requests come again after the loss of slotd-control: an answer would be to another one. */
START_TEST(nobody_is_answered_whose_control_was_lost)
{
	auto_world w = world_new(NOTIFIED);
	const struct job_request req = {
		.kind = SWAP_KIND_DEPLOY, .service = "s", .who = "ana", .trusted = true};
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_functions_hang = true;
	ck_assert_int_eq(dry_run_begin(w.sup, &req, 5, &diag), 0);
	world_settle(&w);
	ck_assert_ptr_nonnull(w.sup->dry_runs);
	fake_process_exit(fake_process_find("slotd-control"), 1);
	world_settle(&w);
	fake_functions_hang = false;
	ck_assert_ptr_null(w.sup->dry_runs);
}
END_TEST

static off_t store_size(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *e;
	off_t size = 0;

	ck_assert_ptr_nonnull(dir);
	while ((e = readdir(dir))) {
		char to[64];
		ssize_t n = readlinkat(dirfd(dir), e->d_name, to, sizeof(to) - 1);
		struct stat st;

		to[n > 0 ? n : 0] = '\0';
		if (strstr(to, "slotd-notices") && fstat(atoi(e->d_name), &st) == 0) {
			size = st.st_size > size ? st.st_size : size;
		}
	}
	(void)closedir(dir);
	return size;
}

START_TEST(what_is_kept_for_the_next_slotd_does_not_grow_without_bounds)
{
	auto_world w = world_new(NOTIFIED);
	char text[900];

	world_advance(&w, SECONDS(2));
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fake_shell = (struct fake_shell){.code = 1};
	for (int i = 0; i < 1000; i++) {
		notices_service(the_service(&w), NOTICE_FATAL, text);
		world_settle(&w);
	}
	ck_assert_int_gt(store_size(), NOTICE_QUEUE_MAX * (int)sizeof(text));
	ck_assert_int_lt(store_size(), 320 * 1024);
}
END_TEST

SUITE("notices", output_that_is_no_utf8_or_is_cut_is_told_all_the_same,
      what_a_command_prints_is_fit_for_a_terminal,
      a_test_ends_with_its_service_and_another_may_follow,
      nobody_is_answered_whose_control_was_lost,
      what_is_kept_for_the_next_slotd_does_not_grow_without_bounds);
