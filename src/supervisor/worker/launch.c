#include "worker/launch.h"
#include "worker/cgroups.h"
#include "worker/process.h"
#include "worker/process_row.h"
#include "worker/sd_listener.h"
#include "worker/secrets.h"
#include "worker/streams.h"

#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/fault.h>
#include <slotd/os.h>

#include <stdio.h>
#include <string.h>

/* How a worker's process comes to be: command, environment, pipes, child. */

/* A wildcard is no address to connect to. */
static void inet_url(const char *address, char *buf, size_t size)
{
	static const struct {
		const char *wildcard, *host;
	} hosts[] = {{"0.0.0.0:", "localhost:"}, {"[::]:", "[::1]:"}};

	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		size_t len = strlen(hosts[i].wildcard);

		if (strncmp(address, hosts[i].wildcard, len) == 0) {
			(void)snprintf(buf, size, "http://%s%s", hosts[i].host, address + len);
			return;
		}
	}
	(void)snprintf(buf, size, "http://%s", address);
}

static const char *server_url(const struct config *config, char *buf, size_t size)
{
	for (int unix_first = 1; unix_first >= 0; unix_first--) {
		vec_for_each (s, &config->servers) {
			if (s->unix_socket != (unix_first == 1)) {
				continue;
			}
			if (s->unix_socket) {
				(void)snprintf(buf, size, "unix://%s",
					       address_text_path(s->address));
			} else {
				inet_url(s->address, buf, size);
			}
			return buf;
		}
	}
	return NULL;
}

/* Later settings win; environment= may override Supervisor's own names, as it does there. */
int process_environment(const struct process *p, struct env *env)
{
	const struct worker_config *c = p->config;
	char buf[512];
	const char *url = c->program->serverurl ? c->program->serverurl
						: server_url(p->origin, buf, sizeof(buf));
	int r = env_inherit(env);

	if (r == 0) {
		r = env_set(env, "SUPERVISOR_ENABLED=1");
	}
	if (r == 0 && url) {
		r = env_setf(env, "SUPERVISOR_SERVER_URL=%s", url);
	}
	if (r == 0) {
		r = env_setf(env, "SUPERVISOR_PROCESS_NAME=%s", c->name);
	}
	if (r == 0) {
		r = env_setf(env, "SUPERVISOR_GROUP_NAME=%s", p->group->name);
	}
	return r == 0 ? env_add(env, c->environment) : r;
}

/* ---- why not, in Supervisor's words */

static const char *pipe_error_text(const struct process *p, int error, char *buf, size_t size)
{
	char name[256];

	(void)text_quote(p->config->name, name, sizeof(name));
	if (error == -EMFILE || error == -ENFILE) {
		(void)snprintf(buf, size, "too many open files to spawn %s", name);
	} else {
		(void)snprintf(buf, size, "unknown error making dispatchers for %s: %s", name,
			       strerrorname_np(-error));
	}
	return buf;
}

static const char *fork_error_text(const struct process *p, int error, char *buf, size_t size)
{
	char name[256];

	(void)text_quote(p->config->name, name, sizeof(name));
	if (error == -EAGAIN) {
		(void)snprintf(buf, size, "Too many processes in process table to spawn %s", name);
	} else if (error == -EMFILE || error == -ENFILE) {
		(void)snprintf(buf, size, "too many open files to spawn %s", name);
	} else {
		(void)snprintf(buf, size, "unknown error during fork for %s: %s", name,
			       strerrorname_np(-error));
	}
	return buf;
}

static int fail(struct launch_failure *failure, int error, int fault, const char *text)
{
	failure->fault = fault;
	(void)snprintf(failure->text, sizeof(failure->text), "%s", text);
	return error;
}

/* ---- doing it */

/* Should slotd die before the answer comes, the next one finds here whether there is a child. */
static void keep_request(void *owner, int request_fd)
{
	struct process *p = owner;

	p->request_fd = request_fd;
	process_commit(p); /* which streams are its own */
	process_keep(p);
	p->request_fd = -EBADF;
}

/* Takes stdio. */
static int ask_for_child(struct process *p, char **argv, const int stdio[3], struct env *env,
			 const char *secrets, spawn_done_fn *done)
{
	const struct program_config *program = p->config->program;
	const struct owner *owner = &program->user;
	struct spawn_user user = {.uid = owner->uid,
				  .gid = owner->gid,
				  .groups = owner->groups,
				  .n_groups = owner->n_groups,
				  .name = owner->user};
	struct spawn_spec spec = SPAWN_SPEC_INIT;
	struct rlimit limits[RLIM_NLIMITS];
	auto_close int group = cgroups_make(p);

	os_child_limits(limits);
	memcpy(spec.stdio, stdio, sizeof(spec.stdio));
	spec.argv = argv;
	spec.envp = env->at;
	spec.search = env_get(env, "PATH");
	if (!spec.search) {
		spec.search = "/bin:/usr/bin:/usr/local/bin";
	}
	spec.cgroup_fd = group;
	spec.directory = p->config->directory;
	spec.umask = program->umask;
	spec.address = p->service ? p->config->address : NULL;
	spec.user = owner->uid == (uid_t)-1 ? NULL : &user;
	spec.credentials = p->config->credentials;
	spec.credentials_dir = secrets;
	spec.reset_signals = p->origin->supervisord.reset_signals;
	spec.explain = true;
	spec.prepared = keep_request;
	spec.limits = limits;
	spec.n_limits = RLIM_NLIMITS;
	return spawner_ask(p->sup->children.spawner, &spec, done, p, &p->call);
}

void process_launch_failed(struct process *p, int error, struct launch_failure *failure)
{
	char text[512];

	streams_abandon(p);
	(void)fail(failure, error, FAULT_SPAWN_ERROR,
		   fork_error_text(p, error, text, sizeof(text)));
}

static int worker_environment(const struct process *p, const char *secrets, struct env *env)
{
	int r = process_environment(p, env);

	return r == 0 && secrets[0] ? env_setf(env, "CREDENTIALS_DIRECTORY=%s", secrets) : r;
}

static int launch(struct process *p, char **argv, spawn_done_fn *done,
		  struct launch_failure *failure)
{
	CLEANUP(env_done) struct env env = {0};
	char text[512], secrets[PATH_MAX];
	struct diag diag = {0};
	int stdio[3], r = secrets_prepare(p, secrets, &diag);

	if (r < 0) {
		return fail(failure, r, FAULT_SPAWN_ERROR, diag.text);
	}
	r = streams_open(p, stdio);
	if (r < 0) {
		return fail(failure, r, FAULT_SPAWN_ERROR,
			    pipe_error_text(p, r, text, sizeof(text)));
	}
	r = worker_environment(p, secrets, &env);
	if (r == 0) {
		r = sd_listener_environment(p, &env, &diag);
	}
	if (r == 0) {
		r = ask_for_child(p, argv, stdio, &env, secrets, done);
	} else {
		for (int i = 0; i < 3; i++) {
			cleanup_closep(&stdio[i]);
		}
	}
	if (r < 0) {
		process_launch_failed(p, r, failure);
	}
	return r < 0 && diag.text[0] ? fail(failure, r, FAULT_SPAWN_ERROR, diag.text) : r;
}

int process_launch(struct process *p, spawn_done_fn *done, struct launch_failure *failure)
{
	CLEANUP(words_freep) char **argv = NULL;
	char text[512], quoted[400];
	struct diag diag = {0};
	int n = words_split(p->config->command, &diag, &argv);

	if (n > 0) {
		return launch(p, argv, done, failure);
	}
	if (n == 0) {
		return fail(failure, -EINVAL, FAULT_NOT_EXECUTABLE, "command is empty");
	}
	(void)snprintf(text, sizeof(text), "can't parse command %s: %s",
		       text_quote(p->config->command, quoted, sizeof(quoted)), diag.text);
	return fail(failure, n, n == -EINVAL ? FAULT_NOT_EXECUTABLE : FAULT_SPAWN_ERROR, text);
}

static int lookup_fault(const struct spawn_report *r)
{
	if (r->stage != SPAWN_STAGE_LOOKUP) {
		return FAULT_SPAWN_ERROR;
	}
	return r->error == -ENOENT ? FAULT_NO_FILE : FAULT_NOT_EXECUTABLE;
}

static const char *first_word(const struct process *p, char *buf, size_t size)
{
	CLEANUP(words_freep) char **argv = NULL;

	(void)snprintf(buf, size, "%s",
		       words_split(p->config->command, NULL, &argv) > 0 ? argv[0] : "");
	return buf;
}

void process_launch_reported(const struct process *p, const struct spawn_report *report,
			     struct launch_failure *failure)
{
	char word[256];

	failure->fault = lookup_fault(report);
	(void)spawn_report_text(report, first_word(p, word, sizeof(word)), failure->text,
				sizeof(failure->text));
}
