/* What is read of job logs: their names, which go, and which command was the last. */
#include <check.h>
#include <fcntl.h>
#include <slotd/cleanup.h>
#include <slotd/indent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "suite.h"
#include "supervisor/deploy/job_files.h"

static char dir[64];

static void make_dir(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/slotd-job-files-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static const char *path_of(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static bool exists(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

START_TEST(a_logs_name_says_of_which_job_it_is)
{
	unsigned n = 0;

	ck_assert(job_log_number("web-12.log", "web", &n) && n == 12);
	ck_assert(!job_log_number("web-12.log.1", "web", &n));
	ck_assert(!job_log_number("web-012.log", "web", &n));
	ck_assert(!job_log_number("web-.log", "web", &n));
	ck_assert(!job_log_number("web-a-12.log", "web", &n));
	ck_assert(job_log_number("web-a-12.log", "web-a", &n));
	ck_assert(!job_log_number("webs-12.log", "web", &n));
	ck_assert(!job_log_number("web-99999999999999999999.log", "web", &n));
}
END_TEST

static void make_logs(void)
{
	char name[64], text[64];

	for (unsigned n = 1; n <= 40; n++) {
		(void)snprintf(name, sizeof(name), "web-%u.log", n);
		(void)snprintf(text, sizeof(text), "#%u web: a -> b\n", n);
		write_file(name, n % 2 ? text : INDENT_PREFIX "rotated\n");
	}
	write_file("web-3.log.1", "#3 web: a -> b\n");
	write_file("web-5.log", "a worker's\n");
	write_file("other-1.log", "#1 other: a -> b\n");
}

START_TEST(the_oldest_logs_of_a_service_go_and_no_others)
{
	struct job_tidy tidy = {dir, "web", 40};

	make_dir();
	make_logs();
	ck_assert_int_eq(job_tidy(&tidy), 0);
	ck_assert(!exists("web-40.log")); /* of a former job of that number */
	ck_assert(exists("web-39.log") && exists("web-11.log"));
	ck_assert(!exists("web-10.log") && !exists("web-3.log") && !exists("web-3.log.1"));
	ck_assert(exists("web-5.log") && exists("other-1.log"));
	for (unsigned n = 1; n <= 40; n++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "web-%u.log", n);
		(void)unlink(path_of(name));
	}
	ck_assert_int_eq(unlink(path_of("other-1.log")), 0);
	ck_assert_int_eq(rmdir(dir), 0);
	ck_assert_int_eq(job_tidy(&tidy), 1); /* nothing there */
}
END_TEST

static void printed(struct script_trace *t, const char *line)
{
	script_trace_line(t, line, strlen(line));
}

START_TEST(the_last_command_is_the_last_line_that_the_shell_has_read)
{
	struct script_trace t = {.next = "echo one\n# a comment\n\nfalse\ntrue"};

	printed(&t, "one");
	ck_assert_uint_eq(t.number, 0);
	printed(&t, "echo one");
	printed(&t, "one");
	printed(&t, "# a comment");
	printed(&t, "");
	ck_assert_uint_eq(t.number, 1);
	printed(&t, "true"); /* printed by something, not read yet */
	printed(&t, "false");
	ck_assert_uint_eq(t.number, 4);
	ck_assert_str_eq(t.command, "false");
}
END_TEST

START_TEST(of_output_whose_beginning_is_gone_any_line_may_be_the_next)
{
	struct script_trace t = {.next = "one\ntwo\nthree", .torn = true};

	printed(&t, "two");
	ck_assert_uint_eq(t.number, 2);
	printed(&t, "one");
	printed(&t, "three");
	ck_assert_uint_eq(t.number, 3);
	ck_assert_str_eq(t.command, "three");
}
END_TEST

/* What job_trace_print says. */
static const char *traced(const char *script)
{
	static char said[256];
	struct job_trace trace = {script, path_of("web-1.log")};
	int ends[2], saved = dup(STDOUT_FILENO);
	ssize_t n;

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_ge(dup2(ends[1], STDOUT_FILENO), 0);
	(void)close(ends[1]);
	ck_assert_int_eq(job_trace_print(&trace), 0);
	ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
	(void)close(saved);
	n = read(ends[0], said, sizeof(said) - 1);
	(void)close(ends[0]);
	ck_assert_int_ge(n, 0);
	said[n] = '\0';
	return said;
}

START_TEST(a_log_tells_which_command_failed)
{
	make_dir();
	write_file("web-1.log", "#1 web: a -> b\nfalse | x\n" INDENT_PREFIX "true\n" INDENT_PREFIX
				"false | x\n");
	ck_assert_str_eq(traced("true\nfalse | x\ntrue"), "2 false | x");
	ck_assert_str_eq(traced("nothing of it"), "");
	write_file("web-1.log", "#1 web: a -> b\n" INDENT_PREFIX
				"true\n1/5 prepare  ok\n" INDENT_PREFIX "true\n");
	ck_assert_str_eq(traced("true\nfalse"), "1 true");
	write_file("web-1.log.1", "#1 web: a -> b\n" INDENT_PREFIX "true\n");
	write_file("web-1.log", INDENT_PREFIX "much\n" INDENT_PREFIX "exit 3\n");
	ck_assert_str_eq(traced("true\nexit 3\ntrue"), "2 exit 3");
	ck_assert_int_eq(unlink(path_of("web-1.log.1")), 0);
	ck_assert_str_eq(traced("true\nexit 3\ntrue"), "2 exit 3");
	ck_assert_int_eq(unlink(path_of("web-1.log")), 0);
	ck_assert_str_eq(traced("true"), "");
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

SUITE("job_files", a_logs_name_says_of_which_job_it_is,
      the_oldest_logs_of_a_service_go_and_no_others,
      the_last_command_is_the_last_line_that_the_shell_has_read,
      of_output_whose_beginning_is_gone_any_line_may_be_the_next, a_log_tells_which_command_failed);
