#pragma once

/**
 * A golden file: what a test prints as a whole, kept beside the tests and read by people.
 * SLOTD_GOLDEN_WRITE=1 in the environment writes it anew.
 */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#define GOLDEN_MAX (256 * 1024)

static inline void golden_check(const char *name, const char *got)
{
	static char want[GOLDEN_MAX];
	char path[512];
	size_t len = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIR, name);
	if (getenv("SLOTD_GOLDEN_WRITE")) {
		f = fopen(path, "w");
		ck_assert_ptr_nonnull(f);
		ck_assert_int_ge(fputs(got, f), 0);
		ck_assert_int_eq(fclose(f), 0);
		return;
	}
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "no golden file %s", path);
	len = fread(want, 1, sizeof(want) - 1, f);
	(void)fclose(f);
	want[len] = '\0';
	ck_assert_str_eq(got, want);
}
