/*
 * writer BYTES SIZE TOOK: lines of 100 bytes on stdout, SIZE bytes a write (100: a line a write;
 * 4096: as stdio does into a pipe); then writes the seconds it took to the file TOOK.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/resource.h>

enum {
	LINE = 100,
	SIZE_MAX_ = 64 * 1024,
};

static double now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int write_all(unsigned long long left, size_t size)
{
	static char lines[SIZE_MAX_ * LINE];
	size_t at = 0;

	memset(lines, 'x', sizeof(lines));
	for (size_t i = LINE - 1; i < sizeof(lines); i += LINE) {
		lines[i] = '\n';
	}
	while (left) {
		size_t n = left < size ? (size_t)left : size;
		ssize_t written = write(STDOUT_FILENO, lines + at, n);

		if (written <= 0) {
			perror("writer");
			return -1;
		}
		left -= (unsigned long long)written;
		at = (at + (size_t)written) % (sizeof(lines) - SIZE_MAX_);
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long size = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	double began = now();
	FILE *took;

	if (size < 1 || size > SIZE_MAX_) {
		fprintf(stderr, "usage: writer BYTES SIZE TOOK\n");
		return 2;
	}
	if (write_all(strtoull(argv[1], NULL, 10), size) < 0) {
		return 1;
	}
	{
		struct rusage ru;
		char p[4096];
		double w = now() - began;
		getrusage(RUSAGE_SELF, &ru);
		snprintf(p, sizeof p, "%s.ru", argv[3]);
		FILE *f = fopen(p, "w");
		fprintf(f, "%.3f %.3f %ld %ld\n", w, ru.ru_utime.tv_sec + ru.ru_utime.tv_usec/1e6 + ru.ru_stime.tv_sec + ru.ru_stime.tv_usec/1e6, ru.ru_nvcsw, ru.ru_nivcsw);
		fclose(f);
	}
	took = fopen(argv[3], "w");
	if (!took || fprintf(took, "%.6f\n", now() - began) < 0 || fclose(took) != 0) {
		perror(argv[3]);
		return 1;
	}
	return 0;
}
