#include "show/notice_store.h"

#include <slotd/cleanup.h>
#include <slotd/json_read.h>
#include <slotd/log.h>
#include <slotd/usec.h>
#include <slotd/vec.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BYTES_MAX = 4 * 1024 * 1024, /* that are read back */
};

static const char *member(const json_t *body, const char *name)
{
	const char *text = json_string_value(json_object_get(body, name));

	return text ? text : "";
}

int notice_fill(struct notice *n, const json_t *body)
{
	n->json = json_dumps(body, JSON_COMPACT | JSON_ENSURE_ASCII);
	n->text = strdup(member(body, "text"));
	n->worker = strdup(member(body, "worker"));
	if (n->json && n->text && n->worker) {
		return 0;
	}
	notice_done(n);
	return -ENOMEM;
}

void notice_done(struct notice *n)
{
	free(n->json);
	free(n->text);
	free(n->worker);
	n->json = n->text = n->worker = NULL;
}

uint64_t notice_next_id(uint64_t last)
{
	const uint64_t now = usec_wall();

	return now > last ? now : last + 1;
}

const char *notice_id_text(uint64_t id)
{
	static char text[32];

	(void)snprintf(text, sizeof(text), "%" PRIu64, id);
	return text;
}

static void append(int fd, const char *line)
{
	const size_t len = strlen(line);
	struct stat st;

	if (fd < 0) {
		return;
	}
	if (fstat(fd, &st) < 0 || pwrite(fd, line, len, st.st_size) != (ssize_t)len) {
		log_line(LOG_WARNING, "a notice may be lost, or told twice, if slotd is killed: %s",
			 strerror(errno));
	}
}

void notice_store_add(int fd, const struct notice *n)
{
	auto_free char *line = NULL;

	if (asprintf(&line, "+%" PRIu64 " %s\n", n->id, n->json) < 0) {
		line = NULL;
		log_line(LOG_WARNING, "a notice may be lost if slotd is killed: out of memory");
		return;
	}
	append(fd, line);
}

void notice_store_delivered(int fd, uint64_t id)
{
	char line[40];

	(void)snprintf(line, sizeof(line), "-%" PRIu64 "\n", id);
	append(fd, line);
}

void notice_store_clear(int fd)
{
	if (fd >= 0 && ftruncate(fd, 0) < 0) {
		log_line(LOG_WARNING, "notices may be told twice if slotd is killed: %s",
			 strerror(errno));
	}
}

uint64_t notice_store_size(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

static bool is_delivered(const char *after, uint64_t id)
{
	char line[40];

	(void)snprintf(line, sizeof(line), "\n-%" PRIu64 "\n", id);
	return strstr(after, line) != NULL;
}

static bool read_line(char *line, struct notice *n)
{
	char *json = NULL;
	json_t *body;
	bool good;

	n->id = strtoull(line + 1, &json, 10);
	if (json_read(json, strlen(json), 0, NULL, &body) == -ENOMEM) {
		log_line(LOG_ERR, "a notice is lost: %s: %s", strerror(ENOMEM), json);
	}
	n->event = notice_find(member(body, "event"));
	good = body && (int)n->event >= 0 && notice_fill(n, body) == 0;
	json_decref(body);
	return good;
}

void notice_store_each(int fd, void (*fn)(void *data, struct notice *n), void *data)
{
	auto_free char *text = fd < 0 ? NULL : malloc(BYTES_MAX + 1);
	ssize_t got = text ? pread(fd, text, BYTES_MAX, 0) : -1;

	if (got < 0) {
		if (fd >= 0) {
			log_line(LOG_ERR, "notices are lost: %s", strerror(text ? errno : ENOMEM));
		}
		return;
	}
	text[got] = '\0';
	for (char *at = text, *end; (end = strchr(at, '\n')); at = end + 1) {
		struct notice n = {0};

		if (*at != '+' || is_delivered(end, strtoull(at + 1, NULL, 10))) {
			continue;
		}
		*end = '\0';
		if (read_line(at, &n)) {
			fn(data, &n);
		}
		notice_done(&n);
		*end = '\n';
	}
}
