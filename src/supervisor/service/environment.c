#include "service/environment.h"
#include "worker/launch.h"

#include <slotd/cleanup.h>

#include <stdio.h>
#include <string.h>

static const char *first_port(const struct process *p, char *buf, size_t size)
{
	const char *colon = strrchr(p->config->address, ':');

	(void)snprintf(buf, size, "%s",
		       colon && strncmp(p->config->address, "unix:", 5) != 0 ? colon + 1 : "");
	return buf;
}

/* "8001 8002 8003": every worker's port; a unix worker has none. */
static void list_ports(const struct service *s, enum slot_id slot, char *buf, size_t size)
{
	struct process *p;
	size_t pos = 0, used = 0;
	char port[16];

	buf[0] = '\0';
	while (used < size && (p = service_next(s, slot, &pos))) {
		if (p->config->address && *first_port(p, port, sizeof(port))) {
			used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? " " : "",
						 port);
		}
	}
}

/* Whom it runs as, as a login of that user would say, where the configuration does not. */
static int add_user(struct env *env, const struct process *worker)
{
	const struct owner *user = &worker->config->program->user;
	const struct {
		const char *name, *value;
	} settings[] = {
		{"HOME", user->home},
		{"USER", user->user},
		{"LOGNAME", user->user},
		{"SHELL", user->shell},
	};
	int r = 0;

	if (user->uid == (uid_t)-1) {
		return 0; /* as slotd */
	}
	for (size_t i = 0; i < ARRAY_SIZE(settings) && r == 0; i++) {
		if (settings[i].value &&
		    !env_list_has(worker->config->environment, settings[i].name)) {
			r = env_setf(env, "%s=%s", settings[i].name, settings[i].value);
		}
	}
	return r;
}

int slot_environment(const struct service *s, enum slot_id slot, const struct process *worker,
		     struct env *env)
{
	char ports[8192], port[16];
	int r = worker ? process_environment(worker, env) : env_inherit(env);

	list_ports(s, slot, ports, sizeof(ports));
	if (r == 0 && worker) {
		r = add_user(env, worker);
	}
	if (r == 0) {
		r = env_setf(env, "SLOTD_SERVICE=%s", s->name);
	}
	if (r == 0) {
		r = env_setf(env, "SLOTD_SLOT=%s", slot_name(slot));
	}
	if (r == 0) {
		r = env_setf(env, "SLOTD_LIVE_SLOT=%s", slot_name(service_live(s)));
	}
	if (r == 0) {
		r = env_setf(env, "SLOTD_PORTS=%s", ports);
	}
	if (r == 0) {
		r = env_setf(env, "SLOTD_RELEASE=%s", s->slots[slot].release);
	}
	if (r == 0 && worker && worker->config->address) {
		r = env_setf(env, "SLOTD_ADDRESS=%s", worker->config->address);
		if (r == 0) {
			r = env_setf(env, "SLOTD_PORT=%s", first_port(worker, port, sizeof(port)));
		}
	}
	return r;
}
