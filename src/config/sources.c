/*
 * Answers as text:
 *
 *	slotd-sources 1 COUNT
 *	KIND CODE NAME-LENGTH DATA-LENGTH	each followed by a line end, the name and the data
 */
#include "sources.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <string.h>
#include <sys/stat.h>

#include "document.h"

enum {
	LINE_MAX_ = 96, /* of a line above */
};

void sources_done(struct sources *s)
{
	struct source_answer *a;
	size_t pos = 0;

	while ((a = map_next(&s->answers, &pos, NULL))) {
		free(a);
	}
	map_done(&s->answers);
}

/* ---- asking -------------------------------------------------------------------------------- */

static int ask_text(const char *path, struct strbuf *out, struct stat *ret_st)
{
	/* not blocking: a FIFO without a writer must not hold a reload */
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, ret_st) < 0) {
		return -errno;
	}
	out->max = DOCUMENT_FILE_MAX;
	return io_read_all(fd, out);
}

static int ask_matches(const char *pattern, struct strbuf *out)
{
	glob_t found = {0};
	int r = glob(pattern, 0, NULL, &found);

	if (r != 0) {
		return r == GLOB_NOSPACE ? -ENOMEM : -ENOENT;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		(void)strbuf_add(out, found.gl_pathv[i], strlen(found.gl_pathv[i]) + 1);
	}
	globfree(&found);
	return out->error;
}

static int ask_directory(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		return -errno;
	}
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int ask(enum source_kind kind, const char *name, struct strbuf *out, struct stat *ret_st)
{
	switch (kind) {
	case SOURCE_TEXT:
		return ask_text(name, out, ret_st);
	case SOURCE_MATCHES:
		return ask_matches(name, out);
	case SOURCE_DIRECTORY:
		return ask_directory(name);
	}
	return -EINVAL;
}

static struct source_answer *keep(struct sources *s, const char *question, int code,
				  const char *data, size_t len)
{
	struct source_answer *a = malloc(sizeof(*a) + len + 1);

	if (!a) {
		return NULL;
	}
	*a = (struct source_answer){.code = code, .len = len};
	if (len) {
		memcpy(a->data, data, len);
	}
	a->data[len] = '\0';
	if (map_set(&s->answers, question, a) < 0) {
		free(a);
		return NULL;
	}
	return a;
}

const struct source_answer *sources_ask(struct sources *s, enum source_kind kind, const char *name)
{
	static const struct source_answer unknown = {.code = -EIO};
	CLEANUP(strbuf_done) struct strbuf question = {0}, data = {0};
	struct source_answer *a;
	struct stat st = {0};
	int r;

	if (strbuf_addf(&question, "%c%s", kind, name) < 0) {
		return NULL;
	}
	a = map_get(&s->answers, question.data);
	if (a || s->closed) {
		return a ? a : &unknown;
	}
	r = ask(kind, name, &data, &st);
	if (r < 0) {
		strbuf_reset(&data);
	}
	a = r == -ENOMEM ? NULL : keep(s, question.data, r, data.data, data.len);
	if (a) {
		a->st = st;
	}
	return a;
}

/* ---- from the child to slotd ---------------------------------------------------------------- */

int sources_write(const struct sources *s, struct strbuf *out)
{
	const struct source_answer *a;
	const char *question;
	size_t pos = 0;

	(void)strbuf_addf(out, "slotd-sources 1 %zu\n", s->answers.live);
	while ((a = map_next(&s->answers, &pos, &question))) {
		(void)strbuf_addf(out, "%c %d %zu %zu\n%s", question[0], a->code,
				  strlen(question + 1), a->len, question + 1);
		(void)strbuf_add(out, a->data, a->len);
	}
	return out->error;
}

struct reading {
	const char *at;
	size_t left;
};

static int read_line(struct reading *rd, char line[static LINE_MAX_])
{
	const char *end = memchr(rd->at, '\n', rd->left < LINE_MAX_ ? rd->left : LINE_MAX_);
	size_t len = end ? (size_t)(end - rd->at) : 0;

	if (!end) {
		return -EBADMSG;
	}
	memcpy(line, rd->at, len);
	line[len] = '\0';
	rd->at += len + 1;
	rd->left -= len + 1;
	return 0;
}

static int read_answer(struct sources *s, struct reading *rd)
{
	CLEANUP(strbuf_done) struct strbuf question = {0};
	size_t name_len, data_len;
	char line[LINE_MAX_], kind;
	int code, n = 0;

	if (read_line(rd, line) < 0 ||
	    sscanf(line, "%c %d %zu %zu%n", &kind, &code, &name_len, &data_len, &n) != 4 ||
	    line[n] || code > 0 || name_len > rd->left || data_len > rd->left - name_len) {
		return -EBADMSG;
	}
	(void)strbuf_addc(&question, kind);
	if (strbuf_add(&question, rd->at, name_len) < 0) {
		return -ENOMEM;
	}
	if (map_get(&s->answers, question.data)) {
		return -EBADMSG;
	}
	if (!keep(s, question.data, code, rd->at + name_len, data_len)) {
		return -ENOMEM;
	}
	rd->at += name_len + data_len;
	rd->left -= name_len + data_len;
	return 0;
}

int sources_read(struct sources *s, const char *text, size_t len, size_t *ret_used)
{
	struct reading rd = {text, len};
	char line[LINE_MAX_];
	size_t count;
	int n = 0, r = 0;

	s->closed = true;
	if (read_line(&rd, line) < 0 || sscanf(line, "slotd-sources 1 %zu%n", &count, &n) != 1 ||
	    line[n]) {
		return -EBADMSG;
	}
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = read_answer(s, &rd);
	}
	*ret_used = len - rd.left;
	return r;
}
