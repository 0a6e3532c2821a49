#include "deploy/job_history.h"
#include "deploy/job_steps.h"
#include "deploy/jobs.h"
#include "deploy/records.h"
#include "deploy/records_read.h"
#include "link/inheritance.h"

#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <slotd/json_read.h>
#include <slotd/log.h>
#include <slotd/ownname.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum {
	LAST_BYTES = 64 * 1024, /* of the history: some 250 jobs */
};

static const char *text_of(const json_t *entry, const char *name)
{
	const char *text = json_string_value(json_object_get(entry, name));

	return text ? text : "";
}

static enum swap_kind kind_of(const json_t *entry)
{
	for (int kind = 0; kind < SWAP_KIND_MAX_; kind++) {
		if (strcmp(swap_kind_name((enum swap_kind)kind), text_of(entry, "kind")) == 0) {
			return (enum swap_kind)kind;
		}
	}
	return SWAP_KIND_SWAP;
}

static struct job *former(struct supervisor *sup, const char *service, const json_t *entry)
{
	json_int_t number = json_integer_value(json_object_get(entry, "job"));
	struct job *j = number > 0 && number < INT32_MAX ? job_former(sup) : NULL;

	if (j) {
		records_reserve_job(sup, (uint32_t)number); /* the state file may be older */
		j->number = (uint32_t)number;
		j->kind = kind_of(entry);
		(void)snprintf(j->name, sizeof(j->name), "%s", service);
		(void)snprintf(j->who, sizeof(j->who), "%s", text_of(entry, "who"));
		(void)snprintf(j->release, sizeof(j->release), "%s", text_of(entry, "release"));
	}
	return j;
}

/* 0: the line does not say it. */
static usec_t ended(const json_t *entry)
{
	const double seconds = (double)json_integer_value(json_object_get(entry, "began")) +
			       json_number_value(json_object_get(entry, "took"));

	return seconds > 0 && seconds < (double)(INT64_MAX / SECONDS(1))
		       ? (usec_t)(seconds * (double)SECONDS(1))
		       : 0;
}

static void load_line(struct supervisor *sup, const char *line, size_t len)
{
	json_t *entry;
	int r = json_read(line, len, 0, NULL, &entry); /* the first may be cut: then it is none */
	struct job *j = r == 0 ? former(sup, text_of(entry, "service"), entry) : NULL;

	if (j) {
		j->code = (int)json_integer_value(json_object_get(entry, "code"));
		j->ended_wall = ended(entry);
		(void)snprintf(j->text, sizeof(j->text), "%s", text_of(entry, "text"));
	}
	json_decref(entry);
}

static void load_lines(struct supervisor *sup, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		load_line(sup, text, len);
		text += len + (text[len] == '\n');
	}
}

static int load_file(struct supervisor *sup, const char *path, struct diag *diag)
{
	auto_close int fd = -EBADF;
	auto_free char *text = NULL;
	ssize_t n;
	int r = own_file_open(path, O_RDONLY, 0, diag, &fd);

	if (r < 0) {
		return r;
	}
	text = malloc(LAST_BYTES + 1);
	n = text ? io_read_tail(fd, text, LAST_BYTES) : -ENOMEM;
	if (n < 0) {
		return diag_set_errno(diag, (int)n, "cannot read %s", path);
	}
	text[n] = '\0';
	load_lines(sup, text);
	return 0;
}

/* With the machine, or with slotd-keep, everything has ended but what was recorded. */
static void cut_short(struct supervisor *sup, struct job *j, const json_t *entry)
{
	auto_free char *line = NULL;
	struct record record = {0};
	enum slot_id to = slot_from_name(text_of(entry, "to"));

	if (to < 0 || records_find(sup, j->name, &record, NULL) < 0) {
		return; /* an older slotd has written it, or nothing was recorded before */
	}
	j->began = usec_monotonic(); /* how long it took nobody knows */
	j->to = to;
	j->from = slot_other(to);
	j->began_wall = (usec_t)json_integer_value(json_object_get(entry, "began")) * 1000000;
	j->code = record.live == to ? SWAP_EXIT_DONE : SWAP_EXIT_FAILED;
	(void)snprintf(j->text, sizeof(j->text),
		       "%sslotd, or the machine, went down in the middle of it: %s is live.",
		       record.live == to ? "" : "NOTHING SWAPPED: ", slot_name(record.live));
	line = job_history_line(j);
	if (line) {
		records_leave_line(sup, line);
	}
}

/* It went on when the state file was last written, and has no end in the history. */
static void load_running(struct supervisor *sup, const char *service, const json_t *entry)
{
	char path[PATH_MAX];
	struct job *j;

	if (job_log_find(sup, service, (uint64_t)json_integer_value(json_object_get(entry, "job")),
			 path, sizeof(path))) {
		return;
	}
	j = former(sup, service, entry);
	if (j) {
		j->code = SWAP_EXIT_UNKNOWN;
		(void)snprintf(j->text, sizeof(j->text),
			       "slotd was restarted meanwhile; look at the status");
	}
	if (j && !inheritance_there(sup)) {
		cut_short(sup, j, entry);
	}
}

int job_history_load(struct supervisor *sup, struct diag *diag)
{
	char path[PATH_MAX];

	records_history_path(sup, path, sizeof(path));
	if ((access(path, F_OK) == 0 || errno != ENOENT) && load_file(sup, path, diag) < 0) {
		log_line(LOG_WARNING, "what became of former jobs is not known: %s", diag->text);
	}
	records_running_jobs(sup, load_running);
	return 0;
}
