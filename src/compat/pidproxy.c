/*
 * pidproxy PIDFILE COMMAND [ARGUMENT...]: runs a command that starts a daemon of its own, and
 * passes signals to the process whose id that daemon wrote into its pid file.
 *
 * It does what Supervisor's program of that name does, so that a file which names it runs as it is:
 * after TERM, INT or QUIT it ends at once, with 0, and it ends with 0 when the command has ended,
 * whatever that one's status, but not within the first five seconds: a command that goes into the
 * background counts as started.
 */
#include <slotd/cleanup.h>
#include <slotd/usec.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALIVE_FOR SECONDS(5)

static const int forwarded[] = {SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGQUIT};

static bool is_end(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

static int usage(void)
{
	(void)printf("pidproxy -- run a command and pass signals to the process of its pid file\n\n"
		     "Usage: pidproxy PIDFILE COMMAND [ARGUMENT...]\n");
	(void)fflush(stdout);
	return EXIT_FAILURE;
}

/* A number below 2 would be a group, everybody, or init; our own would come back for ever. */
static pid_t read_pid(const char *path)
{
	auto_fclose FILE *f = fopen(path, "re");
	char text[64] = "", *end;
	long pid;

	if (!f || !fgets(text, sizeof(text), f)) {
		return 0;
	}
	errno = 0;
	pid = strtol(text, &end, 10);
	end += strspn(end, " \t\r\n");
	if (errno || end == text || *end || pid < 2 || pid > INT_MAX || pid == getpid()) {
		return 0;
	}
	return (pid_t)pid;
}

/* Should pidproxy end? */
static bool forward(const char *pidfile, int signal)
{
	pid_t pid = read_pid(pidfile);

	if (!pid) {
		(void)printf("Can't read child pidfile %s!\n", pidfile);
		(void)fflush(stdout);
		return false;
	}
	if (kill(pid, signal) < 0) {
		(void)printf("Can't signal process %d of %s: %s\n", (int)pid, pidfile,
			     strerror(errno));
		(void)fflush(stdout);
	}
	return is_end(signal);
}

/* The command's path is taken from the current directory; a plain name that is not there, from
 * PATH. */
static void run(char **argv, const sigset_t *mask)
{
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	if (!strchr(argv[0], '/') && access(argv[0], X_OK) < 0) {
		(void)execvp(argv[0], argv);
	} else {
		(void)execv(argv[0], argv);
	}
	(void)fprintf(stderr, "pidproxy: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void reap(pid_t child, bool *ended)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		*ended |= pid == child;
	}
}

/* The next signal; 0: the command has ended, and it is time to end, too. */
static int next_signal(const sigset_t *signals, bool ended, usec_t began)
{
	usec_t left = usec_sub(usec_add(began, ALIVE_FOR), usec_monotonic());
	struct timespec span = {.tv_sec = (time_t)(left / SECONDS(1)),
				.tv_nsec = (long)(left % SECONDS(1)) * 1000};
	int signal;

	do {
		signal = ended ? sigtimedwait(signals, NULL, &span) : sigwaitinfo(signals, NULL);
	} while (signal < 0 && errno == EINTR);
	return signal < 0 ? 0 : signal;
}

static void watch(const char *pidfile, pid_t child, const sigset_t *signals, usec_t began)
{
	bool ended = false, done = false;

	while (!done) {
		int signal = next_signal(signals, ended, began);

		if (signal == SIGCHLD) {
			reap(child, &ended);
		} else {
			done = signal == 0 || forward(pidfile, signal);
		}
	}
}

int main(int argc, char **argv)
{
	sigset_t signals, old;
	usec_t began = usec_monotonic();
	pid_t child;

	if (argc < 3) {
		return usage();
	}
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++) {
		(void)sigaddset(&signals, forwarded[i]);
	}
	/* an ignored SIGCHLD would leave nobody to wait for */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigprocmask(SIG_BLOCK, &signals, &old);
	child = fork();
	if (child == 0) {
		run(argv + 2, &old);
	}
	if (child < 0) {
		(void)fprintf(stderr, "pidproxy: no process for %s: %s\n", argv[2],
			      strerror(errno));
		return EXIT_FAILURE;
	}
	watch(argv[1], child, &signals, began);
	return EXIT_SUCCESS;
}
