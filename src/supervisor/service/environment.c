#include "service/environment.h"
#include "worker/launch.h"

#include <slotd/address.h>
#include <slotd/cleanup.h>

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *first_port(const struct process *p, char *buf, size_t size)
{
	const char *colon = strrchr(p->config->address, ':');

	(void)snprintf(buf, size, "%s",
		       colon && !address_text_path(p->config->address) ? colon + 1 : "");
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

/* The user that slotd was started as; what is not known is NULL. */
struct login {
	char *name, *home, *shell;
};

/* Whom it runs as, as a login of that user would say, where the configuration does not, and for
 * slotd's own user, where slotd's environment does not either. */
static int add_user(struct env *env, const struct supervisor *sup, const struct process *worker)
{
	const struct owner *given = &worker->config->program->user;
	const struct owner *user = given->uid == (uid_t)-1 ? &sup->config->supervisord.user : given;
	const bool own = user->uid == (uid_t)-1;
	const struct login nobody = {0}, *login = sup->login ? sup->login : &nobody;
	const struct {
		const char *name, *value;
	} settings[] = {
		{"HOME", own ? login->home : user->home},
		{"USER", own ? login->name : user->user},
		{"LOGNAME", own ? login->name : user->user},
		{"SHELL", own ? login->shell : user->shell},
	};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(settings) && r == 0; i++) {
		if (settings[i].value &&
		    !env_list_has(own ? env->at : worker->config->environment, settings[i].name)) {
			r = env_setf(env, "%s=%s", settings[i].name, settings[i].value);
		}
	}
	return r;
}

int environment_init(struct supervisor *sup)
{
	const struct passwd *pw = getpwuid(geteuid());
	struct login *login = calloc(1, sizeof(*login));

	sup->login = login;
	if (!login || !pw) {
		return login ? 0 : -ENOMEM;
	}
	login->name = strdup(pw->pw_name);
	login->home = strdup(pw->pw_dir);
	login->shell = strdup(pw->pw_shell);
	return login->name && login->home && login->shell ? 0 : -ENOMEM;
}

void environment_done(struct supervisor *sup)
{
	if (sup->login) {
		free(sup->login->name);
		free(sup->login->home);
		free(sup->login->shell);
	}
	free(sup->login);
	sup->login = NULL;
}

int slot_environment(const struct service *s, enum slot_id slot, const struct process *worker,
		     struct env *env)
{
	char ports[8192], port[16];
	int r = worker ? process_environment(worker, env) : env_inherit(env);

	list_ports(s, slot, ports, sizeof(ports));
	if (r == 0 && worker) {
		r = add_user(env, s->sup, worker);
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
