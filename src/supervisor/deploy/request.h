#pragma once

/** What somebody asks of a service, and whether that person may. */

#include "service/service.h"

/** Who asks for what. Texts are borrowed for the call. */
struct job_request {
	enum swap_kind kind;
	const char *service, *release, *who;
	uid_t uid; /* -1: unknown */
	gid_t gid;
	bool trusted; /* may do everything; else allow_deploy of the service decides */
	bool force;
	const char *arg; /* why a service is frozen or offline; "gate": a deploy ends there; a
			  * share as text */
	uint32_t id;	 /* of the request, for an answer that comes later */
	uint16_t share;	 /* of a canary that people look after, or of an A/B test */
};
/** Does it name a release? */
static inline bool request_has_release(const struct job_request *req)
{
	return req->release && *req->release;
}
/** Is there no control character in a text that is shown and logged later? */
bool request_is_plain(const char *text);

/**
 * Finds the service, and checks that who asks may change it.
 *
 * @command  what was asked for, for the sentence.
 * Returns: 0; -ENOENT or -EACCES with the sentence.
 */
int request_service(struct supervisor *sup, const struct job_request *req, const char *command,
		    struct service **ret, struct diag *diag);
