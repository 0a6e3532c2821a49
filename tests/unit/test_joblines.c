/* The log of a job in answers: places and lines. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "control/joblines.h"
#include "suite.h"

struct got {
	char text[512];
	size_t end;
};

static void take(void *data, const char *line, size_t len, size_t end)
{
	struct got *g = data;

	(void)snprintf(g->text + strlen(g->text), sizeof(g->text) - strlen(g->text), "[%.*s]",
		       (int)len, line);
	g->end = end;
}

static void cuts_to(const char *piece, bool last, unsigned max, const char *lines, size_t used)
{
	struct got g = {""};

	ck_assert_uint_eq(joblines_cut(piece, strlen(piece), last, max, take, &g), used);
	ck_assert_str_eq(g.text, lines);
	ck_assert_uint_eq(g.end, used);
}

START_TEST(only_whole_lines_are_given_while_more_may_come)
{
	cuts_to("one\n\ntwo\nthr", false, 10, "[one][][two]", 9);
	cuts_to("thr", false, 10, "", 0);
	cuts_to("", true, 10, "", 0);
}
END_TEST

START_TEST(at_the_end_a_line_needs_no_newline)
{
	cuts_to("one\nthr", true, 10, "[one][thr]", 7);
}
END_TEST

START_TEST(an_answer_has_so_many_lines_at_most)
{
	cuts_to("1\n2\n3\n", true, 2, "[1][2]", 4);
}
END_TEST

START_TEST(a_place_is_found_again)
{
	for (ino_t ino = 1; ino < 1000; ino += 7) {
		for (off_t at = 0; at <= JOBLINES_FILE_MAX; at = at * 3 + 1) {
			unsigned tag;
			off_t there;

			ck_assert(joblines_where(joblines_place(joblines_tag(ino), at), &tag,
						 &there));
			ck_assert_uint_eq(tag, joblines_tag(ino));
			ck_assert_int_eq(there, at);
		}
	}
}
END_TEST

START_TEST(some_numbers_are_no_place)
{
	static const int64_t none[] = {-1, 1, JOBLINES_FILE_MAX, INT32_MAX, (int64_t)1 << 40};
	unsigned tag = 1;
	off_t at = 1;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		ck_assert(!joblines_where(none[i], &tag, &at));
	}
	ck_assert(joblines_where(0, &tag, &at));
	ck_assert(tag == 0 && at == 0);
}
END_TEST

SUITE("joblines", only_whole_lines_are_given_while_more_may_come,
      at_the_end_a_line_needs_no_newline, an_answer_has_so_many_lines_at_most,
      a_place_is_found_again, some_numbers_are_no_place);
