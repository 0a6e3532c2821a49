/*
 * The least a supervisor could do, as a floor for the benchmarks:
 *
 * floor restart N COMMAND...   runs COMMAND N times over, starts each again when it ends
 * floor spawn N COMMAND...     starts N, prints the seconds until all run, ends them, prints again
 * floor keep N LOG COMMAND...  the same with what a supervisor must do besides: two pipes for each,
 *                              two lines in LOG for each start and each end
 * floor copy FILE MAXBYTES     copies stdin to FILE, renames it to FILE.1 at MAXBYTES
 * floor stamp FIFO             (a worker) writes "pid seconds" of its start to FIFO, then waits
 */
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

/* outputs: descriptors for 1 and 2; NULL: as ours. */
static pid_t start(char **argv, const int *outputs)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)setpgid(0, 0);
		if (outputs && (dup2(outputs[0], 1) < 0 || dup2(outputs[1], 2) < 0)) {
			_exit(126);
		}
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
		pids[i] = start(argv, NULL);
	}
	while (!ending) {
		pid_t pid = wait(NULL);

		for (int i = 0; !ending && i < n; i++) {
			if (pids[i] == pid) {
				pids[i] = start(argv, NULL);
			}
		}
	}
	end_all(pids, n);
}

static void print_since(double began)
{
	printf("%.6f\n", now() - began);
	(void)fflush(stdout);
}

static void make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0) {
		perror("pipe");
		exit(1);
	}
}

/* Started means that it became the command: each child's copy of the pipe closes at its exec. */
static void wait_for_exec(const int ends[2])
{
	char c;

	(void)close(ends[1]);
	while (read(ends[0], &c, 1) > 0) {
	}
}

static void spawn(int n, char **argv)
{
	static pid_t pids[COUNT_MAX];
	double began = now();
	int ends[2];

	make_pipe(ends);
	for (int i = 0; i < n; i++) {
		pids[i] = start(argv, NULL);
	}
	wait_for_exec(ends);
	print_since(began);
	began = now();
	end_all(pids, n);
	print_since(began);
}

/* ---- with pipes and a log */

static int open_log(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

struct kept {
	pid_t pid;
	int outputs[2];
};

static void note(int log, const char *what, pid_t pid)
{
	char line[100];
	int n = snprintf(line, sizeof(line), "%.3f INFO %s: pid %d\n", now(), what, (int)pid);

	if (write(log, line, (size_t)n) != n) {
		perror("log");
		exit(1);
	}
}

static void start_kept(struct kept *k, char **argv, int log)
{
	int theirs[2];

	for (int i = 0; i < 2; i++) {
		int ends[2];

		make_pipe(ends);
		k->outputs[i] = ends[0];
		theirs[i] = ends[1];
	}
	k->pid = start(argv, theirs);
	(void)close(theirs[0]);
	(void)close(theirs[1]);
	note(log, "spawned", k->pid);
}

static void end_all_kept(const struct kept *all, int n, int log)
{
	pid_t pid;
	char c;

	for (int i = 0; i < n; i++) {
		note(log, "waiting", all[i].pid);
		(void)kill(all[i].pid, SIGTERM);
	}
	while ((pid = wait(NULL)) > 0) {
		note(log, "stopped", pid);
	}
	for (int i = 0; i < 2 * n; i++) {
		int fd = all[i / 2].outputs[i % 2];

		while (read(fd, &c, 1) > 0) {
		}
		(void)close(fd);
	}
}

static void keep(int n, const char *path, char **argv)
{
	static struct kept all[COUNT_MAX];
	int log = open_log(path), ends[2];
	double began = now();

	make_pipe(ends);
	for (int i = 0; i < n; i++) {
		start_kept(&all[i], argv, log);
	}
	wait_for_exec(ends);
	for (int i = 0; i < n; i++) {
		note(log, "running", all[i].pid);
	}
	print_since(began);
	began = now();
	end_all_kept(all, n, log);
	print_since(began);
}

/* ---- others */

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
	} else if (argc >= 5 && strcmp(argv[1], "keep") == 0 && atoi(argv[2]) <= COUNT_MAX) {
		keep(atoi(argv[2]), argv[3], argv + 4);
	} else if (argc == 4 && strcmp(argv[1], "copy") == 0) {
		copy(argv[2], atoll(argv[3]));
	} else if (argc == 3 && strcmp(argv[1], "stamp") == 0) {
		stamp(argv[2]);
	} else {
		fprintf(stderr, "usage: floor restart|spawn N COMMAND... | keep N LOG COMMAND... | "
				"copy FILE MAXBYTES | stamp FIFO\n");
		return 2;
	}
	return 0;
}
