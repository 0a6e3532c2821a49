#include "options.h"
#include "run.h"
#include "successor.h"
#include "upgrade.h"

#include <slotd/cleanup.h>
#include <slotd/notify.h>
#include <slotd/os.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* ---- the run */

/* What a slotd before this one left is still as it was. */
static int cannot_start(struct upgraded *upgraded, const struct successor *s,
			const struct diag *diag)
{
	char line[DIAG_TEXT_MAX + DIAG_FILE_MAX + 16];

	(void)fprintf(stderr, "Error: %s\n", diag_format(diag, line, sizeof(line)));
	successor_fall_back(upgraded, s->argv, s->daemonized, line);
	return 2;
}

static int run(const struct options *options, struct config *config, struct upgraded *upgraded,
	       char **argv)
{
	static struct supervisor sup;
	static struct successor successor;
	auto_free char *path = strdup(config->file);
	struct supervisor_options so = {.config_path = path,
					.overrides = &options->overrides,
					.foreground = config->supervisord.nodaemon,
					.ready_fd = -EBADF,
					.successor = &successor,
					.upgraded = upgraded->count ? upgraded : NULL,
					.directories_stay = upgraded->directories[0] == '/',
					.upgrades = upgraded->count,
					.upgrade_failed = upgraded->why};
	bool daemonized = successor_is_daemon();
	struct diag diag = {0};
	int r = 0;

	successor_note(&successor, argv);
	successor.daemonized = !so.foreground;
	if (!so.foreground && !daemonized) {
		r = daemonize(config, &so.ready_fd);
	}
	if (r < 0) {
		config_free(config);
		return -1 - r;
	}
	r = supervisor_start(&sup, &so, config, &diag);
	if (r < 0) {
		return cannot_start(upgraded, &successor, &diag);
	}
	if (!so.foreground) {
		leave_terminal();
	}
	supervisor_run(&sup);
	return sup.mood == MOOD_RESTARTING ? successor_restart(&successor) : 0;
}

/* systemd hears of it from the slotd that has asked. */
static int test_takeover(const struct options *options, const char *argv0)
{
	struct config *config;
	int status = upgrade_is_same(options->takeover_test);

	if (status >= 0) {
		return status;
	}
	status = load(options, argv0, &config);
	return status ? status : upgrade_test(config);
}

/* A value of the configuration: a % begins an expansion. */
static const char *quote(const char *text, size_t len, char *buf, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < len && used + 3 < size; i++) {
		buf[used++] = text[i];
		if (text[i] == '%') {
			buf[used++] = '%';
		}
	}
	buf[used] = '\0';
	return buf;
}

/*
 * What the slotd before holds is in its directories, and what has its default there (logfile,
 * pidfile) stays where it is, though the user may be another by now, or the file changed.
 */
static void keep_directories(struct config_overrides *overrides, const char *former)
{
	static const char *const names[] = {"state_dir", "run_dir", "log_dir"};
	static char texts[ARRAY_SIZE(names)][2 * PATH_MAX];
	size_t n = 0;

	while (n < ARRAY_SIZE(overrides->section_option) && overrides->section_option[n][0]) {
		n++;
	}
	for (size_t i = 0;
	     i < ARRAY_SIZE(names) && *former == '/' && n < ARRAY_SIZE(overrides->section_option);
	     i++, n++) {
		size_t len = strcspn(former, "\n");

		overrides->section_option[n][0] = names[i];
		overrides->section_option[n][1] = quote(former, len, texts[i], sizeof(texts[i]));
		former += len + (former[len] == '\n');
	}
}

int main(int argc, char **argv)
{
	struct upgraded upgraded;
	struct config *config;
	struct options options;
	int status;

	if (os_adopt_descriptors() < 0) {
		return 2;
	}
	successor_upgraded(&upgraded);
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
	if (options.takeover_test) {
		return test_takeover(&options, argv[0]);
	}
	os_defer_signals();
	notify_extend(START_PATIENCE);
	keep_directories(&options.overrides, upgraded.directories);
	status = load(&options, argv[0], &config);
	if (status) {
		/* It has not asked yet whether it is a daemon: that is still told. */
		successor_fall_back(&upgraded, argv, false, "its configuration cannot be used");
		return status;
	}
	return run(&options, config, &upgraded, argv);
}
