#include "log/filter.h"
#include "log/lines.h"
#include "log/note.h"
#include "log/repeat.h"
#include "log/rest.h"
#include "log/rotation.h"
#include "suite.h"

#include <slotd/cleanup.h>
#include <slotd/indent.h>

#include <errno.h>
#include <string.h>

/* ---- rotation */

static size_t split(uint64_t maxbytes, uint64_t size, const char *data, bool *ret_full)
{
	const struct rotation r = {.maxbytes = maxbytes, .backups = 1};

	return rotation_split(&r, size, data, strlen(data), ret_full);
}

START_TEST(a_file_below_maxbytes_takes_everything)
{
	bool full = true;

	ck_assert_uint_eq(split(100, 0, "one\ntwo\n", &full), 8);
	ck_assert(!full);
	ck_assert_uint_eq(split(0, 1u << 30, "one\ntwo\n", &full), 8);
	ck_assert(!full);
}
END_TEST

START_TEST(a_file_is_full_after_the_line_that_reaches_maxbytes)
{
	bool full;

	ck_assert_uint_eq(split(6, 0, "one\ntwo\nthree\n", &full), 8);
	ck_assert(full);
	ck_assert_uint_eq(split(8, 0, "one\ntwo\nthree\n", &full), 8);
	ck_assert(full);
	ck_assert_uint_eq(split(9, 0, "one\ntwo\nthree\n", &full), 14);
	ck_assert(full);
	ck_assert_uint_eq(split(8, 7, "\n", &full), 1);
	ck_assert(full);
}
END_TEST

START_TEST(a_begun_line_is_waited_for)
{
	bool full = true;

	ck_assert_uint_eq(split(4, 0, "no newline yet", &full), 14);
	ck_assert(!full);
	ck_assert_uint_eq(split(4, 14, "end\nnext\n", &full), 4);
	ck_assert(full);
}
END_TEST

START_TEST(a_line_without_end_is_cut_after_the_slack)
{
	static char line[2 * ROTATION_SLACK];
	const struct rotation r = {.maxbytes = 10};
	bool full;

	memset(line, 'x', sizeof(line));
	ck_assert_uint_eq(rotation_split(&r, 0, line, sizeof(line), &full), 10 + ROTATION_SLACK);
	ck_assert(full);
	ck_assert_uint_eq(rotation_split(&r, 10 + ROTATION_SLACK, line, 5, &full), 0);
	ck_assert(full);
	line[10 + ROTATION_SLACK] = '\n'; /* too late by one */
	ck_assert_uint_eq(rotation_split(&r, 0, line, sizeof(line), &full), 10 + ROTATION_SLACK);
}
END_TEST

START_TEST(splitting_a_chunk_makes_no_difference_to_where_files_end)
{
	static const char text[] = "a\nbb\nccc\ndddd\neeeee\nffffff\nggggggg\n";
	const struct rotation r = {.maxbytes = 7, .backups = 1};

	for (size_t chunk = 1; chunk < sizeof(text); chunk++) {
		uint64_t size = 0;
		char ends[64] = "";

		for (size_t at = 0; at < strlen(text);) {
			size_t left = strlen(text) - at, n = left < chunk ? left : chunk;
			bool full;

			n = rotation_split(&r, size, text + at, n, &full);
			ck_assert_uint_gt(n, 0);
			at += n;
			size = full ? 0 : size + n;
			if (full) {
				sprintf(ends + strlen(ends), "%zu ", at);
			}
		}
		ck_assert_str_eq(ends, "9 20 27 35 ");
	}
}
END_TEST

START_TEST(backups_are_numbered_from_one)
{
	char name[12];

	ck_assert_int_eq(rotation_name("/a.log", 0, name, sizeof(name)), 0);
	ck_assert_str_eq(name, "/a.log");
	ck_assert_int_eq(rotation_name("/a.log", 12, name, sizeof(name)), 0);
	ck_assert_str_eq(name, "/a.log.12");
	ck_assert_int_eq(rotation_name("/a.log", 123456, name, sizeof(name)), -ENAMETOOLONG);
}
END_TEST

/* ---- lines */

START_TEST(lines_are_counted_by_their_ends)
{
	ck_assert_uint_eq(lines_count("a\n\nb", 4), 2);
	ck_assert_uint_eq(lines_count("", 0), 0);
	ck_assert_uint_eq(lines_first_end("ab\ncd\n", 6), 3);
	ck_assert_uint_eq(lines_first_end("ab", 2), 0);
	ck_assert_uint_eq(lines_last_end("ab\ncd\ne", 7), 6);
	ck_assert_uint_eq(lines_last_end("ab", 2), 0);
	ck_assert_uint_eq(lines_common("abcd", "abxd", 4), 2);
}
END_TEST

/* ---- notes */

static struct log_notes *new_notes(void)
{
	struct log_notes *notes = NULL;
	auto_close int staging = -EBADF, fd = -EBADF;

	ck_assert_int_eq(lognote_create(&staging, &fd), 0);
	ck_assert_int_eq(notes_map(fd, &notes), 0);
	return notes;
}

START_TEST(a_note_counts_only_when_it_is_committed)
{
	struct log_notes *notes = new_notes();
	struct log_note note = {.state = LOG_NOTE_WRITING, .stream = 7};
	const struct log_note_copy *before;

	ck_assert_uint_eq(notes_current(notes)->note.state, LOG_NOTE_IDLE);
	notes_commit(notes, &note, "/a");
	before = notes_current(notes);
	ck_assert_uint_eq(before->note.stream, 7);
	ck_assert_str_eq(before->path, "/a");
	note.stream = 8;
	notes_commit(notes, &note, "/longer");
	ck_assert_ptr_ne(notes_current(notes), before); /* the old copy was left whole until then */
	ck_assert_uint_eq(before->note.stream, 7);
	ck_assert_str_eq(notes_current(notes)->path, "/longer");
	notes_idle(notes);
	ck_assert_uint_eq(notes_current(notes)->note.state, LOG_NOTE_IDLE);
	notes_unmap(notes);
}
END_TEST

START_TEST(a_streams_filter_state_is_found_again)
{
	struct log_notes *notes = new_notes();

	notes_stream(notes, 5)->filter = 9;
	notes_stream(notes, 5 + LOG_NOTE_STREAMS)->filter = 10; /* the same place */
	ck_assert_uint_eq(notes_stream(notes, 5)->filter, 9);
	notes_stream_drop(notes, 5);
	ck_assert_uint_eq(notes_stream(notes, 5 + LOG_NOTE_STREAMS)->filter, 10);
	ck_assert_uint_eq(notes_stream(notes, 5)->filter, 0);
	for (uint32_t i = 2; i < 16; i++) {
		ck_assert_ptr_nonnull(notes_stream(notes, 5 + i * LOG_NOTE_STREAMS));
	}
	ck_assert_ptr_null(notes_stream(notes, 5 + 16 * LOG_NOTE_STREAMS));
	notes_unmap(notes);
}
END_TEST

START_TEST(notes_of_another_layout_are_refused)
{
	struct log_notes *notes = new_notes();
	auto_close int fd = -EBADF, staging = -EBADF;
	uint32_t version = LOG_NOTES_VERSION + 1;

	ck_assert_int_eq(lognote_create(&staging, &fd), 0);
	ck_assert_int_eq(pwrite(fd, &version, sizeof(version), sizeof(version)), 4);
	ck_assert_int_eq(notes_map(fd, &notes), -EPROTO);
	notes_unmap(notes);
}
END_TEST

/* ---- filters */

struct captured {
	char text[256];
};

static void add_text(void *data, const char *text, size_t n)
{
	strncat(((struct captured *)data)->text, text, n);
}

static void add_end(void *data)
{
	strcat(((struct captured *)data)->text, "|");
}

static const struct filter_capture capture = {.text = add_text, .end = add_end};

/* Filters text in pieces of every size; logged and captured text must always be the same. */
static void filters_to(unsigned filters, const char *text, const char *logged, const char *caught)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		struct captured c = {""};
		uint32_t state = 0;
		char out[512];
		size_t n = 0;

		for (size_t at = 0; at < strlen(text); at += piece) {
			size_t left = strlen(text) - at;

			n += filter_run(filters, &state, text + at, left < piece ? left : piece,
					out + n, &capture, &c);
		}
		n += filter_end(filters, &state, out + n);
		out[n] = '\0';
		ck_assert_str_eq(out, logged);
		ck_assert_str_eq(c.text, caught);
	}
}

START_TEST(escape_sequences_are_removed)
{
	filters_to(FILTER_ANSI, "a\x1b[1;31mred\x1b[0m\x1b[2Kb\n", "aredb\n", "");
}
END_TEST

START_TEST(an_escape_that_begins_no_sequence_stays)
{
	filters_to(FILTER_ANSI, "a\x1b(B\x1b\x1b[1mb\x1b",
		   "a\x1b(B\x1b"
		   "b\x1b",
		   "");
}
END_TEST

START_TEST(text_between_tokens_is_captured_and_not_logged)
{
	filters_to(FILTER_CAPTURE,
		   "x<!--XSUPERVISOR:BEGIN-->one<!--XSUPERVISOR:END-->y"
		   "<!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END-->z",
		   "xyz", "one||");
}
END_TEST

START_TEST(what_only_looks_like_a_token_is_logged)
{
	filters_to(FILTER_CAPTURE, "<!--X<<!--XSUPERVISOR:END--><!--XSUPERVISOR:BEG",
		   "<!--X<<!--XSUPERVISOR:END--><!--XSUPERVISOR:BEG", "");
}
END_TEST

START_TEST(captured_text_keeps_its_escapes)
{
	filters_to(FILTER_ANSI | FILTER_CAPTURE,
		   "\x1b[1ma<!--XSUPERVISOR:BEGIN-->\x1b[1m<!--<!--XSUPERVISOR:END-->b", "ab",
		   "\x1b[1m<!--|");
}
END_TEST

#define BAR INDENT_PREFIX

START_TEST(what_commands_print_stands_behind_a_bar)
{
	filters_to(FILTER_INDENT, "one\r\n\n\x1b[1mtwo\tthree\n",
		   BAR "one\n" BAR "\n" BAR "?[1mtwo\tthree\n", "");
}
END_TEST

START_TEST(a_line_without_end_is_ended_with_its_text)
{
	filters_to(FILTER_INDENT, "one\nno newline", BAR "one\n" BAR "no newline\n", "");
	filters_to(FILTER_INDENT, "", "", "");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut_behind_the_bar)
{
	char text[2 * INDENT_LINE_MAX + 2] = "", wanted[2 * INDENT_LINE_MAX + 100],
					out[sizeof(wanted)];
	uint32_t state = 0;
	size_t n;

	memset(text, 'x', sizeof(text) - 1);
	n = filter_run(FILTER_INDENT, &state, text, sizeof(text) - 1, out, NULL, NULL);
	n += filter_end(FILTER_INDENT, &state, out + n);
	(void)snprintf(wanted, sizeof(wanted), BAR "%.*s\n" BAR "%.*s\n" BAR "x\n", INDENT_LINE_MAX,
		       text, INDENT_LINE_MAX, text);
	ck_assert_uint_eq(n, strlen(wanted));
	ck_assert(memcmp(out, wanted, n) == 0);
}
END_TEST

START_TEST(no_text_grows_beyond_its_room)
{
	static char text[5000], out[100000];

	for (int kind = 0; kind < 3; kind++) {
		for (size_t n = 0; n < sizeof(text); n = n * 2 + 1) {
			uint32_t state = INDENT_LINE_MAX + 1;

			memset(text, "\n\rx"[kind], sizeof(text));
			ck_assert_uint_le(
				filter_run(FILTER_INDENT, &state, text, n, out, NULL, NULL),
				filter_room(FILTER_INDENT, n));
			ck_assert_uint_le(
				filter_room(FILTER_INDENT, filter_fit(FILTER_INDENT, n + 100)),
				n + 100);
		}
	}
}
END_TEST

/* ---- repeats */

START_TEST(a_repeated_line_is_shown_a_few_times_and_then_counted)
{
	struct repeat r = {0};
	unsigned hidden, shown = 0;

	for (int i = 0; i < 25; i++) {
		shown += repeat_pass(&r, 6, "again", SECONDS(1), &hidden);
		ck_assert_uint_eq(hidden, 0);
	}
	ck_assert_uint_eq(shown, REPEAT_SHOWN);
	ck_assert_uint_eq(repeat_due(&r), SECONDS(1) + REPEAT_SPAN);
	ck_assert(repeat_pass(&r, 6, "other", SECONDS(2), &hidden));
	ck_assert_uint_eq(hidden, 15);
	ck_assert_uint_eq(repeat_due(&r), USEC_NEVER);
}
END_TEST

START_TEST(a_repeated_line_is_shown_again_after_a_while)
{
	struct repeat r = {0};
	unsigned hidden;

	for (int i = 0; i < 12; i++) {
		(void)repeat_pass(&r, 6, "again", SECONDS(1), &hidden);
	}
	ck_assert(repeat_pass(&r, 6, "again", SECONDS(1) + REPEAT_SPAN, &hidden));
	ck_assert_uint_eq(hidden, 2);
	ck_assert(repeat_pass(&r, 3, "again", SECONDS(1) + REPEAT_SPAN, &hidden));
}
END_TEST

/* ---- rests */

START_TEST(rests_grow_while_pipes_stay_nearly_empty)
{
	usec_t rest = 0;

	rest = rest_next(rest, 0);
	ck_assert_uint_eq(rest, REST_MIN);
	rest = rest_next(rest, 3 * REST_FULL / 16);
	ck_assert_uint_eq(rest, 2 * REST_MIN);
	for (int i = 0; i < 20; i++) {
		rest = rest_next(rest, 1);
	}
	ck_assert_uint_eq(rest, REST_MAX);
}
END_TEST

START_TEST(rests_shrink_to_none_before_a_writer_has_to_wait)
{
	usec_t rest = REST_MAX;
	int turns = 0;

	ck_assert_uint_eq(rest_next(rest, 3 * REST_FULL / 8), rest);
	while (rest && turns < 100) {
		rest = rest_next(rest, REST_FULL / 2); /* each write took a page, half of it used */
		turns++;
	}
	ck_assert_int_le(turns, 5);
	ck_assert_uint_eq(rest_next(0, REST_FULL), 0);
}
END_TEST

SUITE("log", a_file_below_maxbytes_takes_everything,
      a_file_is_full_after_the_line_that_reaches_maxbytes, a_begun_line_is_waited_for,
      a_line_without_end_is_cut_after_the_slack,
      splitting_a_chunk_makes_no_difference_to_where_files_end, backups_are_numbered_from_one,
      lines_are_counted_by_their_ends, a_note_counts_only_when_it_is_committed,
      a_streams_filter_state_is_found_again, notes_of_another_layout_are_refused,
      escape_sequences_are_removed, an_escape_that_begins_no_sequence_stays,
      text_between_tokens_is_captured_and_not_logged, what_only_looks_like_a_token_is_logged,
      captured_text_keeps_its_escapes, what_commands_print_stands_behind_a_bar,
      a_line_without_end_is_ended_with_its_text, a_line_that_is_too_long_is_cut_behind_the_bar,
      no_text_grows_beyond_its_room, a_repeated_line_is_shown_a_few_times_and_then_counted,
      a_repeated_line_is_shown_again_after_a_while, rests_grow_while_pipes_stay_nearly_empty,
      rests_shrink_to_none_before_a_writer_has_to_wait);
