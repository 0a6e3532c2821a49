#include "rival_check.h"
#include "link/inheritance.h"
#include "supervisor.h"

#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/os.h>
#include <slotd/rivals.h>
#include <slotd/strbuf.h>

#include <string.h>

/* A supervisor that lives and has the same programs: nothing is started beside it. */

static bool by_pidfile(const struct config *config, struct rival *rival, struct diag *diag)
{
	const char *path = config->supervisord.pidfile;

	if (!path || !rival_by_pidfile(path, rival)) {
		return false;
	}
	(void)diag_set(diag, -EBUSY,
		       "%s (pid %d) is running with pidfile=%s: stop it first (supervisorctl "
		       "shutdown), or give slotd a pidfile of its own",
		       rival->name, (int)rival->pid, path);
	return true;
}

static bool by_server(const struct config *config, struct rival *rival, struct diag *diag)
{
	vec_for_each (s, &config->servers) {
		const char *path = address_text_path(s->address);

		if (path && rival_by_socket(path, rival)) {
			(void)diag_set(diag, -EBUSY,
				       "%s (pid %d) listens on %s, the socket of [%s]: stop it "
				       "first (supervisorctl -s unix://%s shutdown), or give slotd "
				       "a socket of its own",
				       rival->name, (int)rival->pid, path, s->section, path);
			return true;
		}
	}
	return false;
}

static bool by_own_socket(const struct config *config, struct rival *rival, struct diag *diag)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};

	(void)strbuf_addf(&path, "%s/slotd.sock", config->supervisord.run_dir);
	if (path.error || !rival_by_socket(strbuf_str(&path), rival)) {
		return false;
	}
	(void)diag_set(diag, -EBUSY,
		       "%s (pid %d) runs with this run_dir (%s): stop it first, or give this one "
		       "a state_dir and run_dir of its own",
		       rival->name, (int)rival->pid, config->supervisord.run_dir);
	return true;
}

/* Is it dead that left something, or does it only have the same run_dir? */
static bool took_over(const struct supervisor *sup)
{
	pid_t pid = inherited_daemon(sup).pid;
	char comm[32];

	return inheritance_there(sup) &&
	       !(pid > 0 && pid != getpid() && process_alive(pid) &&
		 strcmp(process_comm(pid, comm, sizeof(comm)), "slotd") == 0);
}

/* Of sockets that a killed slotd left, which what it started may still have open, nobody else is
 * the owner. */
static bool by_sockets(const struct supervisor *sup, struct rival *rival, struct diag *diag)
{
	return !took_over(sup) &&
	       (by_server(sup->config, rival, diag) || by_own_socket(sup->config, rival, diag));
}

static bool by_file(const struct config *config, struct rival *rival, struct diag *diag)
{
	if (!rival_by_config(config->file, rival)) {
		return false;
	}
	(void)diag_set(diag, -EBUSY,
		       "%s (pid %d) is running with this file, %s: its programs would run twice. "
		       "Stop it first (supervisorctl -c %s shutdown), or give slotd a file of its "
		       "own; slotd-supervisor(7) has the way without downtime",
		       rival->name, (int)rival->pid, config->file, config->file);
	return true;
}

int rivals_check(struct supervisor *sup, struct diag *diag)
{
	struct rival rival;

	return by_pidfile(sup->config, &rival, diag) || by_sockets(sup, &rival, diag) ||
			       by_file(sup->config, &rival, diag)
		       ? -EBUSY
		       : 0;
}
