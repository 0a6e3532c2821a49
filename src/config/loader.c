/* The text that is read, and its options. */
#include "loader.h"

#include "file.h"
#include "messages.h"

#include <slotd/cleanup.h>
#include <slotd/digest.h>

#include <string.h>
#include <sys/utsname.h>

extern char **environ;

static int load_environ(struct loader *l)
{
	for (char **e = environ; e && *e; e++) {
		const char *value = strchr(*e, '=');
		CLEANUP(strbuf_done) struct strbuf name = {0};
		char *copy;
		int r;

		if (!value) {
			continue;
		}
		(void)strbuf_adds(&name, "ENV_");
		(void)strbuf_add(&name, *e, (size_t)(value - *e));
		copy = arena_text(l->config->memory, value + 1);
		r = copy && !name.error ? map_set(&l->environ, strbuf_str(&name), copy) : -ENOMEM;
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

int loader_init(struct loader *l)
{
	struct utsname uts;
	int r;

	*l = (struct loader){.config = calloc(1, sizeof(*l->config))};
	if (!l->config) {
		return -ENOMEM;
	}
	l->config->digest = DIGEST_EMPTY;
	l->config->memory = arena_new();
	r = document_init(&l->document);
	if (r < 0 || !l->config->memory) {
		return -ENOMEM;
	}
	l->config->supervisord.user = l->config->supervisord.helper_user =
		(struct owner){.uid = (uid_t)-1, .gid = (gid_t)-1};
	(void)snprintf(l->host, sizeof(l->host), "%s", uname(&uts) == 0 ? uts.nodename : "");
	expansions_text(&l->base, "host_node_name", l->host);
	l->base.env = &l->environ;
	return load_environ(l);
}

void loader_done(struct loader *l)
{
	document_done(&l->document);
	sources_done(&l->sources);
	map_done(&l->environ);
	keyvalues_done(&l->environment);
	vec_done(&l->heres);
	l->config = config_free(l->config);
}

int loader_add_file(struct loader *l, const char *name, const struct stat *st)
{
	char *file = arena_text(l->config->memory, name);
	char *here = file ? file_directory(l->config->memory, name) : NULL;

	if (!here || vec_push(&l->config->file_stats, *st) < 0 ||
	    vec_push(&l->config->files, file) < 0) {
		return -ENOMEM;
	}
	return vec_push(&l->heres, here);
}

static int unreadable(const char *path, int code, struct diag *diag)
{
	if (code == -E2BIG) {
		return diag_set(diag, code,
				"could not read config file %s: it is bigger than %d bytes", path,
				DOCUMENT_FILE_MAX);
	}
	return diag_set_errno(diag, code,
			      code == -ENOENT ? "could not find config file %s"
					      : "could not read config file %s",
			      path);
}

int loader_file(struct loader *l, const char *path, struct diag *diag)
{
	const struct source_answer *text = sources_ask(&l->sources, SOURCE_TEXT, path);
	int r;

	if (!text || text->code < 0) {
		return unreadable(path, text ? text->code : -ENOMEM, diag);
	}
	l->bytes += text->len;
	if (l->bytes > LOAD_BYTES_MAX) {
		return diag_set(diag, -E2BIG, "%s: all files together have more than %d bytes",
				path, LOAD_BYTES_MAX);
	}
	l->config->digest = digest_add(l->config->digest, text->data, text->len);
	r = loader_add_file(l, path, &text->st);
	if (r == 0) {
		r = ini_read(&l->document, l->config, l->config->files.at[l->config->files.len - 1],
			     text->data, text->len);
	}
	return r < 0 ? diag_set_errno(diag, r, "%s: cannot read", path) : 0;
}

/* ---- an option and its text ------------------------------------------------------------------ */

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

/* "5%:60s" as "5%%:60s". */
static int double_percents(const char *raw, struct strbuf *out)
{
	for (; *raw; raw++) {
		(void)strbuf_addc(out, *raw);
		if (*raw == '%' && raw[1] == '%') {
			(void)strbuf_addc(out, *raw++);
		} else if (*raw == '%' && raw[1] != '(') {
			(void)strbuf_addc(out, '%');
		}
	}
	return out->error;
}

int loader_text(struct loader *l, const struct section *s, const struct option_def *def,
		const struct expansions *with, struct strbuf *out)
{
	const struct option *o = section_option(s, def->name);
	const char *raw = o ? o->value : def->def;
	CLEANUP(strbuf_done) struct strbuf doubled = {0};
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
	if (def->percent && double_percents(raw, &doubled) < 0) {
		return -ENOMEM;
	}
	r = expand(def->percent ? strbuf_str(&doubled) : raw, label, &here, out, &diag);
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

/* Its mistake is told. What looks at the value later finds one, as if it had not been given. */
static int take_default(struct loader *l, const struct option_def *def, int error, void *object)
{
	struct diag ignored = {0};
	int r = 0;

	if (error != -ENOMEM && def->def && (def->percent || !strchr(def->def, '%'))) {
		r = option_parse(def, def->def, object, l->config->memory, &ignored);
	}
	return r == -ENOMEM ? r : error;
}

int loader_option(struct loader *l, const struct section *s, const struct option_def *def,
		  const struct expansions *with, void *object)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct diag diag = {0};
	int r = loader_text(l, s, def, with, &text);

	if (r < 0) {
		return take_default(l, def, r, object);
	}
	if (r == 0) {
		return 0;
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
		return take_default(l, def, tell(l, s, def, r, &diag), object);
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
