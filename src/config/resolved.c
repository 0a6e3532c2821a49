/*
 * What config_resolve found, as lines of text:
 *
 *	slotd-resolved 1 OWNERS HOSTS
 *	owner INDEX UID GID USER HOME SHELL GROUP...
 *	host INDEX ADDRESS
 *	log INDEX PID FD
 *	uid SERVICE UID		gid SERVICE GID
 *	live SERVICE CODE SLOT TEXT
 *	error FILE LINE TEXT	warning FILE LINE TEXT
 *	end ERRORS
 *
 * Fields are separated by tabs; tab, newline and backslash in them are escaped.
 */
#include "resolved.h"

#include <fcntl.h>
#include <limits.h>
#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/io.h>
#include <sys/wait.h>
#include <unistd.h>

#include "arena.h"
#include "lookups.h"
#include "messages.h"

enum {
	FIELDS_MAX = 7 + 65536, /* NGROUPS_MAX of Linux */
};

/* ---- writing ------------------------------------------------------------------------------- */

static void put_field(struct strbuf *out, const char *text)
{
	(void)strbuf_addc(out, '\t');
	for (; text && *text; text++) {
		switch (*text) {
		case '\t':
			(void)strbuf_adds(out, "\\t");
			break;
		case '\n':
			(void)strbuf_adds(out, "\\n");
			break;
		case '\\':
			(void)strbuf_adds(out, "\\\\");
			break;
		default:
			(void)strbuf_addc(out, *text);
		}
	}
}

static void put_owner(struct strbuf *out, size_t i, const struct owner *o)
{
	(void)strbuf_addf(out, "owner\t%zu\t%u\t%u", i, o->uid, o->gid);
	put_field(out, o->user);
	put_field(out, o->home);
	put_field(out, o->shell);
	for (unsigned g = 0; g < o->n_groups; g++) {
		(void)strbuf_addf(out, "\t%u", o->groups[g]);
	}
	(void)strbuf_addc(out, '\n');
}

static void put_service(struct strbuf *out, size_t i, const struct service_config *s)
{
	(void)strbuf_addf(out, "live\t%zu\t%d\t%d", i, -s->live_found.code, s->live_found.live);
	put_field(out, s->live_found.text);
	(void)strbuf_addc(out, '\n');
	for (unsigned n = 0; n < s->n_allow_uids; n++) {
		(void)strbuf_addf(out, "uid\t%zu\t%u\n", i, s->allow_uids[n]);
	}
	for (unsigned n = 0; n < s->n_allow_gids; n++) {
		(void)strbuf_addf(out, "gid\t%zu\t%u\n", i, s->allow_gids[n]);
	}
}

static void put_message(struct strbuf *out, const struct config_message *m)
{
	(void)strbuf_adds(out, m->error ? "error" : "warning");
	put_field(out, m->diag.file);
	(void)strbuf_addf(out, "\t%u", m->diag.line);
	put_field(out, m->diag.text);
	(void)strbuf_addc(out, '\n');
}

int resolved_write(const struct config *c, struct strbuf *out)
{
	CLEANUP(lookups_done) struct lookups l = {0};
	int r = lookups_collect((struct config *)c, &l); /* read only, here */

	if (r < 0) {
		return r;
	}
	(void)strbuf_addf(out, "slotd-resolved\t1\t%zu\t%zu\n", l.owners.len, l.hosts.len);
	for (size_t i = 0; i < l.owners.len; i++) {
		put_owner(out, i, l.owners.at[i].owner);
	}
	for (size_t i = 0; i < l.hosts.len; i++) {
		(void)strbuf_addf(out, "host\t%zu", i);
		put_field(out, *l.hosts.at[i].address);
		(void)strbuf_addc(out, '\n');
	}
	for (size_t i = 0; i < l.logs.len; i++) {
		const struct log_target *t = &l.logs.at[i].log->target;

		if (t->found) {
			(void)strbuf_addf(out, "log\t%zu\t%d\t%d\n", i, (int)t->pid, t->fd);
		}
	}
	for (size_t i = 0; i < c->services.len; i++) {
		put_service(out, i, c->services.at[i]);
	}
	vec_for_each (g, &c->grants) {
		(void)strbuf_addf(out, "grant\t%d\t%d\t%u", (int)g->role, g->group, g->id);
		put_field(out, g->service);
		(void)strbuf_addc(out, '\n');
	}
	vec_for_each (u, &c->user_names) {
		(void)strbuf_addf(out, "user\t%u", (unsigned)u->uid);
		put_field(out, u->name);
		(void)strbuf_addc(out, '\n');
	}
	for (size_t i = c->n_loaded; i < c->messages.len; i++) {
		put_message(out, &c->messages.at[i]);
	}
	return strbuf_addf(out, "end\t%u\n", c->n_errors);
}

/* ---- reading ------------------------------------------------------------------------------- */

struct line {
	char **fields;
	size_t n;
};

struct reading {
	struct config *c;
	struct lookups lookups;
	bool ended;
};

/* Splits at tabs and undoes the escapes, in place. */
static int split_fields(char *text, struct line *line)
{
	char *to = text, *start = text;

	line->n = 0;
	for (;; text++) {
		if (*text == '\\' && text[1]) {
			text++;
			*to++ = *text == 't' ? '\t' : *text == 'n' ? '\n' : *text;
			continue;
		}
		if (*text && *text != '\t') {
			*to++ = *text;
			continue;
		}
		if (line->n >= FIELDS_MAX) {
			return -EBADMSG;
		}
		line->fields[line->n++] = start;
		if (!*text) {
			*to = '\0';
			return 0;
		}
		*to++ = '\0';
		start = to;
	}
}

static int number(const char *text, size_t limit, size_t *ret)
{
	char *end;
	unsigned long n;

	if (!*text || text[strspn(text, "0123456789")]) {
		return -EBADMSG;
	}
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || n >= limit) {
		return -EBADMSG;
	}
	*ret = n;
	return 0;
}

static int read_id(const char *text, unsigned *ret)
{
	size_t n;
	int r = number(text, (size_t)UINT32_MAX + 1, &n);

	if (r == 0) {
		*ret = (unsigned)n;
	}
	return r;
}

static int keep_text(struct config *c, const char *text, char **ret)
{
	*ret = text[0] ? arena_text(c->memory, text) : NULL;
	return text[0] && !*ret ? -ENOMEM : 0;
}

static int read_owner(struct reading *rd, const struct line *l)
{
	struct owner *o;
	size_t i;
	int r;

	if (l->n < 7 || number(l->fields[1], rd->lookups.owners.len, &i) < 0 || !l->fields[4][0]) {
		return -EBADMSG;
	}
	o = rd->lookups.owners.at[i].owner;
	r = read_id(l->fields[2], &o->uid);
	r = r < 0 ? r : read_id(l->fields[3], &o->gid);
	r = r < 0 ? r : keep_text(rd->c, l->fields[4], &o->user);
	r = r < 0 ? r : keep_text(rd->c, l->fields[5], &o->home);
	r = r < 0 ? r : keep_text(rd->c, l->fields[6], &o->shell);
	if (r < 0 || l->n == 7) {
		return r;
	}
	o->groups = arena_array(rd->c->memory, l->n - 7, sizeof(*o->groups));
	if (!o->groups) {
		return -ENOMEM;
	}
	for (size_t g = 7; r == 0 && g < l->n; g++) {
		r = read_id(l->fields[g], &o->groups[g - 7]);
	}
	o->n_groups = r == 0 ? (unsigned)(l->n - 7) : 0;
	return r;
}

static int read_host(struct reading *rd, const struct line *l)
{
	struct address a;
	size_t i;

	if (l->n != 3 || number(l->fields[1], rd->lookups.hosts.len, &i) < 0) {
		return -EBADMSG;
	}
	if (address_parse(l->fields[2], &a) < 0) {
		return 0; /* could not be resolved: an error line follows */
	}
	return keep_text(rd->c, l->fields[2], rd->lookups.hosts.at[i].address);
}

static int read_log(struct reading *rd, const struct line *l)
{
	size_t i, pid, fd;

	if (l->n != 4 || number(l->fields[1], rd->lookups.logs.len, &i) < 0 ||
	    number(l->fields[2], INT_MAX, &pid) < 0 || number(l->fields[3], INT_MAX, &fd) < 0) {
		return -EBADMSG;
	}
	rd->lookups.logs.at[i].log->target =
		(struct log_target){.found = true, .pid = (pid_t)pid, .fd = (int)fd};
	return 0;
}

static int append_id(struct config *c, unsigned **ids, unsigned *n, unsigned id)
{
	unsigned *more;

	if ((*n & (*n - 1)) == 0) { /* full at every power of two */
		more = arena_array(c->memory, *n ? 2 * (size_t)*n : 1, sizeof(*more));
		if (!more) {
			return -ENOMEM;
		}
		if (*n) {
			memcpy(more, *ids, *n * sizeof(*more));
		}
		*ids = more;
	}
	(*ids)[(*n)++] = id;
	return 0;
}

static int read_user(struct reading *rd, const struct line *l)
{
	struct user_name user = {0};
	int r;

	if (l->n != 3 || read_id(l->fields[1], &user.uid) < 0) {
		return -EBADMSG;
	}
	r = keep_text(rd->c, l->fields[2], &user.name);
	return r < 0 ? r : vec_push(&rd->c->user_names, user);
}

static int read_allowed(struct reading *rd, const struct line *l)
{
	struct service_config *s;
	unsigned id = 0;
	size_t i;

	if (l->n != 3 || number(l->fields[1], rd->c->services.len, &i) < 0 ||
	    read_id(l->fields[2], &id) < 0) {
		return -EBADMSG;
	}
	s = rd->c->services.at[i];
	return l->fields[0][0] == 'u' ? append_id(rd->c, &s->allow_uids, &s->n_allow_uids, id)
				      : append_id(rd->c, &s->allow_gids, &s->n_allow_gids, id);
}

static int read_grant(struct reading *rd, const struct line *l)
{
	const struct service_config *s = NULL;
	struct grant g = {0};
	size_t role, group;
	unsigned id = 0;

	if (l->n != 5 || number(l->fields[1], ROLE_MAX_, &role) < 0 ||
	    number(l->fields[2], 2, &group) < 0 || read_id(l->fields[3], &id) < 0) {
		return -EBADMSG;
	}
	if (*l->fields[4]) {
		s = config_service(rd->c, l->fields[4]);
		if (!s) {
			return -EBADMSG;
		}
	}
	g = (struct grant){(enum role)role, group != 0, id, s ? s->name : NULL};
	return vec_push(&rd->c->grants, g);
}

static int read_live(struct reading *rd, const struct line *l)
{
	size_t i, code, live;
	struct live_found *found;

	if (l->n != 5 || number(l->fields[1], rd->c->services.len, &i) < 0 ||
	    number(l->fields[2], INT_MAX, &code) < 0 ||
	    number(l->fields[3], SLOT_MAX_, &live) < 0) {
		return -EBADMSG;
	}
	found = &rd->c->services.at[i]->live_found;
	found->code = -(int)code;
	found->live = (enum slot_id)live;
	return keep_text(rd->c, l->fields[4], &found->text);
}

/* Back to the file name that the configuration keeps. */
static const char *known_file(const struct config *c, const char *file)
{
	vec_for_each (f, &c->files) {
		if (strcmp(*f, file) == 0) {
			return *f;
		}
	}
	return NULL;
}

static int read_message(struct reading *rd, const struct line *l)
{
	struct config_place at = {0};
	size_t line;

	if (l->n != 4 || number(l->fields[2], UINT32_MAX, &line) < 0) {
		return -EBADMSG;
	}
	at.file = known_file(rd->c, l->fields[1]);
	at.line = (unsigned)line;
	if (l->fields[0][0] == 'e') {
		config_error(rd->c, at, "%s", l->fields[3]);
	} else {
		config_warning(rd->c, at, "%s", l->fields[3]);
	}
	return 0;
}

static int read_end(struct reading *rd, const struct line *l)
{
	size_t errors;

	if (l->n != 2 || number(l->fields[1], UINT32_MAX, &errors) < 0) {
		return -EBADMSG;
	}
	if (errors > rd->c->n_errors) {
		rd->c->n_errors = (unsigned)errors; /* more than there was room for */
	}
	rd->ended = true;
	return 0;
}

static int read_head(struct reading *rd, const struct line *l)
{
	size_t owners, hosts;

	if (l->n != 4 || strcmp(l->fields[1], "1") != 0 ||
	    number(l->fields[2], UINT32_MAX, &owners) < 0 ||
	    number(l->fields[3], UINT32_MAX, &hosts) < 0) {
		return -EBADMSG;
	}
	return owners == rd->lookups.owners.len && hosts == rd->lookups.hosts.len ? 0 : -EBADMSG;
}

static const struct {
	const char *word;
	int (*read)(struct reading *rd, const struct line *l);
} readers[] = {
	{"slotd-resolved", read_head}, {"owner", read_owner},
	{"host", read_host},	       {"log", read_log},
	{"uid", read_allowed},	       {"gid", read_allowed},
	{"grant", read_grant},	       {"live", read_live},
	{"user", read_user},	       {"error", read_message},
	{"warning", read_message},     {"end", read_end},
};

static int read_line(struct reading *rd, const struct line *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		if (strcmp(l->fields[0], readers[i].word) == 0) {
			return rd->ended ? -EBADMSG : readers[i].read(rd, l);
		}
	}
	return -EBADMSG;
}

static int read_lines(struct reading *rd, char *text, struct line *line)
{
	bool first = true;
	char *end;
	int r = 0;

	for (; r == 0 && *text; text = end, first = false) {
		end = strchr(text, '\n');
		if (!end) {
			return -EBADMSG;
		}
		*end++ = '\0';
		r = split_fields(text, line);
		if (r == 0 && first != (strcmp(line->fields[0], "slotd-resolved") == 0)) {
			r = -EBADMSG;
		}
		r = r < 0 ? r : read_line(rd, line);
	}
	return r == 0 && !rd->ended ? -EBADMSG : r;
}

int resolved_read(struct config *c, const char *text, size_t len, struct diag *diag)
{
	struct reading rd = {.c = c};
	auto_free char *copy = strndup(text, len);
	auto_free char **fields = calloc(FIELDS_MAX, sizeof(*fields));
	struct line line = {.fields = fields};
	int r = copy && fields ? lookups_collect(c, &rd.lookups) : -ENOMEM;

	if (r == 0) {
		r = read_lines(&rd, copy, &line);
	}
	lookups_done(&rd.lookups);
	if (r < 0) {
		return diag_set_errno(diag, r, "users and hosts were not looked up");
	}
	return c->n_errors ? -EINVAL : 0;
}

/* ---- in a process of its own ----------------------------------------------------------------- */

static int answer(struct config *c, int fd)
{
	CLEANUP(strbuf_done) struct strbuf answers = {0};

	/* What is wrong travels as messages. */
	if (config_resolve(c) == -ENOMEM || resolved_write(c, &answers) < 0) {
		return -ENOMEM;
	}
	return io_write_all(fd, answers.data, answers.len);
}

static int ask(struct config *c, struct strbuf *answers)
{
	auto_close int read_end = -EBADF, write_end = -EBADF;
	int ends[2], r;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		return -errno;
	}
	read_end = ends[0];
	write_end = ends[1];
	pid = fork();
	if (pid < 0) {
		return -errno;
	}
	if (pid == 0) {
		_exit(answer(c, write_end) < 0);
	}
	cleanup_closep(&write_end);
	r = io_read_all(read_end, answers);
	(void)waitpid(pid, NULL, 0); /* what a failed one leaves is refused when it is read */
	return r;
}

int config_resolve_apart(struct config *c, struct diag *diag)
{
	CLEANUP(strbuf_done) struct strbuf answers = {0};
	int r = ask(c, &answers);

	if (r < 0) {
		return diag_set_errno(diag, r, "cannot look up users and hosts");
	}
	return resolved_read(c, strbuf_str(&answers), answers.len, diag);
}
