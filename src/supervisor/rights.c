#include "rights.h"
#include "link/servers.h"
#include "service/service.h"
#include "worker/names.h"
#include "worker/process.h"

#include <slotd/access.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool access_is_trusted(const struct message *m)
{
	uid_t uid = (uid_t)message_u64(m, TAG_UID);

	if (message_u64(m, TAG_INDEX) != SERVER_OWN) {
		return true;
	}
	return message_has(m, TAG_UID) && (uid == 0 || uid == geteuid());
}

static uid_t uid_in(const struct message *m)
{
	return message_has(m, TAG_UID) ? (uid_t)message_u64(m, TAG_UID) : (uid_t)-1;
}

static gid_t gid_in(const struct message *m)
{
	return message_has(m, TAG_GID) ? (gid_t)message_u64(m, TAG_GID) : (gid_t)-1;
}

/* allow_deploy is the role deploy for that service. */
static bool is_deployer(const struct service_config *s, const struct message *m)
{
	for (unsigned i = 0; i < s->n_allow_uids; i++) {
		if (s->allow_uids[i] == uid_in(m)) {
			return message_has(m, TAG_UID);
		}
	}
	for (unsigned i = 0; i < s->n_allow_gids; i++) {
		if (s->allow_gids[i] == gid_in(m)) {
			return message_has(m, TAG_GID);
		}
	}
	return false;
}

static enum role level(const struct config *c, const struct message *m, const char *service)
{
	enum role role = grants_level(c->grants.at, c->grants.len, uid_in(m), gid_in(m), service);
	const struct service_config *s = service ? config_service(c, service) : NULL;

	return s && role < ROLE_DEPLOY && is_deployer(s, m) ? ROLE_DEPLOY : role;
}

static enum role best(const struct config *c, const struct message *m)
{
	enum role role = level(c, m, NULL);

	vec_for_each (s, &c->services) {
		const enum role here = level(c, m, (*s)->name);

		role = here > role ? here : role;
	}
	return role;
}

static void describe_role(enum role role, const char *service, struct strbuf *to)
{
	if (to->len) {
		(void)strbuf_adds(to, ", ");
	}
	if (role == ROLE_METRICS) {
		(void)strbuf_addf(to, "read the metrics%s%s", service ? " of " : "",
				  service ? service : "");
	} else {
		(void)strbuf_addf(to, "%s %s", role == ROLE_ADMIN ? "do" : role_name(role),
				  service ? service : "everything");
	}
}

/* "nothing", "read everything", "deploy payinv, read shop" */
static void describe_roles(const struct config *c, const struct message *m, struct strbuf *to)
{
	const enum role all = level(c, m, NULL);

	if (all != ROLE_NONE) {
		describe_role(all, NULL, to);
	}
	vec_for_each (s, &c->services) {
		const enum role here = level(c, m, (*s)->name);

		if (here > all && to->len < 512) {
			describe_role(here, (*s)->name, to);
		}
	}
	if (!to->len) {
		(void)strbuf_adds(to, c->grants.len ? "do nothing" : "read the status");
	}
}

/* Which role would do. ROLE_NONE: none is needed. */
static enum role needed(const struct config *c, enum command_right may)
{
	switch (may) {
	case MAY_ANYBODY:
	case MAY_DEPLOY:
		return ROLE_NONE;
	case MAY_ALL:
		return c->grants.len ? ROLE_READ : ROLE_NONE;
	case MAY_READ:
		return ROLE_READ;
	default:
		return ROLE_ADMIN;
	}
}

/* What to write into the file: a number where slotd knows no name. */
static const char *name_to_write(const struct message *m, const char *who, char *buf, size_t size)
{
	if (strncmp(who, "uid ", 4) != 0) {
		return who;
	}
	(void)snprintf(buf, size, "%u", (unsigned)message_u64(m, TAG_UID));
	return buf;
}

/* The service of a worker whose log is asked for; NULL: it is about more than that. */
static const char *service_of(struct supervisor *sup, const char *worker)
{
	const struct process *p = worker && *worker ? process_find(sup, worker) : NULL;

	return p && p->service ? p->service->name : NULL;
}

static bool has_role(struct supervisor *sup, const struct message *m, enum command_right may,
		     enum role role, const char *about)
{
	return (may == MAY_ALL ? best(sup->config, m)
			       : level(sup->config, m, service_of(sup, about))) >= role;
}

int access_check(struct supervisor *sup, const struct message *m, enum command command,
		 const char *who, const char *about, struct diag *diag)
{
	CLEANUP(strbuf_done) struct strbuf roles = {0};
	enum command_right may = command_row(command)->may;
	const char *service = service_of(sup, about);
	enum role role;
	char name[32];

	if (command == COMMAND_ATTACH) {
		return 0; /* slotd-control reads it for all who follow, and judges them */
	}
	if (command == COMMAND_TAIL && !(about && *about)) {
		may = MAY_TRUSTED; /* slotd's own log */
	}
	role = needed(sup->config, may);
	if (role == ROLE_NONE || access_is_trusted(m) || has_role(sup, m, may, role, about)) {
		return 0;
	}
	describe_roles(sup->config, m, &roles);
	return diag_set(
		diag, -EACCES,
		"only root and slotd's own user may do this, and those with the role %s: %s "
		"may %s. Use sudo, or add allow=%s:%s to [%s%s]",
		role_name(role), who, strbuf_str(&roles), role_name(role),
		name_to_write(m, who, name, sizeof(name)),
		role == ROLE_READ && service ? "service:" : "slotd",
		role == ROLE_READ && service ? service : "");
}

const char *access_describe(struct supervisor *sup, const struct message *m, const char *who,
			    char *buf, size_t size)
{
	CLEANUP(strbuf_done) struct strbuf roles = {0};

	if (!message_has(m, TAG_UID)) {
		(void)snprintf(buf, size, "%s, by the password of this server: may do everything",
			       who);
		return buf;
	}
	if (access_is_trusted(m)) {
		(void)strbuf_adds(&roles, "do everything");
	} else {
		describe_roles(sup->config, m, &roles);
	}
	(void)snprintf(buf, size, "%s (uid %u, gid %u), by the credentials of the socket: may %s",
		       who, (unsigned)message_u64(m, TAG_UID), (unsigned)message_u64(m, TAG_GID),
		       strbuf_str(&roles));
	return buf;
}
