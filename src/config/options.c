#include "options.h"

#include "values.h"

#include <slotd/cleanup.h>
#include <slotd/strbuf.h>

#include <ctype.h>
#include <limits.h>
#include <strings.h>

/* ---- parsers, by type ---------------------------------------------------------------------- */

/* What a parser may need beside the text: how far values go, where they live, what is wrong. */
struct parsing {
	const struct option_def *def;
	struct arena *memory;
	struct diag *diag;
};

typedef int parse_fn(const struct parsing *p, const char *text, void *field);

/* Within the row's bounds and those of its field. */
static int number(const struct parsing *p, const char *text, long least, long most, long *ret)
{
	int r = value_integer(text, ret, p->diag);

	if (r < 0) {
		return r;
	}
	if (*ret < p->def->min) {
		return diag_set(p->diag, -EINVAL, "%ld is below the lower bound (%lld)", *ret,
				p->def->min);
	}
	if (p->def->max && *ret > p->def->max) {
		return diag_set(p->diag, -EINVAL, "%ld is above the upper bound (%lld)", *ret,
				p->def->max);
	}
	return *ret < least || *ret > most ? diag_set(p->diag, -EINVAL, "%ld is out of range", *ret)
					   : 0;
}

static int parse_bool(const struct parsing *p, const char *text, void *field)
{
	return value_bool(text, field, p->diag);
}

static int parse_int(const struct parsing *p, const char *text, void *field)
{
	long n;
	int r = number(p, text, INT_MIN, INT_MAX, &n);

	if (r == 0) {
		*(int *)field = (int)n;
	}
	return r;
}

static int parse_count(const struct parsing *p, const char *text, void *field)
{
	long n;
	int r = number(p, text, 0, UINT_MAX, &n);

	if (r == 0) {
		*(unsigned *)field = (unsigned)n;
	}
	return r;
}

static int parse_seconds(const struct parsing *p, const char *text, void *field)
{
	char span[USEC_TEXT_MAX], bound[USEC_TEXT_MAX];
	usec_t t;
	int r = value_seconds(text, &t, p->diag);

	if (r < 0) {
		return r;
	}
	if (t < (usec_t)p->def->min) {
		return diag_set(p->diag, -EINVAL, "%s is too short; the minimum is %s",
				usec_format(t, span, sizeof(span)),
				usec_format((usec_t)p->def->min, bound, sizeof(bound)));
	}
	if (p->def->max && t > (usec_t)p->def->max) {
		return diag_set(p->diag, -EINVAL, "%s is too long; the maximum is %s",
				usec_format(t, span, sizeof(span)),
				usec_format((usec_t)p->def->max, bound, sizeof(bound)));
	}
	*(usec_t *)field = t;
	return 0;
}

static const char *const drain_words[DRAIN_MODE_MAX_] = {
	[DRAIN_REQUESTS] = "requests",
	[DRAIN_CONNECTIONS] = "connections",
	[DRAIN_WORKER] = "worker",
};

static int parse_drain(const struct parsing *p, const char *text, void *field)
{
	static const char idle[] = "idle:";
	struct drain_config *d = field;

	if (strncmp(text, idle, strlen(idle)) == 0) {
		*d = (struct drain_config){.mode = DRAIN_IDLE};
		return parse_seconds(p, text + strlen(idle), &d->idle);
	}
	for (int i = 0; i < DRAIN_MODE_MAX_; i++) {
		if (drain_words[i] && strcmp(text, drain_words[i]) == 0) {
			*d = (struct drain_config){.mode = (enum drain_mode)i};
			return 0;
		}
	}
	return diag_set(p->diag, -EINVAL,
			"invalid '%s' value '%.200s'; use one of: requests, connections, worker, "
			"idle:DURATION",
			p->def->name, text);
}

static bool equal_drain(const void *a, const void *b)
{
	const struct drain_config *x = a, *y = b;

	return x->mode == y->mode && x->idle == y->idle;
}

static int parse_size(const struct parsing *p, const char *text, void *field)
{
	return (p->def->ours ? value_space : value_size)(text, field, p->diag);
}

static int parse_octal(const struct parsing *p, const char *text, void *field)
{
	return value_octal(text, field, p->diag);
}

static int parse_signal(const struct parsing *p, const char *text, void *field)
{
	return value_signal(text, field, p->diag);
}

static int parse_exitcodes(const struct parsing *p, const char *text, void *field)
{
	return value_exitcodes(text, field, p->diag);
}

static int keep(char *copy, void *field)
{
	if (!copy) {
		return -ENOMEM;
	}
	*(char **)field = copy;
	return 0;
}

static int parse_text(const struct parsing *p, const char *text, void *field)
{
	return keep(arena_text(p->memory, text), field);
}

/* Only one's own home: another's needs the user database, which may block. */
static int parse_path(const struct parsing *p, const char *text, void *field)
{
	const char *home = getenv("HOME");
	size_t size;
	char *path;

	if (text[0] != '~') {
		return parse_text(p, text, field);
	}
	if ((text[1] && text[1] != '/') || !home || !home[0]) {
		return diag_set(
			p->diag, -EINVAL,
			"%.200s: only ~/ is known, and only if HOME is set; write the path in full",
			text);
	}
	size = strlen(home) + strlen(text);
	path = arena_alloc(p->memory, size);
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

static int parse_word(const struct parsing *p, const char *text, void *field)
{
	CLEANUP(strbuf_done) struct strbuf words = {0};
	int i = word_index(p->def, text);
	bool yes;

	if (i < 0 && value_bool(text, &yes, NULL) == 0) {
		i = word_index(p->def, yes ? "true" : "false"); /* "on" where "true" is a word */
	}
	if (i >= 0) {
		*(int *)field = i;
		return 0;
	}
	for (i = 0; p->def->names[i]; i++) {
		(void)strbuf_addf(&words, "%s%s", i ? ", " : "", p->def->names[i]);
	}
	return diag_set(p->diag, -EINVAL, "invalid '%s' value '%.200s'; use one of: %s",
			p->def->name, text, strbuf_str(&words));
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

static int parse_list(const struct parsing *p, const char *text, void *field)
{
	return parse_pieces(text, ",\n", true, field, p->memory);
}

static int parse_headers(const struct parsing *p, const char *text, void *field)
{
	char **lines;
	int r = parse_pieces(text, "\n", true, &lines, p->memory);

	for (size_t i = 0; r == 0 && lines[i]; i++) {
		const char *colon = strchr(lines[i], ':');

		if (!colon || colon == lines[i] || strpbrk(lines[i], "\r")) {
			return diag_set(
				p->diag, -EINVAL,
				"\"%.200s\" is not a header; write Name: value, one per line",
				lines[i]);
		}
	}
	if (r == 0) {
		*(char ***)field = lines;
	}
	return r;
}

/* As systemd has it: a file's name, and one that a shell, a log and /proc show as it is. */
static bool is_credential_name(const char *name, size_t len)
{
	if (len == 0 || len > NAME_MAX ||
	    (name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')))) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (!isgraph((unsigned char)name[i]) || name[i] == '/') {
			return false;
		}
	}
	return true;
}

static bool is_named_before(char **items, size_t i)
{
	size_t len = strcspn(items[i], ":") + 1;

	for (size_t j = 0; j < i; j++) {
		if (strncmp(items[i], items[j], len) == 0) {
			return true;
		}
	}
	return false;
}

static int parse_credentials(const struct parsing *p, const char *text, void *field)
{
	char **items;
	int r = parse_pieces(text, "\n", true, &items, p->memory);

	for (size_t i = 0; r == 0 && items[i]; i++) {
		size_t len = strcspn(items[i], ":");

		if (!is_credential_name(items[i], len) || items[i][len] != ':' ||
		    items[i][len + 1] != '/') {
			return diag_set(
				p->diag, -EINVAL,
				"\"%.200s\" is not a credential; write NAME:/PATH, the name "
				"of a file and where its content is read from",
				items[i]);
		}
		if (is_named_before(items, i)) {
			return diag_set(p->diag, -EINVAL, "there are two credentials named %.*s",
					(int)len, items[i]);
		}
	}
	if (r == 0) {
		*(char ***)field = items[0] ? items : NULL;
	}
	return r;
}

static int parse_user(const struct parsing *p, const char *text, void *field)
{
	struct owner owner = {.uid = (uid_t)-1, .gid = (gid_t)-1};

	if (!text[0]) {
		return diag_set(p->diag, -EINVAL,
				"Invalid user name: it is empty; remove the line");
	}
	owner.user = arena_text(p->memory, text);
	if (!owner.user) {
		return -ENOMEM;
	}
	*(struct owner *)field = owner;
	return 0;
}

static int parse_owner(const struct parsing *p, const char *text, void *field)
{
	struct owner owner = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	const char *colon = strchr(text, ':');

	if (!text[0] || colon == text || (colon && (!colon[1] || strchr(colon + 1, ':')))) {
		return diag_set(p->diag, -EINVAL,
				"Invalid user:group definition %.200s; write user or user:group",
				text);
	}
	owner.user = arena_text_n(p->memory, text, colon ? (size_t)(colon - text) : strlen(text));
	owner.group = colon ? arena_text(p->memory, colon + 1) : NULL;
	if (!owner.user || (colon && !owner.group)) {
		return -ENOMEM;
	}
	*(struct owner *)field = owner;
	return 0;
}

static int parse_logfile(const struct parsing *p, const char *text, void *field)
{
	struct log_config *log = field;

	log->path = NULL;
	if (!text[0]) {
		log->kind = LOG_KIND_NONE;
		log->path = arena_text(p->memory, ""); /* told as it was written */
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
		return parse_path(p, text, &log->path);
	}
	return 0;
}

static int parse_special(const struct parsing *p, const char *text, void *field)
{
	(void)p;
	(void)text;
	(void)field;
	return 0;
}

/* ---- equality, by kind of field ------------------------------------------------------------ */

typedef bool equal_fn(const void *a, const void *b);

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
	return config_same_text(*(char *const *)a, *(char *const *)b);
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

	return config_same_text(x->user, y->user) && config_same_text(x->group, y->group) &&
	       x->uid == y->uid && x->gid == y->gid;
}

static bool equal_logfile(const void *a, const void *b)
{
	const struct log_config *x = a, *y = b;

	return x->kind == y->kind && config_same_text(x->path, y->path) && x->syslog == y->syslog;
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
	[OPT_CREDENTIALS] = {"NAME:PATH", parse_credentials, equal_texts},
	[OPT_EXITCODES] = {"list of exit codes", parse_exitcodes, equal_exitcodes},
	[OPT_USER] = {"user", parse_user, equal_owner},
	[OPT_OWNER] = {"user[:group]", parse_owner, equal_owner},
	[OPT_ENVIRONMENT] = {"KEY=\"value\",...", parse_special, equal_texts},
	[OPT_LOGFILE] = {"path, AUTO or NONE", parse_logfile, equal_logfile},
	[OPT_DRAIN] = {"word, or idle:DURATION", parse_drain, equal_drain},
	[OPT_SPECIAL] = {"text", parse_special, equal_always},
};

int option_parse(const struct option_def *def, const char *text, void *object, struct arena *memory,
		 struct diag *diag)
{
	const struct parsing p = {def, memory, diag};

	return types[def->type].parse(&p, text, (char *)object + def->offset);
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
		[EFFECT_LIVE] = "a reload applies a change",
		[EFFECT_RESTART] = "a change restarts the worker",
		[EFFECT_DAEMON] = "a change needs a restart of slotd",
		[EFFECT_NONE] = "",
	};

	return names[effect];
}
