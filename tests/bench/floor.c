/*
 * The least a supervisor could do, as a floor for the benchmarks:
 *
 * floor restart N COMMAND...   runs COMMAND N times over, starts each again when it ends
 * floor spawn N COMMAND...     starts N, prints the seconds until all run, ends them, prints again
 * floor copy FILE MAXBYTES     copies stdin to FILE, renames it to FILE.1 at MAXBYTES
 * floor stamp FIFO             (a worker) writes "pid seconds" of its start to FIFO, then waits
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	COUNT_MAX = 4096,
	BUFFER = 64 * 1024,
};

static volatile sig_atomic_t ending;

static void on_term(int signo)
{
	(void)signo;
	ending = 1;
}

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static pid_t start(char **argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)setpgid(0, 0);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	return pid;
}

static void end_all(const pid_t *pids, int n)
{
	for (int i = 0; i < n; i++) {
		(void)kill(pids[i], SIGTERM);
	}
	while (wait(NULL) > 0) {
	}
}

static void restart(int n, char **argv)
{
	static pid_t pids[COUNT_MAX];
	struct sigaction sa = {.sa_handler = on_term};

	(void)sigaction(SIGTERM, &sa, NULL);
	for (int i = 0; i < n; i++) {
		pids[i] = start(argv);
	}
	while (!ending) {
		pid_t pid = wait(NULL);

		for (int i = 0; !ending && i < n; i++) {
			if (pids[i] == pid) {
				pids[i] = start(argv);
			}
		}
	}
	end_all(pids, n);
}

/* Started means that it became the command: each child's copy of the pipe closes at its exec. */
static void spawn(int n, char **argv)
{
	static pid_t pids[COUNT_MAX];
	double began = now();
	int ends[2];
	char c;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		perror("pipe");
		exit(1);
	}
	for (int i = 0; i < n; i++) {
		pids[i] = start(argv);
	}
	(void)close(ends[1]);
	while (read(ends[0], &c, 1) > 0) {
	}
	printf("%.6f\n", now() - began);
	(void)fflush(stdout);
	began = now();
	end_all(pids, n);
	printf("%.6f\n", now() - began);
}

static int open_log(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static void copy(const char *path, long long maxbytes)
{
	static char buffer[BUFFER];
	char old[4096];
	int fd = open_log(path);
	long long size = 0;
	ssize_t n;

	(void)snprintf(old, sizeof(old), "%s.1", path);
	while ((n = read(STDIN_FILENO, buffer, sizeof(buffer))) > 0) {
		if (write(fd, buffer, (size_t)n) != n) {
			perror(path);
			exit(1);
		}
		size += n;
		if (size >= maxbytes) {
			(void)close(fd);
			(void)rename(path, old);
			fd = open_log(path);
			size = 0;
		}
	}
}

static void stamp(const char *fifo)
{
	char line[64];
	double at = now();
	int fd = open(fifo, O_WRONLY | O_CLOEXEC);
	int n = snprintf(line, sizeof(line), "%d %.6f\n", (int)getpid(), at);

	if (fd < 0 || write(fd, line, (size_t)n) != n) {
		perror(fifo);
		exit(1);
	}
	for (;;) {
		(void)pause();
	}
}

int main(int argc, char **argv)
{
	if (argc >= 4 && strcmp(argv[1], "restart") == 0 && atoi(argv[2]) <= COUNT_MAX) {
		restart(atoi(argv[2]), argv + 3);
	} else if (argc >= 4 && strcmp(argv[1], "spawn") == 0 && atoi(argv[2]) <= COUNT_MAX) {
		spawn(atoi(argv[2]), argv + 3);
	} else if (argc == 4 && strcmp(argv[1], "copy") == 0) {
		copy(argv[2], atoll(argv[3]));
	} else if (argc == 3 && strcmp(argv[1], "stamp") == 0) {
		stamp(argv[2]);
	} else {
		fprintf(stderr, "usage: floor restart|spawn N COMMAND... | copy FILE MAXBYTES | "
				"stamp FIFO\n");
		return 2;
	}
	return 0;
}
