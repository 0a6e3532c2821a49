#pragma once

/** What a client of slotd's own socket may do; the roles are in slotd/access.h. */

#include "call.h"

#include <slotd/command.h>

/** Is it root, slotd's own user, or a client of a server of Supervisor's sections, which let in
 * whom their mode and password let in? */
bool access_is_trusted(const struct message *m);
/**
 * May whoever sent m ask for this command? What is about a service is judged later, with the
 * service (deploy/request.c).
 *
 * @who    as people know that one, for the sentence.
 * @about  a worker's name, if the command is about its log; else NULL.
 * Returns: 0; or -EACCES with the sentence.
 */
int access_check(struct supervisor *sup, const struct message *m, enum command command,
		 const char *who, const char *about, struct diag *diag);
/** Says who sent m, and what that one may do. Returns buf. */
const char *access_describe(struct supervisor *sup, const struct message *m, const char *who,
			    char *buf, size_t size);
