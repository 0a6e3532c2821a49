/* A job's log: what slotd says and what commands print, in order, and never waited for. */
#include <slotd/cleanup.h>
#include <slotd/indent.h>
#include <string.h>
#include <supervisor/deploy/job_log.h>
#include <unistd.h>

#include "fake.h"
#include "slotd_world.h"
#include "suite.h"

static unsigned written;

static void on_written(struct job_log *log)
{
	(void)log;
	written++;
}

static struct job_log log_;

static struct world begin(void)
{
	struct world w = world_new("[program:web]\ncommand=web\n");

	written = 0;
	ck_assert_int_eq(job_log_open(&log_, w.sup, "web", 1, "/nowhere/web-1.log", on_written), 0);
	fake_logged[0] = '\0';
	return w;
}

static void finish(struct world *w)
{
	job_log_done(&log_);
	world_settle(w);
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

START_TEST(lines_wait_until_slotd_log_may_open_the_file)
{
	CLEANUP(world_done) struct world w = begin();

	job_log_line(&log_, "one");
	world_settle(&w);
	ck_assert_str_eq(fake_logged, "");
	job_log_begin(&log_);
	job_log_line(&log_, "two");
	world_settle(&w);
	ck_assert_str_eq(fake_logged, "one\ntwo\n");
	finish(&w);
}
END_TEST

START_TEST(it_is_written_when_slotd_log_has_said_so)
{
	CLEANUP(world_done) struct world w = begin();

	job_log_begin(&log_);
	job_log_line(&log_, "one");
	job_log_end(&log_);
	ck_assert(job_log_open_still(&log_));
	ck_assert_uint_eq(written, 0);
	world_settle(&w);
	ck_assert(!job_log_open_still(&log_));
	ck_assert_uint_eq(written, 1);
	ck_assert_str_eq(fake_logged, "one\n");
	job_log_line(&log_, "too late");
	finish(&w);
	ck_assert_str_eq(fake_logged, "one\n");
}
END_TEST

START_TEST(a_job_that_ends_at_once_is_written_after_the_file_may_be_opened)
{
	CLEANUP(world_done) struct world w = begin();
	int fd;

	ck_assert_int_eq(job_log_commands(&log_, (uid_t)-1, (gid_t)-1, &fd), 0);
	say(fd, "printed\n");
	(void)close(fd);
	job_log_line(&log_, "failed");
	job_log_end(&log_);
	world_settle(&w);
	ck_assert_str_eq(fake_logged, "");
	ck_assert(job_log_open_still(&log_));
	job_log_begin(&log_);
	world_settle(&w);
	ck_assert_str_eq(fake_logged, "printed\nfailed\n");
	ck_assert(!job_log_open_still(&log_));
	finish(&w);
}
END_TEST

START_TEST(lines_come_behind_what_commands_have_printed)
{
	CLEANUP(world_done) struct world w = begin();
	int fd;

	job_log_begin(&log_);
	ck_assert_int_eq(job_log_commands(&log_, (uid_t)-1, (gid_t)-1, &fd), 0);
	job_log_line(&log_, "after");
	say(fd, "printed ");
	world_settle(&w);
	ck_assert_str_eq(fake_logged, "printed ");
	say(fd, "late ");
	job_log_commands_end(&log_); /* somebody else has the pipe, too: so have we */
	world_settle(&w);
	ck_assert_str_eq(fake_logged, "printed late after\n");
	ck_assert_uint_eq(written, 1);
	(void)close(fd);
	finish(&w);
}
END_TEST

START_TEST(its_end_ends_the_commands_stream_too)
{
	CLEANUP(world_done) struct world w = begin();
	int fd;

	job_log_begin(&log_);
	ck_assert_int_eq(job_log_commands(&log_, (uid_t)-1, (gid_t)-1, &fd), 0);
	(void)close(fd);
	job_log_line(&log_, "after");
	job_log_end(&log_);
	world_settle(&w);
	ck_assert(!job_log_open_still(&log_));
	ck_assert_str_eq(fake_logged, "after\n");
	finish(&w);
}
END_TEST

START_TEST(text_below_a_step_is_indented)
{
	CLEANUP(world_done) struct world w = begin();

	job_log_begin(&log_);
	job_log_line(&log_, "3/5 gate FAILED");
	job_log_text(&log_, "one\ntw", 6);
	job_log_text(&log_, "o", 1);
	job_log_text(&log_, "", 0);
	job_log_line(&log_, "NOTHING SWAPPED");
	world_settle(&w);
	ck_assert_str_eq(fake_logged, "3/5 gate FAILED\n" INDENT_PREFIX "one\n" INDENT_PREFIX
				      "two\nNOTHING SWAPPED\n");
	finish(&w);
}
END_TEST

START_TEST(lines_that_nobody_reads_are_left_out_at_last_and_never_waited_for)
{
	CLEANUP(world_done) struct world w = begin();
	char line[1000];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (int i = 0; i < 1000; i++) {
		job_log_line(&log_, line); /* slotd-log is not told yet */
	}
	ck_assert_uint_le(log_.len, 64 * 1024);
	ck_assert_ptr_nonnull(strstr(world_log(), "lines are missing in /nowhere/web-1.log"));
	job_log_begin(&log_);
	job_log_end(&log_);
	world_settle(&w);
	ck_assert(!job_log_open_still(&log_));
	finish(&w);
}
END_TEST

START_TEST(what_waits_when_slotd_ends_is_still_given_away)
{
	CLEANUP(world_done) struct world w = begin();
	int fd;

	job_log_begin(&log_);
	ck_assert_int_eq(job_log_commands(&log_, (uid_t)-1, (gid_t)-1, &fd), 0);
	job_log_line(&log_, "after");
	(void)close(fd);
	finish(&w);
	ck_assert_str_eq(fake_logged, "after\n");
	ck_assert_uint_eq(written, 0);
}
END_TEST

SUITE("job_log", lines_wait_until_slotd_log_may_open_the_file,
      it_is_written_when_slotd_log_has_said_so,
      a_job_that_ends_at_once_is_written_after_the_file_may_be_opened,
      lines_come_behind_what_commands_have_printed, its_end_ends_the_commands_stream_too,
      text_below_a_step_is_indented,
      lines_that_nobody_reads_are_left_out_at_last_and_never_waited_for,
      what_waits_when_slotd_ends_is_still_given_away);
