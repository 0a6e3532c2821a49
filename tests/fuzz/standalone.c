/*
 * fuzz_NAME CORPUS: gives every file of the corpus, and FUZZ_MUTATIONS (200) mutations of each, to
 * the fuzzer's entry. Deterministic, so that it is a test in every build, with every sanitizer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	INPUT_MAX = 1 << 20,
	MUTATIONS = 200,
};

static int mutations = MUTATIONS; /* of each file */

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u; /* Numerical Recipes' generator */
	return *state >> 8;
}

static void mutate(uint8_t *data, size_t *size, uint32_t *state)
{
	for (uint32_t n = next_random(state) % 4 + 1; n && *size; n--) {
		size_t at = next_random(state) % *size;

		switch (next_random(state) % 4) {
		case 0:
			data[at] = (uint8_t)next_random(state);
			break;
		case 1:
			data[at] ^= (uint8_t)(1u << next_random(state) % 8);
			break;
		case 2:
			*size = at;
			break;
		default:
			memmove(data + at, data + at / 2, *size - at);
		}
	}
}

/* An allocation of the exact size each time: a sanitizer sees every byte read past the end. */
static void give(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (copy) {
		memcpy(copy, data, size);
		(void)LLVMFuzzerTestOneInput(copy, size);
	}
	free(copy);
}

static void run_file(const char *path)
{
	static uint8_t original[INPUT_MAX], input[INPUT_MAX];
	FILE *f = fopen(path, "rb");
	uint32_t state = 1;
	size_t size;

	if (!f) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	size = fread(original, 1, sizeof(original), f);
	(void)fclose(f);
	give(original, size);
	for (int i = 0; i < mutations; i++) {
		size_t n = size;

		memcpy(input, original, size);
		mutate(input, &n, &state);
		give(input, n);
	}
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	const char *wanted = getenv("FUZZ_MUTATIONS");
	struct dirent *entry;
	int files = 0;

	if (wanted) {
		mutations = atoi(wanted);
	}
	if (!dir) {
		fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 2;
	}
	while ((entry = readdir(dir))) {
		char path[4096];

		if (entry->d_name[0] == '.') {
			continue;
		}
		(void)snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		run_file(path);
		files++;
	}
	(void)closedir(dir);
	printf("%d files, %d mutations of each\n", files, mutations);
	return files ? EXIT_SUCCESS : EXIT_FAILURE;
}
