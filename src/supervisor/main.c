#include "options.h"
#include "run.h"

#include <slotd/cleanup.h>
#include <slotd/notify.h>
#include <slotd/os.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Tells a restarted daemon that it is one: its pid. */
#define DAEMONIZED "SLOTD_DAEMONIZED"

/* Users and hosts are looked up, which may take its time. */
#define START_PATIENCE SECONDS(300)

static int fail(const char *argv0, const struct diag *diag)
{
	char line[DIAG_TEXT_MAX + DIAG_FILE_MAX + 16];

	(void)fprintf(stderr, "Error: %s\nFor help, use %s -h\n",
		      diag_format(diag, line, sizeof(line)), argv0);
	return 2;
}

/* ---- the configuration */

static int load(const struct options *options, const char *argv0, struct config **ret)
{
	struct diag diag = {0};
	struct config *config = NULL;
	int r = config_load(options->config_path, &options->overrides, &diag, &config);

	if (r == 0) {
		r = config_resolve_apart(config, &diag);
	}
	if (!config || (r < 0 && !config->n_errors)) {
		config_free(config);
		return fail(argv0, &diag);
	}
	if (r < 0 || config->n_errors) {
		config_print_messages(config, stderr);
		(void)fprintf(stderr, "For help, use %s -h\n", argv0);
		config_free(config);
		return 2;
	}
	*ret = config;
	return 0;
}

/* ---- daemonizing: the parent waits until the start is done, and exits as it went */

static int wait_for_child(int fd)
{
	int status = 2;

	if (read(fd, &status, sizeof(status)) != (ssize_t)sizeof(status)) {
		status = 2; /* it ended without a word but those on stderr */
	}
	return status;
}

/* 0 in the daemon; the exit status (as -1 - status) in the parent. */
static int daemonize(const struct config *config, int *ret_ready_fd)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return -1 - 2;
	}
	pid = fork();
	if (pid != 0) {
		(void)close(ends[1]);
		return -1 - (pid < 0 ? 2 : wait_for_child(ends[0]));
	}
	(void)close(ends[0]);
	(void)setsid();
	if (config->supervisord.directory && chdir(config->supervisord.directory) < 0) {
		log_line(LOG_CRIT, "can't chdir into '%s': %s", config->supervisord.directory,
			 strerror(errno));
	}
	(void)umask(config->supervisord.umask);
	*ret_ready_fd = ends[1];
	return 0;
}

static void leave_terminal(void)
{
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; null >= 0 && i < 3; i++) {
		(void)dup2(null, i);
	}
}

/* ---- restart: everything has ended, the same command line starts again in this process */

/* The path, not the file that runs: after an upgrade it is another one. */
static int execute_again(char **argv, const char *exe, const char *cwd, bool daemonized)
{
	char pid[16];

	os_pass_inherited();
	if (notify_pass_listeners() < 0) {
		(void)fprintf(stderr, "Error: the listening sockets are opened anew\n");
	}
	os_restore_limits();
	notify_extend(START_PATIENCE); /* nothing feeds the watchdog meanwhile */
	if (cwd[0] && chdir(cwd) < 0) {
		(void)fprintf(stderr, "Error: cannot change back to %s: %s\n", cwd,
			      strerror(errno));
	}
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (daemonized) {
		(void)setenv(DAEMONIZED, pid, 1);
	}
	(void)execv(exe, argv);
	(void)execv("/proc/self/exe", argv);
	(void)fprintf(stderr, "Error: cannot restart: %s\n", strerror(errno));
	return 1;
}

static bool is_daemon_already(void)
{
	const char *pid = getenv(DAEMONIZED);
	bool mine = pid && atoi(pid) == getpid();

	(void)unsetenv(DAEMONIZED); /* not for workers */
	return mine;
}

static void remember_place(char *exe, size_t exe_size, char *cwd, size_t cwd_size)
{
	ssize_t n = readlink("/proc/self/exe", exe, exe_size - 1);

	exe[n > 0 ? n : 0] = '\0';
	if (!getcwd(cwd, cwd_size)) {
		cwd[0] = '\0';
	}
}

static int run(const struct options *options, struct config *config, char **argv)
{
	static struct supervisor sup;
	auto_free char *path = strdup(config->file);
	struct supervisor_options so = {.config_path = path,
					.overrides = &options->overrides,
					.foreground = config->supervisord.nodaemon,
					.ready_fd = -EBADF};
	bool daemonized = is_daemon_already();
	char cwd[PATH_MAX], exe[PATH_MAX];
	struct diag diag = {0};
	int r = 0;

	remember_place(exe, sizeof(exe), cwd, sizeof(cwd));
	if (!so.foreground && !daemonized) {
		r = daemonize(config, &so.ready_fd);
	}
	if (r < 0) {
		config_free(config);
		return -1 - r;
	}
	r = supervisor_start(&sup, &so, config, &diag);
	if (r < 0) {
		char line[DIAG_TEXT_MAX + DIAG_FILE_MAX + 16];

		(void)fprintf(stderr, "Error: %s\n", diag_format(&diag, line, sizeof(line)));
		return 2;
	}
	if (!so.foreground) {
		leave_terminal();
	}
	supervisor_run(&sup);
	return sup.mood == MOOD_RESTARTING ? execute_again(argv, exe, cwd, !so.foreground) : 0;
}

int main(int argc, char **argv)
{
	struct config *config;
	struct options options;
	int status;

	if (os_adopt_descriptors() < 0) {
		return 2;
	}
	os_reserve_stack();
	status = options_read(argc, argv, &options);
	if (status >= 0) {
		return status;
	}
	if (options.help_config) {
		config_help(stdout, NULL);
		return 0;
	}
	if (options.test) {
		return config_check_main(options.config_path, options.strict, &options.overrides);
	}
	os_defer_signals();
	notify_extend(START_PATIENCE);
	status = load(&options, argv[0], &config);
	return status ? status : run(&options, config, argv);
}
