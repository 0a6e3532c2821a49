#pragma once

/**
 * Who may do what on slotd's own socket: roles of users and groups, by the credentials of the
 * socket's other end (common/access.c). slotd judges what changes something, slotd-control what is
 * only read. Pure.
 *
 * Roles are levels: each includes those before it. A role may be for one service; then it is about
 * that service and its workers. root and slotd's own user have all of them. Without any allow= in
 * the configuration nothing is refused to readers, as before there were roles.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum role {
	ROLE_NONE,
	ROLE_METRICS, /* GET /metrics, for a monitoring system */
	ROLE_READ,    /* status, logs of workers, history */
	ROLE_DEPLOY,  /* deploy, swap, roll back, pause ... */
	ROLE_ADMIN,   /* everything */
	ROLE_MAX_,
	ROLE_INVALID_ = -22,
};

/** A role of a user or a group. */
struct grant {
	enum role role;
	bool group;
	uint32_t id;	     /* uid or gid */
	const char *service; /* NULL: all */
};

/** Returns "read"; "?" for a number that is no role. */
const char *role_name(enum role role);
/**
 * Splits "deploy:ci" or "read:@staff".
 *
 * @ret_name  points into text, behind the colon; a group's begins with '@'.
 * Returns:   the role, or -EINVAL.
 */
enum role role_parse(const char *text, const char **ret_name);

/** Returns the highest role for a service; service NULL: of those that are for everything. */
enum role grants_level(const struct grant *grants, size_t n, uid_t uid, gid_t gid,
		       const char *service);
/** Returns the highest role for anything at all. */
enum role grants_best(const struct grant *grants, size_t n, uid_t uid, gid_t gid);

enum {
	GRANT_TEXT_MAX = 300, /* with a service's name */
};
/** Writes a line for slotd-control, "3 u 1001 payinv\n" ("*" for all). Returns its length. */
size_t grant_format(const struct grant *g, char *buf, size_t size);
/** Reads such a line; *service_len bytes at g->service, which points into line, are the name. */
bool grant_read(const char *line, size_t len, struct grant *ret, size_t *ret_service_len);
