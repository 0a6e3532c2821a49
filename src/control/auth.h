#pragma once

/**
 * Basic authentication of one control server.
 *
 * A password may be configured as plain text, as "{SHA}" and hex SHA-1, or as a hash of crypt(3)
 * ("$y$...", "$6$..."). A comparison takes the same time wherever two texts differ. A crypt hash is
 * slow on purpose, so a pair that has matched is remembered (as a keyed digest), and the number of
 * those that do not match is limited.
 */

#include <slotd/usec.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AUTH_PART_MAX = 512,   /* user name or password */
	AUTH_GUESSES = 10,     /* wrong ones at once for a crypt hash, then one a second */
	AUTH_DIGEST_SIZE = 32, /* SHA-256 */
};

enum auth_result {
	AUTH_OK,
	AUTH_MISSING,	/* no credentials, or not Basic ones */
	AUTH_MALFORMED, /* not base64, no colon */
	AUTH_WRONG,	/* or longer than any */
	AUTH_LATER,	/* too many wrong ones just now */
};

struct auth {
	char *username, *password; /* username NULL: everybody is let in */
	uint8_t key[AUTH_DIGEST_SIZE];
	uint8_t matched[AUTH_DIGEST_SIZE];
	bool has_matched;
	unsigned guesses; /* left */
	usec_t refilled;
};

/** Copies the texts. Returns 0, -ENOMEM, or -errno of getrandom(2). */
int auth_init(struct auth *a, const char *username, const char *password);
void auth_done(struct auth *a);

/**
 * Checks the value of an Authorization header (NULL: none).
 *
 * @now  monotonic.
 */
enum auth_result auth_check(struct auth *a, const char *header, usec_t now);
