#include "readers.h"

#include <slotd/cleanup.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SERVER_OWN = 0, /* slotd.sock; the others have rules of their own */
};

static void drop(struct access *a)
{
	vec_for_each (g, &a->grants) {
		free((char *)g->service);
	}
	vec_done(&a->grants);
}

void access_done(struct access *a)
{
	drop(a);
}

static int add(struct access *a, const char *line, size_t len)
{
	struct grant g;
	size_t n = 0;

	if (!grant_read(line, len, &g, &n)) {
		return -EPROTO;
	}
	if (g.service) {
		g.service = strndup(g.service, n);
	}
	if ((n && !g.service) || vec_push(&a->grants, g) < 0) {
		free((char *)g.service);
		return -ENOMEM;
	}
	return 0;
}

int access_apply(struct access *a, const struct message *m)
{
	struct access fresh = {.strict = message_u64(m, TAG_STATE) != 0,
			       .own = (uid_t)message_u64(m, TAG_UID)};
	const char *line = message_str(m, TAG_TEXT);

	while (*line) {
		const size_t len = strcspn(line, "\n");
		int r = add(&fresh, line, len);

		if (r < 0) {
			drop(&fresh);
			return r;
		}
		line += len + (line[len] == '\n');
	}
	drop(a);
	*a = fresh;
	return 0;
}

static bool is_free(const struct access *a, const struct peer *p)
{
	return !a->strict || p->server != SERVER_OWN ||
	       (p->has_credentials && (p->credentials.uid == 0 || p->credentials.uid == a->own));
}

bool access_may(const struct access *a, const struct peer *p, enum role role, const char *service)
{
	if (is_free(a, p)) {
		return true;
	}
	return p->has_credentials &&
	       grants_level(a->grants.at, a->grants.len, p->credentials.uid, p->credentials.gid,
			    service && *service ? service : NULL) >= role;
}

bool access_reads(const struct access *a, const struct peer *p, const char *service)
{
	return access_may(a, p, ROLE_READ, service);
}

bool access_has(const struct access *a, const struct peer *p, enum role role)
{
	if (is_free(a, p)) {
		return true;
	}
	return p->has_credentials && grants_best(a->grants.at, a->grants.len, p->credentials.uid,
						 p->credentials.gid) >= role;
}
