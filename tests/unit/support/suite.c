/*
 * main of all programs of Check tests: runs the suites that are named, or all.
 */
#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	SUITES_MAX = 64,
	ENVIRONMENT_MAX = 1024,
};

static struct {
	const char *name;
	Suite *suite;
} suites[SUITES_MAX];
static size_t n_suites;

static char *environment[ENVIRONMENT_MAX]; /* as the program got it */

static void note_environment(void)
{
	for (size_t i = 0; environ[i] && i < ENVIRONMENT_MAX - 1; i++) {
		environment[i] = environ[i];
	}
}

static void restore_environment(void)
{
	(void)clearenv();
	for (size_t i = 0; environment[i]; i++) {
		(void)putenv(environment[i]);
	}
}

__attribute__((weak)) void suite_test_begins(void)
{
}

static size_t step(bool whole_slotd)
{
	const char *every = whole_slotd ? getenv("SLOTD_EVERY") : NULL;

	return every && atoi(every) > 0 ? (size_t)atoi(every) : 1;
}

void suite_enter(const char *name, const TTest *const *tests, int timeout, bool whole_slotd)
{
	Suite *suite;

	if (n_suites == SUITES_MAX) {
		(void)fprintf(stderr, "%s: too many suites in one program\n", name);
		abort();
	}
	suite = suite_create(name);
	for (size_t i = 0; tests[i]; i++) {
		TCase *one;

		if (i % step(whole_slotd) != 0) {
			continue;
		}
		one = tcase_create(tests[i]->name);
		tcase_set_timeout(one, timeout);
		tcase_add_checked_fixture(one, restore_environment, NULL);
		tcase_add_checked_fixture(one, suite_test_begins, NULL);
		tcase_add_test(one, tests[i]);
		suite_add_tcase(suite, one);
	}
	suites[n_suites].name = name;
	suites[n_suites++].suite = suite;
}

static bool is_named(const char *name, char *const *names, int n)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0) {
			return true;
		}
	}
	return n == 0;
}

int main(int argc, char **argv)
{
	SRunner *runner = srunner_create(NULL);
	int n_named = 0;
	bool good;

	note_environment();
	for (size_t i = 0; i < n_suites; i++) {
		if (is_named(suites[i].name, argv + 1, argc - 1)) {
			srunner_add_suite(runner, suites[i].suite);
			n_named++;
		}
	}
	if (argc > 1 && n_named != argc - 1) {
		(void)fprintf(stderr, "%s: not all of these suites are in it\n", argv[0]);
		return EXIT_FAILURE;
	}
	srunner_run_all(runner, CK_ENV);
	good = srunner_ntests_failed(runner) == 0 && srunner_ntests_run(runner) > 0;
	srunner_free(runner);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
