#include "deploy/request.h"
#include "service/service.h"
#include "service/services.h"

#include <ctype.h>
#include <string.h>

bool request_is_plain(const char *text)
{
	for (; *text; text++) {
		if (iscntrl((unsigned char)*text)) {
			return false;
		}
	}
	return true;
}

static bool allows(const struct service *s, const struct job_request *req)
{
	const struct service_config *c = s->config;
	const struct config *all = s->sup->config;

	if (grants_level(all->grants.at, all->grants.len, req->uid, req->gid, s->name) >=
	    ROLE_DEPLOY) {
		return true;
	}
	for (unsigned i = 0; i < c->n_allow_uids; i++) {
		if (c->allow_uids[i] == req->uid && req->uid != (uid_t)-1) {
			return true;
		}
	}
	for (unsigned i = 0; i < c->n_allow_gids; i++) {
		if (c->allow_gids[i] == req->gid && req->gid != (gid_t)-1) {
			return true;
		}
	}
	return req->trusted;
}

static int check_allowed(const struct service *s, const struct job_request *req, struct diag *diag)
{
	if (allows(s, req)) {
		return 0;
	}
	/* A number where slotd knows no name. */
	return diag_set(diag, -EACCES,
			"%s may not change %s: add allow=deploy:%s to [service:%s], or use sudo",
			req->who, s->name,
			req->who + (strncmp(req->who, "uid ", 4) == 0 ? strlen("uid ") : 0),
			s->name);
}

static int find_service(struct supervisor *sup, const char *name, const char *command,
			struct service **ret, struct diag *diag)
{
	*ret = service_find(sup, name);
	if (*ret) {
		return 0;
	}
	vec_for_each (s, &sup->services) {
		for (int slot = 0; slot < SLOT_MAX_; slot++) {
			if (strcmp(service_slot_label(*s, (enum slot_id)slot), name) == 0) {
				return diag_set(diag, -ENOENT,
						"%s is a slot (the %s one), not a service. Did you "
						"mean: slotctl %s %s",
						name,
						(enum slot_id)slot == service_live(*s) ? "live"
										       : "idle",
						command, (*s)->name);
			}
		}
	}
	return diag_set(diag, -ENOENT, "there is no service %s", name);
}

int request_service(struct supervisor *sup, const struct job_request *req, const char *command,
		    struct service **ret, struct diag *diag)
{
	int r = find_service(sup, req->service, command, ret, diag);

	return r < 0 ? r : check_allowed(*ret, req, diag);
}
