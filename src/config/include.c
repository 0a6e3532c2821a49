/* [include]: more files, named by shell patterns relative to the main file. */
#include "include.h"

#include "messages.h"
#include "options_supervisord.h"

#include <slotd/cleanup.h>

#include <ctype.h>

static int include_file(struct loader *l, const char *path, struct config_place at)
{
	struct diag diag = {0};
	int r;

	if (l->config->files.len > LOAD_FILES_MAX) {
		config_error(l->config, at, "[include] files: more than %d files", LOAD_FILES_MAX);
		return -E2BIG;
	}
	r = loader_file(l, path, &diag);
	if (r < 0 && r != -ENOMEM) {
		config_error(l->config, at, "[include] files: %s", diag.text);
		r = 0;
	}
	return r;
}

static int include_pattern(struct loader *l, const char *pattern, struct config_place at)
{
	CLEANUP(strbuf_done) struct strbuf path = {0};
	const struct source_answer *found;
	int r = 0;

	if (pattern[0] != '/') {
		(void)strbuf_addf(&path, "%s/", l->heres.at[0]);
	}
	if (strbuf_adds(&path, pattern) < 0) {
		return -ENOMEM;
	}
	found = sources_ask(&l->sources, SOURCE_MATCHES, path.data);
	if (!found) {
		return -ENOMEM;
	}
	if (found->code < 0) {
		config_warning(l->config, at, "No file matches via include \"%s\"", path.data);
	}
	for (size_t i = 0; r == 0 && i < found->len; i += strlen(&found->data[i]) + 1) {
		r = include_file(l, &found->data[i], at);
	}
	return r == -E2BIG ? 0 : r;
}

int load_includes(struct loader *l)
{
	const struct section *s = document_section(&l->document, "include");
	CLEANUP(strbuf_done) struct strbuf files = {0};
	struct config_place at;
	int r;

	if (!s) {
		return 0;
	}
	at = loader_place(s, "files");
	if (!section_option(s, "files")) {
		config_error(l->config, s->place,
			     ".ini file has [include] section, but no files setting; add files=");
		return 0;
	}
	r = loader_text(l, s, &include_options[0], &l->base, &files);
	if (r <= 0) {
		return r == -ENOMEM ? r : 0;
	}
	r = 0;
	for (char *p = files.data, *end; r == 0 && p; p = end) {
		while (isspace((unsigned char)*p)) {
			p++;
		}
		if (!*p) {
			break;
		}
		end = p + strcspn(p, " \t\r\n\f\v");
		if (*end) {
			*end++ = '\0';
		}
		r = include_pattern(l, p, at);
	}
	return r;
}
