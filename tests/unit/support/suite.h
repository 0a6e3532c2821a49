#pragma once

/**
 * Each test_<module>.c is a suite of Check tests: SUITE("name", test, test, ...); is its last line.
 * Suites that link the same are one program, whose main is support/suite.c.
 *
 * With SLOTD_FEW=1 in the environment tests of very many cases take a part of them: for builds that
 * are slow (sanitizers, valgrind), where memory is judged and not what comes out. With
 * SLOTD_EVERY=3 suites in which a whole slotd runs (SUITE_WHOLE_SLOTD) take each third test: most
 * of the code that runs is the same in all of them.
 */

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

/* Seconds for one test: for one that hangs. A busy machine may take long for one that does not. */
#ifndef SUITE_TIMEOUT
#define SUITE_TIMEOUT 60
#endif

#ifdef SUITE_WHOLE_SLOTD
#define SUITE_IS_WHOLE true
#else
#define SUITE_IS_WHOLE false
#endif

/** Of so many cases one is taken. */
static inline unsigned suite_stride(unsigned few)
{
	return getenv("SLOTD_FEW") ? few : 1;
}

/**
 * Enters a suite into the program, before main.
 *
 * @tests        ends with NULL; copied
 * @timeout      seconds for each test
 * @whole_slotd  with SLOTD_EVERY only some of them run
 * Ownership: keeps name.
 */
void suite_enter(const char *name, const TTest *const *tests, int timeout, bool whole_slotd);

/**
 * Called before each test, as the one before it may have run in the same process (CK_FORK=no); the
 * environment is then what the program had at its start. Programs may define it.
 */
void suite_test_begins(void);

#define SUITE(name, ...)                                                                    \
	__attribute__((constructor)) static void suite_enters(void)                         \
	{                                                                                   \
		suite_enter(name, (const TTest *const[]){__VA_ARGS__, NULL}, SUITE_TIMEOUT, \
			    SUITE_IS_WHOLE);                                                \
	}                                                                                   \
	struct suite_has_entered
