/* Every example file loads: what people copy must be right. */
#include <check.h>
#include <glob.h>
#include <slotd/cleanup.h>
#include <slotd/config.h>
#include <string.h>

#include "suite.h"

/* An example names directories of the server it is written for. */
static bool only_says_that_something_is_not_there(const struct config_message *m)
{
	return strstr(m->diag.text, "does not exist") || strstr(m->diag.text, "there is no");
}

START_TEST(every_example_loads)
{
	CLEANUP(globfree) glob_t examples;

	ck_assert_int_eq(glob(EXAMPLES_DIR "/*/*.conf", 0, NULL, &examples), 0);
	for (size_t i = 0; i < examples.gl_pathc; i++) {
		struct diag diag = {0};
		struct config *c = NULL;
		int r = config_load(examples.gl_pathv[i], NULL, &diag, &c);

		ck_assert_msg(c, "%s: %s", examples.gl_pathv[i], diag.text);
		vec_for_each (m, &c->messages) {
			ck_assert_msg(only_says_that_something_is_not_there(m), "%s:%u: %s",
				      m->diag.file, m->diag.line, m->diag.text);
		}
		ck_assert_msg(r == 0 || c->n_errors > 0, "%s: %d", examples.gl_pathv[i], r);
		c = config_free(c);
	}
}
END_TEST

static struct config *load(const char *name)
{
	struct config *c = NULL;

	(void)config_load(name, NULL, NULL, &c);
	ck_assert_ptr_nonnull(c);
	return c;
}

START_TEST(both_forms_of_a_service_make_the_same_workers)
{
	struct config *three = load(EXAMPLES_DIR "/payinv/slotd.conf");
	struct config *one = load(EXAMPLES_DIR "/payinv/one-section.conf");

	ck_assert_uint_eq(three->programs.len, 2);
	ck_assert_uint_eq(one->programs.len, 2);
	for (size_t p = 0; p < 2; p++) {
		const struct program_config *a = config_program(three, p ? "payinv-b" : "payinv-a");
		const struct program_config *b = config_program(one, p ? "payinv-b" : "payinv-a");

		ck_assert_uint_eq(a->workers.len, 5);
		ck_assert_uint_eq(b->workers.len, 5);
		for (size_t i = 0; i < 5; i++) {
			ck_assert_str_eq(a->workers.at[i].name, b->workers.at[i].name);
			ck_assert_str_eq(a->workers.at[i].address, b->workers.at[i].address);
		}
	}
	config_free(three);
	config_free(one);
}
END_TEST

SUITE("examples", every_example_loads, both_forms_of_a_service_make_the_same_workers);
