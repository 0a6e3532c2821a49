#include "rival_check.h"
#include "supervisor.h"

#include <slotd/cleanup.h>
#include <slotd/rivals.h>
#include <slotd/strbuf.h>

#include <string.h>

/* A supervisor that lives and has the same programs: nothing is started beside it. */

typedef bool find_fn(const struct config *config, struct rival *rival, struct diag *diag);

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
		const char *path = s->address + strlen("unix:");

		if (s->unix_socket && rival_by_socket(path, rival)) {
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
	static find_fn *const finds[] = {by_pidfile, by_server, by_own_socket, by_file};
	struct rival rival;

	for (size_t i = 0; i < ARRAY_SIZE(finds); i++) {
		if (finds[i](sup->config, &rival, diag)) {
			return -EBUSY;
		}
	}
	return 0;
}
