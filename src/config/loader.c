#include <slotd/cleanup.h>

#include "load.h"
#include "messages.h"

/* The directory of the file in which a value stands. */
static const char *here_of(const struct loader *l, struct config_place at)
{
	for (size_t i = 0; i < l->heres.len; i++) {
		if (l->config->files.at[i] == at.file) {
			return l->heres.at[i];
		}
	}
	return l->heres.len ? l->heres.at[0] : ""; /* a default, or the command line */
}

struct config_place loader_place(const struct section *s, const char *option)
{
	const struct option *o = section_option(s, option);

	return o ? o->place : s->place;
}

void loader_here(const struct loader *l, const struct section *s, const char *option,
		 const struct expansions *with, struct expansions *ret)
{
	*ret = (struct expansions){.parent = with};
	expansions_text(ret, "here", here_of(l, loader_place(s, option)));
}

static int tell(struct loader *l, const struct section *s, const struct option_def *def, int r,
		const struct diag *diag)
{
	if (r == -ENOMEM) {
		return r;
	}
	config_error(l->config, loader_place(s, def->name), "[%s] %s: %s", s->name, def->name,
		     diag->text);
	return -EINVAL;
}

int loader_text(struct loader *l, const struct section *s, const struct option_def *def,
		const struct expansions *with, struct strbuf *out)
{
	const struct option *o = section_option(s, def->name);
	const char *raw = o ? o->value : def->def;
	struct expansions here;
	char label[2 * DOCUMENT_NAME_MAX + 2];
	struct diag diag = {0};
	int r;

	strbuf_reset(out);
	if (!raw) {
		return 0;
	}
	loader_here(l, s, def->name, with, &here);
	if (def->type == OPT_ENVIRONMENT || def->type == OPT_SPECIAL) {
		(void)snprintf(label, sizeof(label), "%s", def->name); /* as Supervisor says it */
	} else {
		(void)snprintf(label, sizeof(label), "%s.%s", s->name, def->name);
	}
	r = expand(raw, label, &here, out, &diag);
	return r < 0 ? tell(l, s, def, r, &diag) : 1;
}

static int check_directory(struct loader *l, const char *path, struct diag *diag)
{
	const struct source_answer *a = sources_ask(&l->sources, SOURCE_DIRECTORY, path);

	if (!a) {
		return -ENOMEM;
	}
	return a->code == 0 ? 0
			    : diag_set(diag, -EINVAL,
				       "%.300s is not an existing directory; create it", path);
}

static int check_file(struct loader *l, const char *path, struct diag *diag)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(strbuf_done) struct strbuf directory = {0};
	int r;

	if (!slash || slash == path) {
		return 0;
	}
	r = strbuf_add(&directory, path, (size_t)(slash - path));
	if (r == 0) {
		r = check_directory(l, directory.data, NULL);
	}
	return r != -EINVAL ? r
			    : diag_set(diag, r,
				       "The directory named as part of the path %.300s does not "
				       "exist; create it",
				       path);
}

/* The parsers ask nobody: whether a directory is there is asked here. */
static int check_exists(struct loader *l, const struct option_def *def, const void *field,
			struct diag *diag)
{
	const struct log_config *log = field;

	switch (def->type) {
	case OPT_DIRECTORY:
		return check_directory(l, *(char *const *)field, diag);
	case OPT_FILE:
		return check_file(l, *(char *const *)field, diag);
	case OPT_LOGFILE:
		return log->kind == LOG_KIND_FILE ? check_file(l, log->path, diag) : 0;
	default:
		return 0;
	}
}

int loader_option(struct loader *l, const struct section *s, const struct option_def *def,
		  const struct expansions *with, void *object)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct diag diag = {0};
	int r = loader_text(l, s, def, with, &text);

	if (r <= 0) {
		return r;
	}
	r = option_parse(def, strbuf_str(&text), object, l->config->memory, &diag);
	if (r == 0) {
		r = check_exists(l, def, (char *)object + def->offset, &diag);
		if (r == -EINVAL && def->target == TARGET_WORKER) {
			/* the others run; of this one's output nothing can be kept */
			config_problem(l->config, loader_place(s, def->name),
				       "[%s] %s: %s; until then this output is lost", s->name,
				       def->name, diag.text);
			r = 0;
		}
	}
	if (r < 0) {
		return tell(l, s, def, r, &diag);
	}
	if (def->type == OPT_USER || def->type == OPT_OWNER) {
		/* whether there is such a user turns out later */
		((struct owner *)((char *)object + def->offset))->place =
			loader_place(s, def->name);
	}
	return 1;
}

int loader_options(struct loader *l, const struct section *s, const struct option_def *defs,
		   enum option_target target, const struct expansions *with, void *object)
{
	for (const struct option_def *def = defs; def->name; def++) {
		if (def->target == target && def->type != OPT_SPECIAL &&
		    loader_option(l, s, def, with, object) == -ENOMEM) {
			return -ENOMEM;
		}
	}
	return 0;
}

int loader_list(struct loader *l, const struct section *s, const struct option_def *def,
		const struct expansions *with, char ***ret)
{
	struct option_def list = *def;
	char **texts = NULL;
	int r;

	list.type = OPT_LIST;
	list.offset = 0;
	r = loader_option(l, s, &list, with, &texts);
	if (r > 0) {
		*ret = texts;
	}
	return r;
}
