#pragma once

/**
 * One Check program per module: suite_run("name", test, test, ...) from main.
 *
 * With SLOTD_FEW=1 in the environment tests of very many cases take a part of them: for builds that
 * are slow (sanitizers, valgrind), where memory is judged and not what comes out. With
 * SLOTD_EVERY=3 programs in which a whole slotd runs (SUITE_WHOLE_SLOTD) take each third test: most
 * of the code that runs is the same in all of them.
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

static inline size_t suite_step(void)
{
#ifdef SUITE_WHOLE_SLOTD
	const char *every = getenv("SLOTD_EVERY");

	return every && atoi(every) > 0 ? (size_t)atoi(every) : 1;
#else
	return 1;
#endif
}

#define suite_run(name, ...) suite_run_tests(name, (const TTest *const[]){__VA_ARGS__, NULL})

static inline int suite_run_tests(const char *name, const TTest *const *tests)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	for (size_t i = 0; tests[i]; i++) {
		TCase *one;

		if (i % suite_step() != 0) {
			continue;
		}
		one = tcase_create(tests[i]->name);
		tcase_set_timeout(one, SUITE_TIMEOUT);
		tcase_add_test(one, tests[i]);
		suite_add_tcase(suite, one);
	}
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
