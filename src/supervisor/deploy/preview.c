#include "deploy/preview.h"
#include "deploy/job.h"

#include <slotd/address.h>

/* Does listen= reach workers? */
static bool is_open(const struct service *s)
{
	return !s->upkeep.offline && !s->upkeep.pause_end;
}

/* After the flip preview_listen reaches the other slot. */
static bool needs_public(const struct service *s)
{
	return s->config->n_preview && service_live(s) == s->job->to;
}

bool preview_is_there(const struct service *s)
{
	return !needs_public(s) || !s->config->proxy_protocol || is_open(s);
}

bool preview_is_public(const struct service *s)
{
	return needs_public(s) && is_open(s);
}

/* An address that reaches the live slot, of the kind of preview_listen. An offline or paused
 * service has none but that of a worker, who may want a PROXY header, which commands do not send.
 */
static const char *public_address(const struct service *s, const struct process *worker)
{
	const struct service_config *c = s->config;
	const size_t n = c->listen.len - c->n_preview;
	const bool direct = worker && worker->config->address && !c->proxy_protocol;

	for (size_t i = 0; is_open(s) && i < n; i++) {
		if (!address_text_path(c->listen.at[i]) == !address_text_path(c->listen.at[n])) {
			return c->listen.at[i];
		}
	}
	return direct ? worker->config->address : c->listen.at[0];
}

int preview_name(const struct service *s, const struct process *worker, struct env *env)
{
	return needs_public(s) ? env_setf(env, "SLOTD_PREVIEW=%s", public_address(s, worker)) : 0;
}
