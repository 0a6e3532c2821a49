#include "reload/service_reload.h"
#include "deploy/jobs.h"
#include "link/helper_set.h"
#include "service/service.h"
#include "service/services.h"
#include "service/sockets.h"
#include "worker/observers.h"
#include "worker/process.h"
#include "worker/processes.h"

#include <slotd/cleanup.h>
#include <slotd/ownname.h>

#include <fcntl.h>
#include <string.h>

/*
 * A reload of services: what can fail (who may go, which address is free) is done in prepare, and
 * the new sockets wait here until commit. A socket that is dropped is closed by the relays when
 * its queue is empty.
 */

void services_reload_abandon(struct supervisor *sup)
{
	struct ready_sockets *ready = sup->ready_sockets;

	if (!ready) {
		return;
	}
	vec_for_each (b, &ready->all) {
		own_name_remove(&b->name);
		cleanup_closep(&b->fd);
	}
	vec_done(&ready->all);
	free(ready);
	sup->ready_sockets = NULL;
}

/* ---- prepare ---- */

static const char *missing_program(const struct service *s, enum slot_id slot,
				   const struct config *next)
{
	vec_for_each (p, &s->config->slots[slot].programs) {
		if (!config_program(next, (*p)->name)) {
			return (*p)->name;
		}
	}
	return NULL;
}

/* The slot that gets a share of the connections is as little to be removed as the live one. */
static const char *program_that_serves(const struct service *s, const struct config *next)
{
	const enum slot_id sharing = service_sharing(s);
	const char *name = missing_program(s, service_live(s), next);

	return name || sharing < 0 ? name : missing_program(s, sharing, next);
}

/* A canary may go on for long: until it flips, its workers are those of any slot that serves. */
static bool stands_still(const struct service *s, const struct config *next)
{
	return s->swap.step == SWAP_CANARY && config_service(next, s->name) &&
	       !program_that_serves(s, next);
}

static int check_leaving(const struct service *s, const struct config *next, bool force,
			 struct diag *diag)
{
	const struct service_config *c = config_service(next, s->name);
	const char *program;
	char job[512];

	if (s->job && !stands_still(s, next)) {
		return diag_set(diag, -EBUSY, "%s", job_describe(s->job, job, sizeof(job)));
	}
	if (force || s->down) {
		return 0;
	}
	if (!c) {
		return diag_set(diag, -EBUSY,
				"service %s is live and would be removed: slotctl reload --force "
				"does it",
				s->name);
	}
	program = program_that_serves(s, next);
	if (program) {
		return diag_set(diag, -EBUSY,
				"program %s is the live slot of %s and would be removed: "
				"slotctl reload --force does it",
				program, s->name);
	}
	return 0;
}

static struct public_socket *find_socket(const struct supervisor *sup, const char *address,
					 const char *service, bool *ret_same)
{
	vec_for_each (s, &sup->services) {
		vec_for_each (socket, &(*s)->sockets) {
			if (strcmp(socket->address, address) == 0 && socket->fd >= 0) {
				*ret_same = strcmp((*s)->name, service) == 0;
				return socket;
			}
		}
	}
	return NULL;
}

static int bind_one(struct supervisor *sup, struct ready_sockets *ready,
		    const struct service_config *c, const char *address, struct diag *diag)
{
	const struct listen_options options = service_listen_options(c);
	struct ready_socket b = {.service = c->name, .address = address, .fd = -EBADF};
	bool same = false;
	int r = 0;

	b.moves = find_socket(sup, address, c->name, &same);
	if (same) {
		return 0;
	}
	if (b.moves) {
		b.fd = fcntl(b.moves->fd, F_DUPFD_CLOEXEC, 0);
		r = b.fd < 0 ? diag_set_errno(diag, -errno, "%s", address) : 0;
	} else {
		r = listen_open(address, &options, diag, &b.fd, &b.name);
	}
	if (r < 0) {
		return diag_prefix(diag, "[service:%s]", c->name);
	}
	if (vec_push(&ready->all, b) < 0) {
		own_name_remove(&b.name);
		cleanup_closep(&b.fd);
		return diag_set_errno(diag, -ENOMEM, "[service:%s]", c->name);
	}
	return 0;
}

int services_reload_prepare(struct supervisor *sup, struct config *next, bool force,
			    struct diag *diag)
{
	struct ready_sockets *ready;
	int r = 0;

	services_reload_abandon(sup);
	vec_for_each (s, &sup->services) {
		r = r == 0 ? check_leaving(*s, next, force, diag) : r;
	}
	ready = r == 0 ? calloc(1, sizeof(*ready)) : NULL;
	if (!ready) {
		return r < 0 ? r : diag_set_errno(diag, -ENOMEM, "reload");
	}
	sup->ready_sockets = ready;
	vec_for_each (c, &next->services) {
		vec_for_each (address, &(*c)->listen) {
			r = r == 0 ? bind_one(sup, ready, *c, *address, diag) : r;
		}
	}
	if (r < 0) {
		services_reload_abandon(sup);
	}
	return r;
}

/* ---- commit ---- */

/* The service that had a socket must not remove its name when it closes it. */
static void take_names(struct ready_sockets *ready)
{
	vec_for_each (b, &ready->all) {
		if (b->moves) {
			b->name = own_name_take(&b->moves->name);
		}
	}
}

static const struct program_config *program_in(const struct config *next, const struct process *p)
{
	const struct program_config *was = p->config->program;

	vec_for_each (program, &next->programs) {
		if (strcmp((*program)->name, was->name) == 0 &&
		    strcmp((*program)->group, was->group) == 0) {
			return *program;
		}
	}
	return NULL;
}

/* Existing programs become slots, or cease to be, without a restart. */
static void attach_processes(struct supervisor *sup, const struct config *next)
{
	vec_for_each (at, &sup->processes) {
		struct process *p = *at;
		const struct program_config *program = p ? program_in(next, p) : NULL;
		struct service *s;

		if (!program) {
			continue;
		}
		s = program->service < 0
			    ? NULL
			    : service_find(sup, next->services.at[program->service]->name);
		if (p->service == s && (!s || p->slot == program->slot)) {
			continue;
		}
		if (p->service) {
			service_process_removed(p->service, p);
			process_set_live(p, false);
		}
		if (s) {
			p->service = s;
			p->slot = program->slot;
			if (service_process_added(s, p) < 0) {
				service_say(s, LOG_ERR, "out of memory: %s gets no connections",
					    p->namespec);
			}
		}
		process_changed(p);
	}
}

void services_reload_commit(struct supervisor *sup, struct config *next)
{
	struct diag diag = {0};

	if (sup->ready_sockets) {
		take_names(sup->ready_sockets);
	}
	for (size_t i = sup->services.len; i > 0; i--) {
		struct service *s = sup->services.at[i - 1];

		if (!config_service(next, s->name)) {
			log_line(LOG_NOTICE, "service %s is removed", s->name);
			service_remove(s);
		}
	}
	vec_for_each (c, &next->services) {
		struct service *s = service_find(sup, (*c)->name);

		if (s) {
			service_reconfigure(s, *c, next);
		} else if (service_add(sup, *c, next, &diag) < 0) {
			(void)log_diag(LOG_ERR, diag.code, &diag);
		}
	}
	services_reload_abandon(sup);
	if (helpers_want_relays(sup) < 0) {
		log_line(LOG_ERR, "out of memory: no relay is started");
	}
	attach_processes(sup, next);
}
