/*
 * Any text as state.json, and after a zero byte as the history: slotd refuses to go by a damaged
 * record and says so, or what it reads makes sense.
 */
#include <slotd/cleanup.h>
#include <slotd/config.h>
#include <slotd/log.h>
#include <supervisor/deploy/job_history.h>
#include <supervisor/deploy/jobs.h>
#include <supervisor/deploy/records.h>
#include <supervisor/deploy/records_read.h>
#include <supervisor/link/activity.h>
#include <supervisor/link/kept.h>
#include <supervisor/supervisor.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/tmp/slotd-fuzz-XXXXXX";
static unsigned lines;
static struct config config = {.supervisord.state_dir = dir, .supervisord.log_dir = dir};
static struct supervisor sup = {.config = &config};

static void insist(bool holds)
{
	if (!holds) {
		__builtin_trap();
	}
}

static void count_line(void *data, int priority, const char *text, const struct log_field *fields,
		       unsigned n_fields)
{
	(void)data, (void)priority, (void)fields, (void)n_fields;
	insist(*text != '\0');
	lines++;
}

static void remove_directory(void)
{
	char path[64];

	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, i ? "history" : "state.json");
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

static void put(const char *name, const uint8_t *data, size_t size)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	insist(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)close(fd);
}

static void ask(const char *service)
{
	struct record record = {0};
	struct diag diag = {0};
	int r = records_find(&sup, service, &record, &diag);

	insist(r == 0 || r == -ENOENT || (r == -EUCLEAN && diag.text[0] && lines));
	insist(r < 0 || (record.live < SLOT_MAX_ && record.proven[record.live]));
	(void)job_find(&sup, service, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *zero = memchr(data, 0, size);
	size_t len = zero ? (size_t)(zero - data) : size;
	struct diag diag = {0};

	if (strcmp(dir + sizeof(dir) - 7, "XXXXXX") == 0) {
		insist(mkdtemp(dir) != NULL);
		(void)atexit(remove_directory);
		log_set_sink(count_line, NULL);
		insist(loop_new(&sup.loop) == 0 && keep_init(&sup) == 0 &&
		       activity_init(&sup) == 0);
	}
	lines = 0;
	put("state.json", data, len);
	put("history", zero ? zero + 1 : data, zero ? size - len - 1 : 0);
	insist(records_init(&sup, &diag) == 0);
	insist(job_history_load(&sup, &diag) == 0);
	ask("web");
	ask("");
	insist(records_next_job(&sup) > 0);
	jobs_done(&sup);
	records_done(&sup);
	return 0;
}
