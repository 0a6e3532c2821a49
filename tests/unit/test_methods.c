/* The methods of the API as control carries them out: the rows of the table of commands. */
#include "control/methods.h"

#include <check.h>
#include <slotd/cleanup.h>
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

int main(void)
{
	return suite_run("methods", every_kind_of_method_has_a_function,
			 methods_are_listed_by_name_and_found_with_their_command);
}
