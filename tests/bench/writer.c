/* writer BYTES: lines of 100 bytes on stdout, 16 KiB a write, as a busy program's stdio does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LINE = 100,
	BUFFER = 16 * 1024,
};

int main(int argc, char **argv)
{
	static char lines[BUFFER * LINE];
	unsigned long long left = argc == 2 ? strtoull(argv[1], NULL, 10) : 0;
	size_t at = 0;

	memset(lines, 'x', sizeof(lines));
	for (size_t i = LINE - 1; i < sizeof(lines); i += LINE) {
		lines[i] = '\n';
	}
	while (left) {
		size_t n = left < BUFFER ? (size_t)left : BUFFER;
		ssize_t written = write(STDOUT_FILENO, lines + at, n);

		if (written <= 0) {
			perror("writer");
			return 1;
		}
		left -= (unsigned long long)written;
		at = (at + (size_t)written) % (sizeof(lines) - BUFFER);
	}
	return 0;
}
