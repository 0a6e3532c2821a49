/* The methods of the API as control carries them out: the rows of the table of commands. */
#include "control/methods.h"

#include <check.h>
#include <slotd/cleanup.h>
#include <slotd/fault.h>
#include <string.h>

#include "suite.h"

START_TEST(every_kind_of_method_has_a_function)
{
	for (int i = METHOD_NONE + 1; i < METHOD_KIND_MAX_; i++) {
		const struct method_way *way = method_way((enum method_kind)i);

		ck_assert_msg(way->run && way->returns, "kind %d", i);
		ck_assert_msg((way->run == run_command) == !!way->answered,
			      "kind %d: what an answer of slotd means", i);
	}
}
END_TEST

START_TEST(methods_are_listed_by_name_and_found_with_their_command)
{
	const struct method *m, *last = NULL;
	size_t n = 0, rows = 0;
	enum command c;

	for (; (m = method_at(n)); n++, last = m) {
		ck_assert_msg(!last || strcmp(last->name, m->name) < 0, "%s", m->name);
		ck_assert_ptr_eq(method_find(m->name, &c), m);
		ck_assert(m >= command_row(c)->methods && m < (&command_row(c)->methods)[1]);
	}
	for (int i = COMMAND_NONE + 1; i < COMMAND_MAX_; i++) {
		for (m = command_row((enum command)i)->methods; m->name; m++) {
			rows++;
		}
	}
	ck_assert_uint_eq(n, rows);
	ck_assert_ptr_null(method_find("supervisor.none", &c));
}
END_TEST

#define MEMBER(name, value) "<member>\n<name>" name "</name>\n<value>" value "</value>\n</member>\n"
#define RESULT(group, name, status, description)                                                 \
	"<value><struct>\n" MEMBER("name", "<string>" name "</string>") MEMBER(                  \
		"group", "<string>" group "</string>") MEMBER("status", "<int>" status "</int>") \
		MEMBER("description", "<string>" description "</string>") "</struct></value>\n"
#define NAME(text)     "<value><string>" text "</string></value>\n"
#define RESULTS(items) "<value><array><data>\n" items "</data></array></value>\n"

static void ck_results(const struct answer_item *items, size_t n, bool brief, const char *expected)
{
	CLEANUP(strbuf_done) struct strbuf out = {0};
	struct answer a = {.code = FAULT_SUCCESS, .text = "", .items = items, .n_items = n};
	struct call c = {.brief = brief, .out = &out};

	ck_assert_int_eq(answer_results(&c, &a), CALL_DONE);
	ck_assert_int_eq(c.fault, FAULT_NONE);
	ck_assert_str_eq(strbuf_str(&out), expected);
}

START_TEST(a_brief_result_is_a_name_where_it_went_well)
{
	static const struct answer_item items[] = {
		{FAULT_SUCCESS, "web", "<1> & \"2\"", ""},
		{FAULT_FAILED, "web", "<3>", "kill: no"},
		{0, "cat", "cat", ""},
		{FAULT_NOT_RUNNING, "dog", "dog", ""},
		{FAULT_SUCCESS, "web", "4", ""},
	};
	const size_t n = ARRAY_SIZE(items);

	ck_results(items, n, true,
		   RESULTS(NAME("web:&lt;1&gt; &amp; \"2\"") RESULT("web", "&lt;3&gt;", "30",
								    "FAILED: kill: no") NAME("cat")
				   RESULT("dog", "dog", "70", "NOT_RUNNING: dog") NAME("web:4")));
	ck_results(items, n, false,
		   RESULTS(RESULT("web", "&lt;1&gt; &amp; \"2\"", "80", "OK")
				   RESULT("web", "&lt;3&gt;", "30", "FAILED: kill: no")
					   RESULT("cat", "cat", "80", "OK")
						   RESULT("dog", "dog", "70", "NOT_RUNNING: dog")
							   RESULT("web", "4", "80", "OK")));
	ck_results(NULL, 0, true, RESULTS(""));
}
END_TEST

START_TEST(of_two_logs_of_a_process_the_failure_is_told)
{
	static const struct answer_item items[] = {
		{FAULT_SUCCESS, "good", "good", ""}, {FAULT_SUCCESS, "good", "good", ""},
		{FAULT_SUCCESS, "late", "late", ""}, {FAULT_FAILED, "late", "late", ""},
		{FAULT_FAILED, "soon", "soon", ""},  {FAULT_SUCCESS, "soon", "soon", ""},
	};
	const size_t n = ARRAY_SIZE(items);

	ck_results(items, n, true,
		   RESULTS(NAME("good") RESULT("late", "late", "30", "FAILED: late")
				   RESULT("soon", "soon", "30", "FAILED: soon")));
	ck_results(items, n, false,
		   RESULTS(RESULT("good", "good", "80", "OK")
				   RESULT("late", "late", "30", "FAILED: late")
					   RESULT("soon", "soon", "30", "FAILED: soon")));
}
END_TEST

SUITE("methods", every_kind_of_method_has_a_function,
      methods_are_listed_by_name_and_found_with_their_command,
      a_brief_result_is_a_name_where_it_went_well, of_two_logs_of_a_process_the_failure_is_told);
