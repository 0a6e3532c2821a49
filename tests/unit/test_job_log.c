#include <check.h>
#include <slotd/cleanup.h>
#include <stdio.h>
#include <string.h>

#include "suite.h"
#include "supervisor/deploy/job_log.h"

struct heard {
	char text[8192];
};

static void hear(void *data, const char *text)
{
	struct heard *h = data;

	(void)snprintf(h->text + strlen(h->text), sizeof(h->text) - strlen(h->text), "[%s]", text);
}

static void feed(struct job_log *log, struct heard *h, const char *text)
{
	job_log_feed(log, text, strlen(text), hear, h);
}

START_TEST(lines_are_cut_where_they_end_not_where_they_were_read)
{
	CLEANUP(job_log_done) struct job_log log = {0};
	struct heard h = {""};

	feed(&log, &h, "one\ntw");
	feed(&log, &h, "o\r\n\nthree");
	ck_assert_str_eq(h.text, "[one][two][]");
	feed(&log, &h, "");
	ck_assert_str_eq(h.text, "[one][two][][three]");
	feed(&log, &h, "");
	ck_assert_str_eq(h.text, "[one][two][][three]");
}
END_TEST

START_TEST(control_characters_do_not_reach_a_terminal)
{
	static const char text[] = "\033[31mred\0\a\tx\n";
	CLEANUP(job_log_done) struct job_log log = {0};
	struct heard h = {""};

	job_log_feed(&log, text, sizeof(text) - 1, hear, &h);
	ck_assert_str_eq(h.text, "[?[31mred??\tx]");
}
END_TEST

START_TEST(a_line_without_end_is_cut_into_pieces)
{
	CLEANUP(job_log_done) struct job_log log = {0};
	struct heard h = {""};

	for (int i = 0; i < JOB_LINE_LEN + 10; i++) {
		feed(&log, &h, "x");
	}
	ck_assert_uint_eq(strlen(h.text), JOB_LINE_LEN - 1 + 2);
	ck_assert_uint_eq(log.n_partial, 11);
}
END_TEST

START_TEST(the_newest_lines_are_kept_and_numbered_on)
{
	CLEANUP(job_log_done) struct job_log log = {0};

	for (int i = 0; i < JOB_LINES_MAX + 5; i++) {
		job_log_add(&log, SWAP_PREPARE, "x");
	}
	ck_assert_uint_eq(log.lines.len, JOB_LINES_MAX);
	ck_assert_uint_eq(log.lines.at[0].seq, 6);
	ck_assert_uint_eq(log.seq, JOB_LINES_MAX + 5);
}
END_TEST

int main(void)
{
	return suite_run("job_log", lines_are_cut_where_they_end_not_where_they_were_read,
			 control_characters_do_not_reach_a_terminal,
			 a_line_without_end_is_cut_into_pieces,
			 the_newest_lines_are_kept_and_numbered_on);
}
