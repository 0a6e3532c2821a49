#pragma once

/**
 * One Check program per module: suite_run("name", test, test, ...) from main.
 *
 * With SLOTD_FEW=1 in the environment tests of very many cases take a part of them: for builds that
 * are slow (sanitizers, valgrind), where memory is judged and not what comes out.
 */

#include <check.h>
#include <stddef.h>
#include <stdlib.h>

/* Seconds for one test: for one that hangs. A busy machine may take long for one that does not. */
#ifndef SUITE_TIMEOUT
#define SUITE_TIMEOUT 60
#endif

static inline unsigned suite_stride(unsigned few)
{
	return getenv("SLOTD_FEW") ? few : 1;
}

#define suite_run(name, ...) suite_run_tests(name, (const TTest *const[]){__VA_ARGS__, NULL})

static inline int suite_run_tests(const char *name, const TTest *const *tests)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	for (; *tests; tests++) {
		TCase *one = tcase_create((*tests)->name);

		tcase_set_timeout(one, SUITE_TIMEOUT);
		tcase_add_test(one, *tests);
		suite_add_tcase(suite, one);
	}
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
