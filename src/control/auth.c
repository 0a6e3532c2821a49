#include "auth.h"
#include <errno.h>

#include <crypt.h>
#include <nettle/base64.h>
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum {
	SHA1_HEX = 2 * SHA1_DIGEST_SIZE,
};

int auth_init(struct auth *a, const char *username, const char *password)
{
	*a = (struct auth){.guesses = AUTH_GUESSES};
	if (!username || !password) {
		return 0;
	}
	if (getrandom(a->key, sizeof(a->key), 0) != sizeof(a->key)) {
		return -errno;
	}
	a->username = strdup(username);
	a->password = strdup(password);
	if (!a->username || !a->password) {
		auth_done(a);
		return -ENOMEM;
	}
	return 0;
}

void auth_done(struct auth *a)
{
	if (a->password) {
		explicit_bzero(a->password, strlen(a->password));
	}
	free(a->username);
	free(a->password);
	*a = (struct auth){0};
}

static void digest(const struct auth *a, const char *user, const char *password,
		   uint8_t ret[AUTH_DIGEST_SIZE])
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, sizeof(a->key), a->key);
	hmac_sha256_update(&ctx, strlen(user) + 1, (const uint8_t *)user);
	hmac_sha256_update(&ctx, strlen(password), (const uint8_t *)password);
	hmac_sha256_digest(&ctx, AUTH_DIGEST_SIZE, ret);
}

/* Digests are compared, so that neither the length nor the first difference shows in the time. */
static bool same_text(const struct auth *a, const char *x, const char *y)
{
	uint8_t dx[AUTH_DIGEST_SIZE], dy[AUTH_DIGEST_SIZE];

	digest(a, "", x, dx);
	digest(a, "", y, dy);
	return memeql_sec(dx, dy, sizeof(dx));
}

static bool same_sha1(const struct auth *a, const char *password, const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t sum[SHA1_DIGEST_SIZE];
	char text[SHA1_HEX + 1] = "", wanted[SHA1_HEX + 1] = "";
	struct sha1_ctx ctx;

	sha1_init(&ctx);
	sha1_update(&ctx, strlen(password), (const uint8_t *)password);
	sha1_digest(&ctx, sizeof(sum), sum);
	for (size_t i = 0; i < sizeof(sum); i++) {
		text[2 * i] = digits[sum[i] >> 4];
		text[2 * i + 1] = digits[sum[i] & 15];
	}
	for (size_t i = 0; i < SHA1_HEX && hex[i]; i++) {
		wanted[i] = hex[i] >= 'A' && hex[i] <= 'F' ? (char)(hex[i] + ('a' - 'A')) : hex[i];
	}
	return same_text(a, text, wanted) && strlen(hex) == SHA1_HEX;
}

static bool same_crypt(const struct auth *a, const char *password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *hash;
	bool same;

	if (!data) {
		return false;
	}
	hash = crypt_rn(password, a->password, data, (int)sizeof(*data));
	same = hash && same_text(a, hash, a->password);
	explicit_bzero(data, sizeof(*data));
	free(data);
	return same;
}

/* One guess a second comes back, up to AUTH_GUESSES. */
static bool may_guess(struct auth *a, usec_t now)
{
	usec_t back = usec_sub(now, a->refilled) / SECONDS(1);

	if (back) {
		a->guesses = back + a->guesses > AUTH_GUESSES ? AUTH_GUESSES
							      : a->guesses + (unsigned)back;
		a->refilled = now;
	}
	return a->guesses > 0;
}

static enum auth_result check_crypt(struct auth *a, const char *user, const char *password,
				    usec_t now)
{
	uint8_t sum[AUTH_DIGEST_SIZE];
	bool same;

	digest(a, user, password, sum);
	if (a->has_matched && memeql_sec(sum, a->matched, sizeof(sum))) {
		return AUTH_OK;
	}
	if (!may_guess(a, now)) {
		return AUTH_LATER;
	}
	same = same_crypt(a, password);
	if (!same || !same_text(a, user, a->username)) {
		a->guesses--;
		return AUTH_WRONG;
	}
	memcpy(a->matched, sum, sizeof(sum));
	a->has_matched = true;
	return AUTH_OK;
}

static enum auth_result check_pair(struct auth *a, const char *user, const char *password,
				   usec_t now)
{
	bool user_ok, password_ok;

	if (a->password[0] == '$') {
		return check_crypt(a, user, password, now);
	}
	user_ok = same_text(a, user, a->username);
	password_ok = strncmp(a->password, "{SHA}", 5) == 0
			      ? same_sha1(a, password, a->password + 5)
			      : same_text(a, password, a->password);
	return user_ok && password_ok ? AUTH_OK : AUTH_WRONG; /* both were compared */
}

enum auth_result auth_check(struct auth *a, const char *header, usec_t now)
{
	char pair[2 * AUTH_PART_MAX];
	struct base64_decode_ctx ctx;
	enum auth_result result;
	const char *text;
	size_t len;
	char *colon;

	if (!a->username) {
		return AUTH_OK;
	}
	if (!header || strncasecmp(header, "Basic ", 6) != 0) {
		return AUTH_MISSING;
	}
	text = header + 6 + strspn(header + 6, " ");
	len = strlen(text);
	if (BASE64_DECODE_LENGTH(len) >= sizeof(pair)) {
		return AUTH_WRONG;
	}
	base64_decode_init(&ctx);
	if (!base64_decode_update(&ctx, &len, (uint8_t *)pair, len, text) ||
	    !base64_decode_final(&ctx)) {
		return AUTH_MALFORMED;
	}
	pair[len] = '\0';
	colon = memchr(pair, ':', len);
	if (!colon || memchr(pair, '\0', len)) {
		return AUTH_MALFORMED;
	}
	*colon = '\0';
	result = check_pair(a, pair, colon + 1, now);
	explicit_bzero(pair, sizeof(pair));
	return result;
}
