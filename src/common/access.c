#include <slotd/access.h>

#include <slotd/cleanup.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[ROLE_MAX_] = {
	[ROLE_NONE] = "none",	  [ROLE_METRICS] = "metrics", [ROLE_READ] = "read",
	[ROLE_DEPLOY] = "deploy", [ROLE_ADMIN] = "admin",
};

const char *role_name(enum role role)
{
	return role >= 0 && role < ROLE_MAX_ ? names[role] : "?";
}

enum role role_parse(const char *text, const char **ret_name)
{
	const size_t len = strcspn(text, ":");
	const char *name = text + len + (text[len] == ':');

	if (!*name || strcmp(name, "@") == 0) {
		return ROLE_INVALID_;
	}
	for (int role = ROLE_METRICS; role < ROLE_MAX_; role++) {
		if (strlen(names[role]) == len && strncmp(names[role], text, len) == 0) {
			*ret_name = name;
			return (enum role)role;
		}
	}
	return ROLE_INVALID_;
}

static bool is_for(const struct grant *g, uid_t uid, gid_t gid)
{
	const uint32_t id = g->group ? gid : uid;

	return id != (uint32_t)-1 && g->id == id;
}

static bool is_about(const struct grant *g, const char *service)
{
	return !g->service || (service && strcmp(g->service, service) == 0);
}

enum role grants_level(const struct grant *grants, size_t n, uid_t uid, gid_t gid,
		       const char *service)
{
	enum role level = ROLE_NONE;

	for (size_t i = 0; i < n; i++) {
		if (is_for(&grants[i], uid, gid) && is_about(&grants[i], service) &&
		    grants[i].role > level) {
			level = grants[i].role;
		}
	}
	return level;
}

enum role grants_best(const struct grant *grants, size_t n, uid_t uid, gid_t gid)
{
	enum role level = ROLE_NONE;

	for (size_t i = 0; i < n; i++) {
		if (is_for(&grants[i], uid, gid) && grants[i].role > level) {
			level = grants[i].role;
		}
	}
	return level;
}

size_t grant_format(const struct grant *g, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%d %c %" PRIu32 " %s\n", (int)g->role, g->group ? 'g' : 'u',
			 g->id, g->service ? g->service : "*");

	return n > 0 && (size_t)n < size ? (size_t)n : 0;
}

bool grant_read(const char *line, size_t len, struct grant *ret, size_t *ret_service_len)
{
	unsigned role;
	uint32_t id;
	char kind;
	int at = 0;

	if (sscanf(line, "%u %c %" SCNu32 " %n", &role, &kind, &id, &at) != 3 || at <= 0 ||
	    (size_t)at >= len || role >= ROLE_MAX_ || (kind != 'u' && kind != 'g')) {
		return false;
	}
	*ret = (struct grant){.role = (enum role)role, .group = kind == 'g', .id = id};
	*ret_service_len = len - (size_t)at;
	ret->service = line + at;
	if (*ret_service_len == 1 && line[at] == '*') {
		ret->service = NULL;
		*ret_service_len = 0;
	}
	return true;
}
