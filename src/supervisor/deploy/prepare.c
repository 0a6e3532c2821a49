#include "deploy/prepare.h"
#include "deploy/job_steps.h"
#include "deploy/jobs.h"
#include "service/environment.h"
#include "service/observers.h"
#include "service/service.h"
#include "worker/process.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <slotd/os.h>
#include <slotd/ownname.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- in the child ----
 *
 * It copies what the commands print to the job's log and to slotd. A slow disk holds up the
 * commands, as it would on a terminal, and never slotd.
 */

struct shell {
	const char *script, *directory, *log_path;
	char **env;
	const struct owner *user;
};

static void become(const struct owner *user)
{
	const struct spawn_user wanted = {user->uid, user->gid, user->groups, user->n_groups,
					  user->user};
	int r = user->uid == (uid_t)-1 ? 0 : process_become(&wanted);

	if (r < 0) {
		dprintf(STDERR_FILENO, "prepare: cannot become user %s: %s\n", user->user,
			strerrordesc_np(-r));
		_exit(126);
	}
}

/* A script in a file is printed line by line as it is read (sh -v): so a log of commands that say
 * nothing tells what ran, and which of them failed. */
static int script_file(const struct shell *sh)
{
	int fd = memfd_create("prepare", 0); /* stays open for the shell */

	if (fd >= 0 && (io_write_all(fd, sh->script, strlen(sh->script)) < 0 ||
			io_write_all(fd, "\n", 1) < 0 || lseek(fd, 0, SEEK_SET) < 0)) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static void run_shell(const struct shell *sh, int output)
{
	char path[32];
	char *argv[] = {(char *)"/bin/sh", (char *)"-ev", path, NULL};
	const int script = script_file(sh);

	(void)snprintf(path, sizeof(path), "/dev/fd/%d", script);
	if (script < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) {
		_exit(126);
	}
	become(sh->user);
	if (sh->directory && chdir(sh->directory) < 0) {
		dprintf(STDERR_FILENO, "prepare: cannot enter %s: %m\n", sh->directory);
		_exit(126);
	}
	(void)signal(SIGPIPE, SIG_DFL);
	os_give_limits_back();
	(void)execve(argv[0], argv, sh->env);
	dprintf(STDERR_FILENO, "prepare: cannot run /bin/sh: %m\n");
	_exit(126);
}

/* Copies until the shell has ended and nothing more is in the pipe, or everybody closed it. */
static void copy_output(pid_t shell, int from, int log_fd)
{
	struct pollfd fds[2] = {{.fd = from, .events = POLLIN},
				{.fd = (int)syscall(SYS_pidfd_open, shell, 0), .events = POLLIN}};
	char buf[16 * 1024];

	for (;;) {
		ssize_t n;

		if (poll(fds, fds[1].fd >= 0 ? 2 : 1, -1) < 0 && errno != EINTR) {
			return;
		}
		if (!(fds[0].revents & (POLLIN | POLLHUP)) && fds[1].revents) {
			return; /* what it left running may keep the pipe open */
		}
		n = read(from, buf, sizeof(buf));
		if (n == 0 || (n < 0 && errno != EINTR)) {
			return;
		}
		if (n > 0) {
			/* A full disk or an absent reader does not end a deploy. */
			(void)io_write_all(log_fd, buf, (size_t)n);
			(void)io_write_all(STDOUT_FILENO, buf, (size_t)n);
		}
	}
}

static int open_log(const char *path)
{
	struct diag diag = {0};
	int fd = -EBADF;

	if (own_file_open(path, O_WRONLY | O_CREAT | O_APPEND, 0644, &diag, &fd) < 0) {
		dprintf(STDOUT_FILENO, "prepare: cannot open the log: %s\n", diag.text);
	} else if (ftruncate(fd, 0) < 0) { /* of an earlier job of that number */
		dprintf(STDOUT_FILENO, "prepare: cannot empty %s: %m\n", path);
	}
	return fd;
}

/* What this child ends with is what the shell ended with. */
static int run_prepare(void *data)
{
	const struct shell *sh = data;
	int ends[2], status, log_fd = open_log(sh->log_path);
	pid_t shell;
	int r = os_pipe_of(sh->user->uid, sh->user->gid, ends);

	if (r < 0) {
		dprintf(STDOUT_FILENO, "prepare: %s\n", strerror(-r));
		return 126;
	}
	shell = fork();
	if (shell < 0) {
		dprintf(STDOUT_FILENO, "prepare: %m\n");
		return 126;
	}
	if (shell == 0) {
		run_shell(sh, ends[1]);
	}
	(void)close(ends[1]);
	copy_output(shell, ends[0], log_fd);
	while (waitpid(shell, &status, 0) < 0 && errno == EINTR) {
	}
	if (log_fd >= 0) {
		(void)close(log_fd);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* ---- in slotd ---- */

static bool says_something(const char *line)
{
	line += strspn(line, " \t");
	return *line && *line != '#';
}

/* A whole line of the output: is it the next one of the script? */
static void trace_line(struct prepare_trace *t)
{
	const size_t len = t->next ? strcspn(t->next, "\n") : 0;

	if (!t->next || !*t->next || len != t->n_line || memcmp(t->line, t->next, len) != 0) {
		return;
	}
	t->n_lines++;
	t->next += len + (t->next[len] == '\n');
	t->line[t->n_line] = '\0';
	if (says_something(t->line)) {
		(void)snprintf(t->command, sizeof(t->command), "%s", t->line);
		t->number = t->n_lines;
	}
}

static void trace_output(struct prepare_trace *t, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n') {
			trace_line(t);
			t->n_line = 0;
		} else if (t->n_line < sizeof(t->line) - 1) {
			t->line[t->n_line++] = data[i];
		}
	}
}

static void on_output(struct child *c, const char *data, size_t len)
{
	struct service *s = container_of(c, struct service, prepare);

	trace_output(&s->trace, data, len);
	if (s->job) {
		job_output(s->job, data, len);
	}
}

/* Lines that say something; one command may take several. */
static unsigned count_commands(const char *script)
{
	unsigned n = 0;

	while (script && *script) {
		size_t len = strcspn(script, "\n");
		size_t blank = strspn(script, " \t");

		n += blank < len && script[blank] != '#';
		script += len + (script[len] == '\n');
	}
	return n;
}

static void on_done(struct child *c, const struct child_result *result)
{
	struct service *s = container_of(c, struct service, prepare);
	int code = WIFEXITED(result->status) ? WEXITSTATUS(result->status)
					     : 128 + WTERMSIG(result->status);
	unsigned n = count_commands(s->config->slots[s->swap.target].prepare);
	char text[PLAN_TEXT_MAX], path[PATH_MAX];

	if (s->job) {
		job_output(s->job, "", 0);
		(void)job_log_path(s->job, path, sizeof(path));
		if (code && s->trace.number) {
			(void)snprintf(text, sizeof(text),
				       "exit status %d in line %u, \"%s\"; log %s", code,
				       s->trace.number, s->trace.command, path);
		} else if (code) {
			(void)snprintf(text, sizeof(text), "exit status %d, log %s", code, path);
		} else {
			(void)snprintf(text, sizeof(text), "%u command%s, log %s", n,
				       n == 1 ? "" : "s", path);
		}
		service_step(s, DEPLOY_EV_PREPARED, code, text);
	}
}

static const struct process *first_worker(const struct service *s, enum slot_id slot)
{
	const struct process *p, *found = NULL;
	size_t pos = 0;

	while ((p = service_next(s, slot, &pos))) {
		if (!found || (p->config->address && !found->config->address)) {
			found = p;
		}
	}
	return found;
}

static int start(struct service *s, const struct process *worker)
{
	enum slot_id slot = s->swap.target;
	const struct service_slot_config *c = &s->config->slots[slot];
	CLEANUP(env_done) struct env env = {0};
	char path[PATH_MAX];
	struct shell shell;
	struct child_spec spec = CHILD_SPEC_INIT;
	int r = slot_environment(s, slot, worker, &env);

	if (r < 0) {
		return r;
	}
	/* The commands belong to the slot, not to one of its workers. */
	env_unset(&env, "SLOTD_ADDRESS");
	env_unset(&env, "SLOTD_PORT");
	env_unset(&env, "SUPERVISOR_PROCESS_NAME");
	shell = (struct shell){
		.script = c->prepare ? c->prepare : ":",
		.directory = c->prepare_directory,
		.log_path = job_log_path(s->job, path, sizeof(path)),
		.env = env.at,
		.user = &worker->config->program->user,
	};
	if (!shell.directory) {
		shell.directory = worker->config->directory;
	}
	spec.spawn.run = run_prepare;
	spec.spawn.data = &shell;
	spec.done = on_done;
	spec.output = on_output;
	s->trace = (struct prepare_trace){.next = c->prepare};
	return child_run(&s->sup->children, &s->prepare, &spec);
}

void prepare_start(struct service *s)
{
	const struct process *worker = first_worker(s, s->swap.target);
	char text[256];
	int r = worker ? start(s, worker) : -ENOENT;

	if (r < 0) {
		(void)snprintf(text, sizeof(text), "prepare cannot be started: %s", strerror(-r));
		service_step(s, DEPLOY_EV_PREPARED, 126, text);
	}
}

void prepare_stop(struct service *s)
{
	child_abandon(&s->prepare);
}
