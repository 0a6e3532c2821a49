/*
 * A document, and how one is read: INI text into logical lines, and these through inih.
 *
 * inih as distributions build it reads into 200 bytes, splits longer lines silently and cuts
 * section names at 49; it knows neither '#' as an inline comment nor comments on continuation
 * lines. So the lines are put together here by the rules of Python's ConfigParser (comments,
 * continuation, ':' or '='), and inih gets one short line for each, with handles instead of texts:
 * "[s3]", "k7=v12". Its handler looks up what they stand for.
 */
#include <ctype.h>
#include <ini.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>

#include "document.h"
#include "messages.h"
#include "sections.h"

int document_init(struct document *d)
{
	*d = (struct document){.memory = arena_new()};
	return d->memory ? 0 : -ENOMEM;
}

void document_done(struct document *d)
{
	vec_for_each (s, &d->sections) {
		map_done(&(*s)->by_name);
		vec_done(&(*s)->options);
	}
	vec_done(&d->sections);
	map_done(&d->by_name);
	d->memory = arena_free(d->memory);
}

struct section *document_section(const struct document *d, const char *name)
{
	return map_get(&d->by_name, name);
}

struct section *document_open(struct document *d, const char *name, struct config_place place)
{
	struct section *s = document_section(d, name);

	if (s) {
		return s;
	}
	s = arena_alloc(d->memory, sizeof(*s));
	if (!s) {
		return NULL;
	}
	s->name = arena_text(d->memory, name);
	s->place = place;
	if (!s->name || vec_push(&d->sections, s) < 0) {
		return NULL;
	}
	return map_set(&d->by_name, name, s) < 0 ? NULL : s;
}

const struct option *section_option(const struct section *s, const char *name)
{
	return map_get(&s->by_name, name);
}

static struct option *option_new(struct document *d, struct section *s, const char *name)
{
	struct option *o = arena_alloc(d->memory, sizeof(*o));

	if (!o) {
		return NULL;
	}
	o->name = arena_text(d->memory, name);
	if (!o->name || vec_push(&s->options, o) < 0) {
		return NULL;
	}
	return map_set(&s->by_name, name, o) < 0 ? NULL : o;
}

int document_set(struct document *d, struct section *s, const char *name, const char *value,
		 struct config_place place)
{
	struct option *o = map_get(&s->by_name, name);
	char *copy;

	if (d->n_options++ >= DOCUMENT_OPTIONS_MAX) {
		return -E2BIG;
	}
	copy = arena_text(d->memory, value);
	if (!copy) {
		return -ENOMEM;
	}
	if (!o) {
		o = option_new(d, s, name);
		if (!o) {
			return -ENOMEM;
		}
	}
	o->value = copy;
	o->place = place;
	return 0;
}

static const char space[] = " \t\r\n\f\v";

struct logical {
	char *name;
	char *value; /* NULL: a section line */
	unsigned line;
	unsigned cut_line; /* as in struct option */
	char cut_by;
};

struct reader {
	struct document *document;
	struct config *config;
	const char *file;
	unsigned line;
	char cut_by; /* in this line; 0: nothing */
	int error;   /* 0, -ENOMEM, -E2BIG */
	VEC(struct logical) lines;
	bool in_section;
	/* the option being continued */
	bool in_option;
	size_t indent;
	struct strbuf value;
	/* inih's side */
	size_t fed;
	struct section *section;
	unsigned opened; /* line of the section's name */
};

static struct config_place here(const struct reader *r, unsigned line)
{
	return (struct config_place){.file = r->file, .line = line};
}

/* A piece of the text: not terminated. */
struct span {
	const char *at;
	size_t len;
};

static struct span trim(struct span s)
{
	while (s.len && memchr(space, s.at[0], sizeof(space) - 1)) {
		s.at++;
		s.len--;
	}
	while (s.len && memchr(space, s.at[s.len - 1], sizeof(space) - 1)) {
		s.len--;
	}
	return s;
}

/* ---- comments ------------------------------------------------------------------------------ */

/* The next place of c after *at. Returns false when there is none. */
static bool find_next(struct span s, char c, size_t *at)
{
	for (size_t i = *at + 1; i < s.len; i++) {
		if (s.at[i] == c) {
			*at = i;
			return true;
		}
	}
	return false;
}

/* Where an inline comment starts; len when there is none. Quotes do not protect. Both characters
 * are looked for in step, one place each a round, and the first round with a hit decides: so does
 * Python's ConfigParser, and "a;b ; c # d" is cut at the '#'. */
static size_t comment_start(struct span s)
{
	size_t at[] = {SIZE_MAX, SIZE_MAX}, start = s.len;
	bool more[] = {true, true};

	while (start == s.len && (more[0] || more[1])) {
		for (int i = 0; i < 2; i++) {
			more[i] = more[i] && find_next(s, ";#"[i], &at[i]);
			if (more[i] && (at[i] == 0 || isspace((unsigned char)s.at[at[i] - 1])) &&
			    at[i] < start) {
				start = at[i];
			}
		}
	}
	return start;
}

static bool opens_quote(struct span before, struct span after, char quote)
{
	unsigned n = 0;

	for (size_t i = 0; i < before.len; i++) {
		n += before.at[i] == quote;
	}
	return n % 2 && memchr(after.at, quote, after.len);
}

static struct span without_comment(struct reader *r, struct span line, bool *ret_comment)
{
	struct span trimmed = trim(line), kept, cut;
	size_t at;

	*ret_comment = trimmed.len && (trimmed.at[0] == ';' || trimmed.at[0] == '#');
	if (*ret_comment) {
		return (struct span){line.at, 0};
	}
	at = comment_start(line);
	if (at == line.len) {
		return trimmed;
	}
	*ret_comment = true;
	r->cut_by = line.at[at] == ';' ? ';' : '\0';
	kept = (struct span){line.at, at};
	cut = (struct span){line.at + at, line.len - at};
	if (opens_quote(kept, cut, '"') || opens_quote(kept, cut, '\'')) {
		r->cut_by = cut.at[0];
		config_warning(
			r->config, here(r, r->line),
			"\"%c\" after a blank starts a comment even inside quotes: the rest of "
			"the line is ignored",
			cut.at[0]);
	}
	return trim(kept);
}

/* ---- logical lines ------------------------------------------------------------------------- */

static int add_line(struct reader *r, struct logical l)
{
	int e = l.name ? vec_push(&r->lines, l) : -ENOMEM;

	if (e < 0) {
		r->error = e;
	}
	return e;
}

/* Of the option's last line, whose text is added. */
static void note_cut(struct reader *r, struct span text)
{
	struct logical *l = &r->lines.at[r->lines.len - 1];

	if (text.len && r->cut_by && !l->cut_line) {
		l->cut_line = r->line;
		l->cut_by = r->cut_by;
	}
}

static void finish_option(struct reader *r)
{
	struct logical *l;
	struct span v;

	if (!r->in_option) {
		return;
	}
	r->in_option = false;
	l = &r->lines.at[r->lines.len - 1];
	v = trim((struct span){strbuf_str(&r->value), r->value.len});
	l->value = arena_text_n(r->document->memory, v.at, v.len);
	if (!l->value || r->value.error) {
		r->error = -ENOMEM;
	}
	strbuf_reset(&r->value);
}

static bool name_fits(struct reader *r, struct span name)
{
	if (name.len > DOCUMENT_NAME_MAX) {
		config_error(r->config, here(r, r->line),
			     "a name of %zu characters is too long: the limit is %d", name.len,
			     DOCUMENT_NAME_MAX);
		return false;
	}
	return true;
}

/* "[name]": up to the last bracket of the line; what follows it is ignored. */
static bool section_line(struct reader *r, struct span text)
{
	const char *close;
	struct span name, rest;

	if (text.at[0] != '[') {
		return false;
	}
	close = memrchr(text.at, ']', text.len);
	if (!close || close == text.at + 1) {
		return false;
	}
	name = (struct span){text.at + 1, (size_t)(close - text.at - 1)};
	rest = trim((struct span){close + 1, text.len - (size_t)(close + 1 - text.at)});
	if (rest.len) {
		config_warning(r->config, here(r, r->line),
			       "\"%.*s\" after the name of the section is ignored; put it on a "
			       "line of its own",
			       rest.len > 100 ? 100 : (int)rest.len, rest.at);
	}
	if (name_fits(r, name)) {
		char *copy = arena_text_n(r->document->memory, name.at, name.len);

		(void)add_line(r, (struct logical){.name = copy, .line = r->line});
		r->in_section = true;
	}
	return true;
}

static void bad_line(struct reader *r, struct span text)
{
	int shown = text.len > 100 ? 100 : (int)text.len;

	if (!r->in_section) {
		config_error(r->config, here(r, r->line),
			     "File contains no section headers. Before \"%.*s\" there must be one, "
			     "such as [supervisord]",
			     shown, text.at);
	} else {
		config_error(r->config, here(r, r->line),
			     "parsing error: \"%.*s\" is neither [section] nor option=value", shown,
			     text.at);
	}
}

static void option_line(struct reader *r, struct span text)
{
	size_t at = 0;
	struct span name, value;
	char *copy;

	while (at < text.len && text.at[at] != '=' && text.at[at] != ':') {
		at++;
	}
	name = trim((struct span){text.at, at});
	if (at == text.len || name.len == 0 || !r->in_section) {
		bad_line(r, text);
		return;
	}
	if (!name_fits(r, name)) {
		return;
	}
	copy = arena_text_n(r->document->memory, name.at, name.len);
	for (char *c = copy; c && *c; c++) {
		*c = (char)tolower((unsigned char)*c);
	}
	if (add_line(r, (struct logical){.name = copy, .line = r->line}) == 0) {
		value = trim((struct span){text.at + at + 1, text.len - at - 1});
		(void)strbuf_add(&r->value, value.at, value.len);
		note_cut(r, value);
		r->in_option = true;
	}
}

static size_t indent_of(struct span line)
{
	size_t n = 0;

	while (n < line.len && isspace((unsigned char)line.at[n])) {
		n++;
	}
	return n;
}

static void physical_line(struct reader *r, struct span line)
{
	bool comment;
	struct span text;

	if (line.len > DOCUMENT_LINE_MAX) {
		config_error(r->config, here(r, r->line),
			     "a line of %zu bytes is too long: the limit is %d; continue it on "
			     "indented lines",
			     line.len, DOCUMENT_LINE_MAX);
		return;
	}
	if (memchr(line.at, '\0', line.len)) {
		config_error(r->config, here(r, r->line), "a zero byte: this is not a text file");
		return;
	}
	r->cut_by = '\0';
	text = without_comment(r, line, &comment);
	if (text.len == 0) {
		if (!comment && r->in_option) {
			(void)strbuf_addc(&r->value, '\n');
		}
		return;
	}
	if (r->in_option && indent_of(line) > r->indent) {
		(void)strbuf_addc(&r->value, '\n');
		(void)strbuf_add(&r->value, text.at, text.len);
		note_cut(r, text);
		return;
	}
	finish_option(r);
	r->indent = indent_of(line);
	if (!section_line(r, text)) {
		option_line(r, text);
	}
}

static void split(struct reader *r, const char *text, size_t len)
{
	const char *end = text + len;

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
	}
	while (text < end && !r->error) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		const char *stop = nl ? nl : end;

		r->line++;
		physical_line(r, (struct span){text, (size_t)(stop - text)});
		text = nl ? nl + 1 : end;
	}
	finish_option(r);
}

/* ---- through inih -------------------------------------------------------------------------- */

/* A section's own line is followed by one without a name, so that an empty section is seen too. */
static char *next_line(char *buf, int size, void *data)
{
	struct reader *r = data;
	size_t i = r->fed / 2;
	bool second = r->fed % 2;
	const struct logical *l;

	if (i >= r->lines.len || r->error) {
		return NULL;
	}
	l = &r->lines.at[i];
	if (l->value) {
		(void)snprintf(buf, (size_t)size, "k%zu=v%zu\n", i, i);
		r->fed += 2;
	} else if (!second) {
		(void)snprintf(buf, (size_t)size, "[s%zu]\n", i);
		r->fed++;
	} else {
		(void)snprintf(buf, (size_t)size, "section=s%zu\n", i);
		r->fed++;
	}
	return buf;
}

static const struct logical *by_handle(const struct reader *r, const char *handle)
{
	size_t i = strtoul(handle + 1, NULL, 10);

	return i < r->lines.len ? &r->lines.at[i] : NULL;
}

/* Another file, or the section's name once more, may override; below one name it is a slip. */
static void warn_of_double(struct reader *r, const struct logical *l)
{
	const struct option *o = section_option(r->section, l->name);

	if (o && o->place.file == r->file && o->place.line > r->opened) {
		config_warning(
			r->config, here(r, l->line),
			"[%s] %s is given twice: this value counts, the one in line %u does not",
			r->section->name, l->name, o->place.line);
	}
}

/* Below one name of the section, the lines add up; elsewhere they replace what was there. */
static int set_option(struct reader *r, const struct logical *l)
{
	const struct option *o = section_option(r->section, l->name);
	CLEANUP(strbuf_done) struct strbuf lines = {0};
	struct option *set;
	int error;

	if (o && o->place.file == r->file && o->place.line > r->opened &&
	    option_repeats(r->section->name, l->name)) {
		if (strbuf_addf(&lines, "%s\n%s", o->value, l->value) < 0) {
			return -ENOMEM;
		}
		return document_set(r->document, r->section, l->name, lines.data, here(r, l->line));
	}
	warn_of_double(r, l);
	error = document_set(r->document, r->section, l->name, l->value, here(r, l->line));
	set = error < 0 ? NULL : map_get(&r->section->by_name, l->name);
	if (set) {
		set->cut_line = l->cut_line;
		set->cut_by = l->cut_by;
	}
	return error;
}

static int handler(void *data, const char *section, const char *name, const char *value)
{
	struct reader *r = data;
	const struct logical *l = by_handle(r, value);

	(void)section;
	if (!l) {
		return 0;
	}
	if (name[0] == 's') {
		r->section = document_open(r->document, l->name, here(r, l->line));
		r->opened = l->line;
		if (!r->section) {
			r->error = -ENOMEM;
		}
	} else if (r->section) {
		int e = set_option(r, l);

		if (e < 0) {
			r->error = e;
		}
	}
	return !r->error;
}

int ini_read(struct document *d, struct config *config, const char *file, const char *text,
	     size_t len)
{
	struct reader r = {.document = d, .config = config, .file = file};

	split(&r, text, len);
	if (!r.error) {
		int e = ini_parse_stream(next_line, &r, handler, &r);

		if (e != 0 && !r.error) {
			r.error = e == -2 ? -ENOMEM : -EINVAL;
		}
	}
	vec_done(&r.lines);
	strbuf_done(&r.value);
	return r.error;
}
