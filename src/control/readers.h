#pragma once

/** Which clients may read what; slotd says who has which role (slotd/access.h). Pure. */

#include "peer.h"

#include <slotd/access.h>
#include <slotd/vec.h>

struct access {
	VEC(struct grant) grants; /* owns their services */
	bool strict;		  /* who has no role may read nothing */
	uid_t own;		  /* slotd's user, who may do everything */
};

void access_done(struct access *a);
/** Takes what MSG_CONTROL_ACCESS says. Returns 0; or -ENOMEM or -EPROTO, and nothing has changed.
 */
int access_apply(struct access *a, const struct message *m);
/** May the peer read this of a service (NULL: of all, and of what belongs to none)? */
bool access_reads(const struct access *a, const struct peer *p, const char *service);
/** Has the peer this role, or a higher one, for a service (NULL: for all)? */
bool access_may(const struct access *a, const struct peer *p, enum role role, const char *service);
/** May the peer do anything at all that this role may, at least for one service? */
bool access_has(const struct access *a, const struct peer *p, enum role role);
