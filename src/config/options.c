#include "options.h"

#include <ctype.h>
#include <limits.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <strings.h>

#include "values.h"

/* ---- parsers, by type ---------------------------------------------------------------------- */

typedef int parse_fn(const struct option_def *def, const char *text, void *field,
		     struct arena *memory, struct diag *diag);

static int check_range(const struct option_def *def, long long n, const char *unit,
		       struct diag *diag)
{
	if (n < def->min) {
		return diag_set(diag, -EINVAL, "%lld%s is below the lower bound (%lld%s)", n, unit,
				def->min, unit);
	}
	if (def->max && n > def->max) {
		return diag_set(diag, -EINVAL, "%lld%s is above the upper bound (%lld%s)", n, unit,
				def->max, unit);
	}
	return 0;
}

static int parse_bool(const struct option_def *def, const char *text, void *field,
		      struct arena *memory, struct diag *diag)
{
	(void)def;
	(void)memory;
	return value_bool(text, field, diag);
}

static int parse_int(const struct option_def *def, const char *text, void *field,
		     struct arena *memory, struct diag *diag)
{
	long n;
	int r = value_integer(text, &n, diag);

	(void)memory;
	if (r == 0) {
		r = check_range(def, n, "", diag);
	}
	if (r == 0 && (n < INT_MIN || n > INT_MAX)) {
		r = diag_set(diag, -EINVAL, "%ld is too big a number", n);
	}
	if (r == 0) {
		*(int *)field = (int)n;
	}
	return r;
}

static int parse_count(const struct option_def *def, const char *text, void *field,
		       struct arena *memory, struct diag *diag)
{
	long n;
	int r = value_integer(text, &n, diag);

	(void)memory;
	if (r == 0) {
		r = check_range(def, n, "", diag);
	}
	if (r == 0 && (n < 0 || n > UINT_MAX)) {
		r = diag_set(diag, -EINVAL, "%ld is out of range", n);
	}
	if (r == 0) {
		*(unsigned *)field = (unsigned)n;
	}
	return r;
}

static int parse_seconds(const struct option_def *def, const char *text, void *field,
			 struct arena *memory, struct diag *diag)
{
	char span[USEC_TEXT_MAX], bound[USEC_TEXT_MAX];
	usec_t t;
	int r = value_seconds(text, &t, diag);

	(void)memory;
	if (r < 0) {
		return r;
	}
	if (t < (usec_t)def->min) {
		return diag_set(diag, -EINVAL, "%s is too short; %s is the least",
				usec_format(t, span, sizeof(span)),
				usec_format((usec_t)def->min, bound, sizeof(bound)));
	}
	if (def->max && t > (usec_t)def->max) {
		return diag_set(diag, -EINVAL, "%s is too long; %s is the most",
				usec_format(t, span, sizeof(span)),
				usec_format((usec_t)def->max, bound, sizeof(bound)));
	}
	*(usec_t *)field = t;
	return 0;
}

static int parse_size(const struct option_def *def, const char *text, void *field,
		      struct arena *memory, struct diag *diag)
{
	(void)def;
	(void)memory;
	return value_size(text, field, diag);
}

static int parse_octal(const struct option_def *def, const char *text, void *field,
		       struct arena *memory, struct diag *diag)
{
	(void)def;
	(void)memory;
	return value_octal(text, field, diag);
}

static int parse_signal(const struct option_def *def, const char *text, void *field,
			struct arena *memory, struct diag *diag)
{
	(void)def;
	(void)memory;
	return value_signal(text, field, diag);
}

static int parse_exitcodes(const struct option_def *def, const char *text, void *field,
			   struct arena *memory, struct diag *diag)
{
	(void)def;
	(void)memory;
	return value_exitcodes(text, field, diag);
}

static int keep(char *copy, void *field)
{
	if (!copy) {
		return -ENOMEM;
	}
	*(char **)field = copy;
	return 0;
}

static int parse_text(const struct option_def *def, const char *text, void *field,
		      struct arena *memory, struct diag *diag)
{
	(void)def;
	(void)diag;
	return keep(arena_text(memory, text), field);
}

/* Only one's own home: another's needs the user database, which may block. */
static int parse_path(const struct option_def *def, const char *text, void *field,
		      struct arena *memory, struct diag *diag)
{
	const char *home = getenv("HOME");
	size_t size;
	char *path;

	if (text[0] != '~') {
		return parse_text(def, text, field, memory, diag);
	}
	if ((text[1] && text[1] != '/') || !home || !home[0]) {
		return diag_set(diag, -EINVAL,
				"%.200s: only ~/ with HOME set is known; write the path out", text);
	}
	size = strlen(home) + strlen(text);
	path = arena_alloc(memory, size);
	if (path) {
		(void)snprintf(path, size, "%s%s", home, text + 1);
	}
	return keep(path, field);
}

static int word_index(const struct option_def *def, const char *text)
{
	for (int i = 0; def->names[i]; i++) {
		if (value_is_word(text, def->names[i])) {
			return i;
		}
	}
	return -EINVAL;
}

static int parse_word(const struct option_def *def, const char *text, void *field,
		      struct arena *memory, struct diag *diag)
{
	CLEANUP(strbuf_done) struct strbuf words = {0};
	int i = word_index(def, text);
	bool yes;

	(void)memory;
	if (i < 0 && value_bool(text, &yes, NULL) == 0) {
		i = word_index(def, yes ? "true" : "false"); /* "on" where "true" is a word */
	}
	if (i >= 0) {
		*(int *)field = i;
		return 0;
	}
	for (i = 0; def->names[i]; i++) {
		(void)strbuf_addf(&words, "%s%s", i ? ", " : "", def->names[i]);
	}
	return diag_set(diag, -EINVAL, "invalid '%s' value '%.200s'; use one of: %s", def->name,
			text, strbuf_str(&words));
}

/* Pieces between separators, blanks around them removed. */
static int parse_pieces(const char *text, const char *separators, bool skip_empty, char ***field,
			struct arena *memory)
{
	VEC(char *) pieces = {0};
	char **copy = NULL;
	int r = 0;

	while (r == 0) {
		const char *end = text + strcspn(text, separators), *stop = end;
		char *piece;

		while (text < stop && isspace((unsigned char)*text)) {
			text++;
		}
		while (stop > text && isspace((unsigned char)stop[-1])) {
			stop--;
		}
		if (stop > text || !skip_empty) {
			piece = arena_text_n(memory, text, (size_t)(stop - text));
			r = piece ? vec_push(&pieces, piece) : -ENOMEM;
		}
		if (!*end) {
			break;
		}
		text = end + 1;
	}
	if (r == 0) {
		copy = arena_texts(memory, pieces.at, pieces.len);
		r = copy ? 0 : -ENOMEM;
	}
	vec_done(&pieces);
	if (r == 0) {
		*field = copy;
	}
	return r;
}

static int parse_list(const struct option_def *def, const char *text, void *field,
		      struct arena *memory, struct diag *diag)
{
	(void)def;
	(void)diag;
	return parse_pieces(text, ",\n", true, field, memory);
}

static int parse_headers(const struct option_def *def, const char *text, void *field,
			 struct arena *memory, struct diag *diag)
{
	char **lines;
	int r = parse_pieces(text, "\n", true, &lines, memory);

	(void)def;
	for (size_t i = 0; r == 0 && lines[i]; i++) {
		const char *colon = strchr(lines[i], ':');

		if (!colon || colon == lines[i] || strpbrk(lines[i], "\r")) {
			return diag_set(diag, -EINVAL,
					"\"%.200s\" is no header; write Name: value, one "
					"a line",
					lines[i]);
		}
	}
	if (r == 0) {
		*(char ***)field = lines;
	}
	return r;
}

static int parse_user(const struct option_def *def, const char *text, void *field,
		      struct arena *memory, struct diag *diag)
{
	struct owner owner = {.uid = (uid_t)-1, .gid = (gid_t)-1};

	(void)def;
	if (!text[0]) {
		return diag_set(diag, -EINVAL, "Invalid user name: it is empty; remove the line");
	}
	owner.user = arena_text(memory, text);
	if (!owner.user) {
		return -ENOMEM;
	}
	*(struct owner *)field = owner;
	return 0;
}

static int parse_owner(const struct option_def *def, const char *text, void *field,
		       struct arena *memory, struct diag *diag)
{
	struct owner owner = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	const char *colon = strchr(text, ':');

	(void)def;
	if (!text[0] || colon == text || (colon && (!colon[1] || strchr(colon + 1, ':')))) {
		return diag_set(diag, -EINVAL,
				"Invalid user:group definition %.200s; write user or user:group",
				text);
	}
	owner.user = arena_text_n(memory, text, colon ? (size_t)(colon - text) : strlen(text));
	owner.group = colon ? arena_text(memory, colon + 1) : NULL;
	if (!owner.user || (colon && !owner.group)) {
		return -ENOMEM;
	}
	*(struct owner *)field = owner;
	return 0;
}

static int parse_environment(const struct option_def *def, const char *text, void *field,
			     struct arena *memory, struct diag *diag)
{
	CLEANUP(keyvalues_done) struct keyvalues kv = {0};
	char **env;
	int r = keyvalues_parse(text, memory, &kv, diag);

	(void)def;
	if (r < 0) {
		return r;
	}
	env = keyvalues_environment(&kv, memory);
	if (!env) {
		return -ENOMEM;
	}
	*(char ***)field = env;
	return 0;
}

static int parse_logfile(const struct option_def *def, const char *text, void *field,
			 struct arena *memory, struct diag *diag)
{
	struct log_config *log = field;

	log->path = NULL;
	if (!text[0]) {
		log->kind = LOG_KIND_NONE;
		log->path = arena_text(memory, ""); /* told as it was written */
		return log->path ? 0 : -ENOMEM;
	}
	if (value_is_word(text, "none") || value_is_word(text, "off")) {
		log->kind = LOG_KIND_NONE;
	} else if (value_is_word(text, "auto")) {
		log->kind = LOG_KIND_AUTO;
	} else if (value_is_word(text, "syslog")) {
		log->kind = LOG_KIND_NONE;
		log->syslog = true;
	} else {
		log->kind = LOG_KIND_FILE;
		return parse_path(def, text, &log->path, memory, diag);
	}
	return 0;
}

static int parse_special(const struct option_def *def, const char *text, void *field,
			 struct arena *memory, struct diag *diag)
{
	(void)def;
	(void)text;
	(void)field;
	(void)memory;
	(void)diag;
	return 0;
}

/* ---- equality, by kind of field ------------------------------------------------------------ */

typedef bool equal_fn(const void *a, const void *b);

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool equal_bool(const void *a, const void *b)
{
	return *(const bool *)a == *(const bool *)b;
}

static bool equal_int(const void *a, const void *b)
{
	return *(const int *)a == *(const int *)b;
}

static bool equal_uint64(const void *a, const void *b)
{
	return *(const uint64_t *)a == *(const uint64_t *)b;
}

static bool equal_text(const void *a, const void *b)
{
	return same_text(*(char *const *)a, *(char *const *)b);
}

static bool equal_texts(const void *a, const void *b)
{
	char *const *x = *(char **const *)a, *const *y = *(char **const *)b;

	if (!x || !y) {
		return x == y;
	}
	while (*x && *y && strcmp(*x, *y) == 0) {
		x++;
		y++;
	}
	return !*x && !*y;
}

static bool equal_exitcodes(const void *a, const void *b)
{
	return memcmp(a, b, WORKER_EXITCODES_WORDS * sizeof(uint32_t)) == 0;
}

static bool equal_owner(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return same_text(x->user, y->user) && same_text(x->group, y->group) && x->uid == y->uid &&
	       x->gid == y->gid;
}

static bool equal_logfile(const void *a, const void *b)
{
	const struct log_config *x = a, *y = b;

	return x->kind == y->kind && same_text(x->path, y->path) && x->syslog == y->syslog;
}

static bool equal_always(const void *a, const void *b)
{
	(void)a;
	(void)b;
	return true;
}

static const struct type_info {
	const char *name;
	parse_fn *parse;
	equal_fn *equal;
} types[OPT_TYPE_MAX_] = {
	[OPT_BOOL] = {"true or false", parse_bool, equal_bool},
	[OPT_INT] = {"number", parse_int, equal_int},
	[OPT_COUNT] = {"number", parse_count, equal_int},
	[OPT_SECONDS] = {"duration", parse_seconds, equal_uint64},
	[OPT_SIZE] = {"size", parse_size, equal_uint64},
	[OPT_OCTAL] = {"octal mode", parse_octal, equal_int},
	[OPT_TEXT] = {"text", parse_text, equal_text},
	[OPT_LINES] = {"lines", parse_text, equal_text},
	[OPT_PATH] = {"path", parse_path, equal_text},
	[OPT_FILE] = {"path", parse_path, equal_text},
	[OPT_DIRECTORY] = {"existing directory", parse_path, equal_text},
	[OPT_SIGNAL] = {"signal", parse_signal, equal_int},
	[OPT_WORD] = {"word", parse_word, equal_int},
	[OPT_LIST] = {"list", parse_list, equal_texts},
	[OPT_HEADERS] = {"lines", parse_headers, equal_texts},
	[OPT_EXITCODES] = {"list of exit codes", parse_exitcodes, equal_exitcodes},
	[OPT_USER] = {"user", parse_user, equal_owner},
	[OPT_OWNER] = {"user[:group]", parse_owner, equal_owner},
	[OPT_ENVIRONMENT] = {"KEY=\"value\",...", parse_environment, equal_texts},
	[OPT_LOGFILE] = {"path, AUTO or NONE", parse_logfile, equal_logfile},
	[OPT_SPECIAL] = {"text", parse_special, equal_always},
};

int option_parse(const struct option_def *def, const char *text, void *object, struct arena *memory,
		 struct diag *diag)
{
	return types[def->type].parse(def, text, (char *)object + def->offset, memory, diag);
}

bool option_equal(const struct option_def *def, const void *a, const void *b)
{
	return types[def->type].equal((const char *)a + def->offset, (const char *)b + def->offset);
}

const char *option_type_name(const struct option_def *def)
{
	return types[def->type].name;
}

static const char *word_range(const struct option_def *def, char *buf, size_t size)
{
	CLEANUP(strbuf_done) struct strbuf words = {0};

	for (int i = 0; def->names[i]; i++) {
		(void)strbuf_addf(&words, "%s%s", i ? ", " : ": ", def->names[i]);
	}
	(void)snprintf(buf, size, "%s", strbuf_str(&words));
	return buf;
}

const char *option_range(const struct option_def *def, char *buf, size_t size)
{
	char least[USEC_TEXT_MAX], most[USEC_TEXT_MAX];

	buf[0] = '\0';
	if (def->type == OPT_WORD) {
		return word_range(def, buf, size);
	}
	if (def->max && def->type == OPT_SECONDS) {
		(void)snprintf(buf, size, ", %s to %s",
			       def->min ? usec_format((usec_t)def->min, least, sizeof(least)) : "0",
			       usec_format((usec_t)def->max, most, sizeof(most)));
	} else if (def->max) {
		(void)snprintf(buf, size, ", %lld to %lld", def->min, def->max);
	}
	return buf;
}

const char *option_effect_name(enum option_effect effect)
{
	static const char *const names[EFFECT_MAX_] = {
		[EFFECT_LIVE] = "a reload takes a change over",
		[EFFECT_RESTART] = "a change restarts the worker",
		[EFFECT_DAEMON] = "a change needs a restart of slotd",
		[EFFECT_NONE] = "",
	};

	return names[effect];
}
