/* JSON is read, or there is no memory for it; it is not called wrong, and nothing aborts. */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <slotd/json_read.h>
#include <stdlib.h>
#include <string.h>

#include "suite.h"

static unsigned calls, fails_at, fails_until; /* 0: none does */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

void *__wrap_malloc(size_t size)
{
	calls++;
	if (fails_at && calls >= fails_at && calls <= fails_until) {
		return NULL;
	}
	return __real_malloc(size);
}

static const char *const good[] = {
	"{\"services\":{\"s\":{\"live\":\"b\",\"since\":1,\"rollback\":true,\"share\":0.5}}}",
	"[[[[[[[[[[]]]]]]]]]]",
	"[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]",
	"{\"a\":0,\"b\":0,\"c\":0,\"d\":0,\"e\":0,\"f\":0,\"g\":0,\"h\":0,\"i\":0,\"j\":0,\"k\":0}",
	"[\"\\u00e4\\n a text that is longer than what a buffer begins with\", -1e9, null]",
};

/* Fails as many as span from the n-th on, for every n, until none is left to fail. */
static void try_each(const char *text, unsigned span)
{
	json_error_t error;
	json_t *json;
	unsigned n = 1, last;

	do {
		int r;

		calls = 0;
		fails_at = n;
		fails_until = n + span - 1;
		r = json_read(text, strlen(text), 0, &error, &json);
		fails_at = 0;
		last = calls;
		ck_assert_msg(r == (n <= last ? -ENOMEM : 0), "call %u of %u: %d %s", n, last, r,
			      error.text);
		ck_assert_int_eq(json != NULL, r == 0);
		json_decref(json);
	} while (n++ <= last);
	ck_assert_uint_gt(n, 5);
}

START_TEST(without_memory_that_is_said)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		try_each(good[i], 1);
		try_each(good[i], 3);
		try_each(good[i], 100000);
	}
}
END_TEST

/* "[0,[],[],[]]": of each three bytes, an array. */
START_TEST(a_large_text_fits_into_what_is_kept_for_it)
{
	static char text[3 * 60000];

	for (size_t i = 0; i < sizeof(text); i += 3) {
		memcpy(text + i, i ? "[]," : "[0,", 3);
	}
	text[sizeof(text) - 1] = ']';
	for (unsigned n = 2; n < 12; n++) { /* the first is what is kept */
		json_t *json;
		int r;

		calls = 0;
		fails_at = n;
		fails_until = UINT_MAX;
		r = json_read(text, sizeof(text), 0, NULL, &json);
		fails_at = 0;
		ck_assert_int_eq(r, -ENOMEM);
	}
}
END_TEST

START_TEST(what_is_wrong_is_said_with_its_line)
{
	json_error_t error;
	json_t *json;

	ck_assert_int_eq(json_read("{\n\"a\":}", 8, 0, &error, &json), -EINVAL);
	ck_assert_ptr_null(json);
	ck_assert_int_eq(error.line, 2);
	ck_assert_int_eq(json_read("", 0, 0, NULL, &json), -EINVAL);
	ck_assert_int_eq(json_read("[1]", 3, 0, NULL, &json), 0);
	ck_assert_uint_eq(json_array_size(json), 1);
	json_decref(json);
}
END_TEST

SUITE("json_read", without_memory_that_is_said, a_large_text_fits_into_what_is_kept_for_it,
      what_is_wrong_is_said_with_its_line);
