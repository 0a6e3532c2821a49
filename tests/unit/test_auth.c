#include <check.h>
#include <control/auth.h>
#include <slotd/cleanup.h>
#include <string.h>

#include "suite.h"

/* "ana:secret", "ana:wrong", "eve:secret" */
#define RIGHT	   "Basic YW5hOnNlY3JldA=="
#define WRONG	   "Basic YW5hOndyb25n"
#define WRONG_USER "Basic ZXZlOnNlY3JldA=="

#define CRYPTED                                                                       \
	"$6$rounds=1000$salt$HNxBeBnDfSfUrTj6KiLnmd7tGCvHEmcExh8kl/S0cZ5WrCciNZgfhbp" \
	"keFQ4JfkHX.8vPq45lY0iINnCx1Lkm."

static const char *const kept[] = {
	"secret",
	"{SHA}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
	"{SHA}E5E9FA1BA31ECD1AE84F75CAAA474F3A663F05F4",
	CRYPTED,
};

START_TEST(a_password_is_checked_however_it_is_kept)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		CLEANUP(auth_done) struct auth a = {0};

		ck_assert_int_eq(auth_init(&a, "ana", kept[i]), 0);
		ck_assert_int_eq(auth_check(&a, RIGHT, 0), AUTH_OK);
		ck_assert_int_eq(auth_check(&a, WRONG, 0), AUTH_WRONG);
		ck_assert_int_eq(auth_check(&a, WRONG_USER, 0), AUTH_WRONG);
		ck_assert_int_eq(auth_check(&a, RIGHT, 0), AUTH_OK);
	}
}
END_TEST

START_TEST(without_a_user_name_everybody_may)
{
	CLEANUP(auth_done) struct auth a = {0};

	ck_assert_int_eq(auth_init(&a, NULL, NULL), 0);
	ck_assert_int_eq(auth_check(&a, NULL, 0), AUTH_OK);
	ck_assert_int_eq(auth_check(&a, "rubbish", 0), AUTH_OK);
}
END_TEST

START_TEST(what_is_no_basic_header_is_told_apart)
{
	CLEANUP(auth_done) struct auth a = {0};

	ck_assert_int_eq(auth_init(&a, "ana", "secret"), 0);
	ck_assert_int_eq(auth_check(&a, NULL, 0), AUTH_MISSING);
	ck_assert_int_eq(auth_check(&a, "Digest x", 0), AUTH_MISSING);
	ck_assert_int_eq(auth_check(&a, "Basic", 0), AUTH_MISSING);
	ck_assert_int_eq(auth_check(&a, "Basic *", 0), AUTH_MALFORMED);
	ck_assert_int_eq(auth_check(&a, "Basic YW5h", 0), AUTH_MALFORMED);     /* no colon */
	ck_assert_int_eq(auth_check(&a, "Basic YTpiAGM=", 0), AUTH_MALFORMED); /* a NUL */
	ck_assert_int_eq(auth_check(&a, "basic YW5hOnNlY3JldA==", 0), AUTH_OK);
}
END_TEST

START_TEST(credentials_longer_than_any_are_refused)
{
	CLEANUP(auth_done) struct auth a = {0};
	char header[6 + 4 * AUTH_PART_MAX + 1] = "Basic ";

	memset(header + 6, 'A', sizeof(header) - 7);
	header[sizeof(header) - 1] = '\0';
	ck_assert_int_eq(auth_init(&a, "ana", "secret"), 0);
	ck_assert_int_eq(auth_check(&a, header, 0), AUTH_WRONG);
}
END_TEST

START_TEST(guesses_at_a_slow_hash_are_limited)
{
	CLEANUP(auth_done) struct auth a = {0};

	ck_assert_int_eq(auth_init(&a, "ana", kept[3]), 0);
	ck_assert_int_eq(auth_check(&a, RIGHT, SECONDS(100)), AUTH_OK);
	for (int i = 0; i < AUTH_GUESSES; i++) {
		ck_assert_int_eq(auth_check(&a, WRONG, SECONDS(100)), AUTH_WRONG);
	}
	ck_assert_int_eq(auth_check(&a, WRONG, SECONDS(100)), AUTH_LATER);
	ck_assert_int_eq(auth_check(&a, RIGHT, SECONDS(100)), AUTH_OK); /* is remembered */
	ck_assert_int_eq(auth_check(&a, WRONG, SECONDS(101)), AUTH_WRONG);
	ck_assert_int_eq(auth_check(&a, WRONG, SECONDS(101)), AUTH_LATER);
}
END_TEST

SUITE("auth", a_password_is_checked_however_it_is_kept, without_a_user_name_everybody_may,
      what_is_no_basic_header_is_told_apart, credentials_longer_than_any_are_refused,
      guesses_at_a_slow_hash_are_limited);
