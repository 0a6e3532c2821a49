/* Users, groups, hosts and files: what may block, done in a process of its own. */
#include <ctype.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <netdb.h>
#include <pwd.h>
#include <slotd/cleanup.h>
#include <slotd/links.h>
#include <slotd/map.h>
#include <sys/stat.h>

#include "arena.h"
#include "endpoint.h"
#include "lookups.h"
#include "messages.h"
#include "trusted.h"

enum {
	GROUPS_MAX = 65536, /* NGROUPS_MAX of Linux */
};

/* ---- users --------------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* A name first: nothing forbids a user named 1000. */
static const struct passwd *find_user(const char *user)
{
	const struct passwd *pw = getpwnam(user);

	return !pw && is_number(user) ? getpwuid((uid_t)strtoul(user, NULL, 10)) : pw;
}

static const struct group *find_group(const char *group)
{
	const struct group *gr = getgrnam(group);

	return !gr && is_number(group) ? getgrgid((gid_t)strtoul(group, NULL, 10)) : gr;
}

static int supplementary(struct config *c, struct owner *o)
{
	int n = 64;
	gid_t *groups = NULL;

	for (;;) {
		groups = arena_array(c->memory, (size_t)n, sizeof(*groups));
		if (!groups) {
			return -ENOMEM;
		}
		if (getgrouplist(o->user, o->gid, groups, &n) >= 0) {
			break;
		}
		if (n > GROUPS_MAX) {
			n = 0;
			break;
		}
	}
	o->groups = groups;
	o->n_groups = (unsigned)n;
	return 0;
}

static void unknown_user(struct config *c, const struct owner_lookup *l)
{
	bool number = is_number(l->owner->user);

	config_error(c, l->place, "%s%s: %s: Invalid user %s %s; there is no such user", l->kind,
		     l->name, l->option, number ? "id" : "name", l->owner->user);
}

static int use_nobody(struct config *c, const struct owner_lookup *l)
{
	/* Of the file as a whole: what is missing is mostly the default. */
	config_warning(c, (struct config_place){.file = l->place.file},
		       "there is no user \"%s\" for the helpers (helper_user= in [slotd]); they "
		       "run as nobody. "
		       "Create it: useradd --system --no-create-home --shell /usr/sbin/nologin %s",
		       l->owner->user, l->owner->user);
	l->owner->user = arena_text(c->memory, "nobody");
	return l->owner->user ? 0 : -ENOMEM;
}

/* One program that cannot be started does not keep the others from running. */
static void check_privilege(struct config *c, const struct owner_lookup *l)
{
	if (geteuid() == 0 || !l->as_process || l->owner->uid == geteuid()) {
		return;
	}
	(l->owner == &c->supervisord.user ? config_error : config_problem)(
		c, l->place,
		"%s%s: %s=%s: Can't drop privilege as nonroot user; start slotd as root, or remove "
		"the line",
		l->kind, l->name, l->option, l->owner->user);
}

static int resolve_group(struct config *c, const struct owner_lookup *l)
{
	const struct group *gr = find_group(l->owner->group);

	if (!gr) {
		config_error(c, l->place, "%s%s: %s: there is no group %s", l->kind, l->name,
			     l->option, l->owner->group);
		return 0;
	}
	l->owner->gid = gr->gr_gid;
	return 0;
}

static int resolve_owner(struct config *c, const struct owner_lookup *l)
{
	struct owner *o = l->owner;
	const struct passwd *pw;
	int r;

	if (l->helper && geteuid() != 0) {
		return 0; /* helpers run as whoever started slotd */
	}
	pw = find_user(o->user);
	if (!pw && l->helper) {
		r = use_nobody(c, l);
		if (r < 0) {
			return r;
		}
		pw = find_user(o->user);
	}
	if (!pw) {
		unknown_user(c, l);
		return 0;
	}
	o->user = arena_text(c->memory, pw->pw_name);
	o->home = arena_text(c->memory, pw->pw_dir);
	o->shell = arena_text(c->memory, pw->pw_shell);
	if (!o->user || !o->home || !o->shell) {
		return -ENOMEM;
	}
	o->uid = pw->pw_uid;
	check_privilege(c, l);
	if (o->group) {
		return resolve_group(c, l);
	}
	if (!l->as_process) {
		return 0;
	}
	o->gid = pw->pw_gid;
	return supplementary(c, o);
}

/* ---- who may deploy ------------------------------------------------------------------------ */

struct allowed {
	VEC(uid_t) uids;
	VEC(gid_t) gids;
};

static int remember_user(struct config *c, const struct passwd *pw)
{
	struct user_name user = {.uid = pw->pw_uid, .name = arena_text(c->memory, pw->pw_name)};

	return user.name ? vec_push(&c->user_names, user) : -ENOMEM;
}

static int allow_user(struct config *c, const struct passwd *pw, struct allowed *a)
{
	int r = vec_push(&a->uids, pw->pw_uid);

	return r < 0 ? r : remember_user(c, pw);
}

/* The primary group of a user does not list him: gids are compared as well, later. */
static int allow_group(struct config *c, const struct service_config *s, const char *name,
		       struct allowed *a)
{
	const struct group *gr = find_group(name);
	int r;

	if (!gr) {
		config_error(c, s->place, "service %s: allow_deploy: there is no group %s", s->name,
			     name);
		return 0;
	}
	r = vec_push(&a->gids, gr->gr_gid);
	for (char **member = gr->gr_mem; r == 0 && *member; member++) {
		const struct passwd *pw = getpwnam(*member);

		r = pw ? allow_user(c, pw, a) : 0;
	}
	return r;
}

static int allow(struct config *c, const struct service_config *s, const char *name,
		 struct allowed *a)
{
	const struct passwd *pw;

	if (name[0] == '@') {
		return allow_group(c, s, name + 1, a);
	}
	pw = find_user(name);
	if (!pw) {
		config_error(c, s->place, "service %s: allow_deploy: there is no user %s", s->name,
			     name);
		return 0;
	}
	return allow_user(c, pw, a);
}

static int resolve_allowed(struct config *c, struct service_config *s)
{
	struct allowed a = {0};
	int r = 0;

	for (char **name = s->allow_deploy; r == 0 && name && *name; name++) {
		r = allow(c, s, *name, &a);
	}
	s->allow_uids = arena_array(c->memory, a.uids.len, sizeof(*s->allow_uids));
	s->allow_gids = arena_array(c->memory, a.gids.len, sizeof(*s->allow_gids));
	if (!s->allow_uids || !s->allow_gids) {
		r = -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < a.uids.len; i++) {
		s->allow_uids[i] = a.uids.at[i];
	}
	for (size_t i = 0; r == 0 && i < a.gids.len; i++) {
		s->allow_gids[i] = a.gids.at[i];
	}
	s->n_allow_uids = r == 0 ? (unsigned)a.uids.len : 0;
	s->n_allow_gids = r == 0 ? (unsigned)a.gids.len : 0;
	vec_done(&a.uids);
	vec_done(&a.gids);
	return r;
}

/* ---- roles ---------------------------------------------------------------------------------- */

struct granting {
	struct config *c;
	struct config_place place;
	const struct service_config *service; /* NULL: [slotd] */
	struct grant grant;
};

static int grant(const struct granting *g, bool group, uint32_t id)
{
	struct grant one = g->grant;

	one.group = group;
	one.id = id;
	return vec_push(&g->c->grants, one);
}

/* Those whose primary group it is are let in by its number, and shown by their names. */
static int remember_primary_members(struct config *c, gid_t gid)
{
	const struct passwd *pw;
	int r = 0;

	setpwent();
	while (r == 0 && (pw = getpwent())) {
		r = pw->pw_gid == gid ? remember_user(c, pw) : 0;
	}
	endpwent();
	return r;
}

/* Also to its members by name: the socket tells the primary group of a client alone. */
static int grant_group(const struct granting *g, const char *name)
{
	const struct group *gr = find_group(name);
	int r;

	if (!gr) {
		config_error(g->c, g->place, "allow: there is no group %s", name);
		return 0;
	}
	r = grant(g, true, gr->gr_gid);
	r = r < 0 ? r : remember_primary_members(g->c, gr->gr_gid);
	for (char **member = gr->gr_mem; r == 0 && *member; member++) {
		const struct passwd *pw = getpwnam(*member);

		r = pw ? grant(g, false, pw->pw_uid) : 0;
		r = r == 0 && pw ? remember_user(g->c, pw) : r;
	}
	return r;
}

static int grant_user(const struct granting *g, const char *name)
{
	const struct passwd *pw = find_user(name);
	int r;

	if (!pw) {
		config_error(g->c, g->place, "allow: there is no user %s", name);
		return 0;
	}
	r = grant(g, false, pw->pw_uid);
	return r < 0 ? r : remember_user(g->c, pw);
}

static int resolve_grant(struct granting *g, const char *text)
{
	const char *name = NULL;
	const enum role role = role_parse(text, &name);

	if ((int)role < 0) {
		config_error(g->c, g->place,
			     "allow: '%s' is not a role and a name: write metrics:, read:, deploy: "
			     "or admin:, and a user or an @group, as in deploy:ci",
			     text);
		return 0;
	}
	if (g->service && role == ROLE_ADMIN) {
		config_error(g->c, g->place,
			     "allow: '%s': %s is a role for all of slotd: write it in [slotd]; a "
			     "service has metrics, read and deploy",
			     text, role_name(role));
		return 0;
	}
	g->grant = (struct grant){.role = role, .service = g->service ? g->service->name : NULL};
	return name[0] == '@' ? grant_group(g, name + 1) : grant_user(g, name);
}

static int resolve_grants(struct config *c, struct config_place place,
			  const struct service_config *s, char *const *allow)
{
	struct granting g = {.c = c, .place = place, .service = s};
	int r = 0;

	for (; r == 0 && allow && *allow; allow++) {
		r = resolve_grant(&g, *allow);
	}
	return r;
}

/* ---- hosts --------------------------------------------------------------------------------- */

/* IPv4 first, as in Supervisor, which knows nothing else. */
static int look_up(const char *host, char *text, size_t size)
{
	static const int families[] = {AF_INET, AF_INET6};
	int r = EAI_NONAME;

	if (strcmp(host, "localhost") == 0) { /* also where there is no /etc/hosts */
		(void)snprintf(text, size, "127.0.0.1");
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct addrinfo hints = {
			.ai_family = families[i],
			.ai_socktype = SOCK_STREAM,
		};
		struct addrinfo *found;

		r = getaddrinfo(host, NULL, &hints, &found);
		if (r == 0) {
			r = getnameinfo(found->ai_addr, found->ai_addrlen, text, (socklen_t)size,
					NULL, 0, NI_NUMERICHOST);
			freeaddrinfo(found);
		}
		if (r == 0) {
			return 0;
		}
	}
	return r;
}

/* Each name once: a thousand workers may be at localhost. */
static int resolve_host(struct config *c, const struct host_lookup *l, struct map *known)
{
	char host[NI_MAXHOST], text[NI_MAXHOST + 16];
	struct endpoint e;
	const char *numeric;

	endpoint_split(*l->address, &e);
	if (endpoint_is_numeric(&e)) {
		return 0;
	}
	numeric = map_get(known, e.host);
	if (!numeric) {
		int r = look_up(e.host, host, sizeof(host));

		if (r != 0) {
			config_error(c, l->place, "%s%s: %s: cannot resolve %s: %s", l->kind,
				     l->name, l->option, e.host, gai_strerror(r));
			return 0;
		}
		numeric = arena_text(c->memory, host);
		if (!numeric || map_set(known, e.host, (void *)numeric) < 0) {
			return -ENOMEM;
		}
	}
	(void)snprintf(text, sizeof(text), strchr(numeric, ':') ? "[%s]:%u" : "%s:%u", numeric,
		       e.port);
	*l->address = arena_text(c->memory, text);
	return *l->address ? 0 : -ENOMEM;
}

/* ---- logs ---------------------------------------------------------------------------------- */

static void resolve_log(struct config *c, const struct log_lookup *l)
{
	struct log_target t = {.found = true};
	struct diag diag = {0};
	char name[PATH_MAX];
	const char *last;
	auto_close int dir = -EBADF;
	int r = links_resolve(l->log->path, LINKS_OURS, name, sizeof(name), &diag);

	if (r < 0 && links_descriptor(name, &t.pid, &t.fd)) {
		l->log->target = t;
		return;
	}
	dir = r == 0 ? links_open_directory(name, &last) : -EBADF;
	if (dir == -ELOOP) {
		r = diag_set(&diag, -EPERM,
			     "%s: a directory of this path is a link of somebody else, which is "
			     "not followed: give the link to root, or name its target",
			     name);
	}
	if (r == -EPERM) {
		config_warning(c, l->place, "%s%s: %s: %s; its output is lost", l->kind, l->name,
			       l->option, diag.text);
	}
}

/* Many workers may share one: it is looked at, and complained of, once. */
static void resolve_logs(struct config *c, const struct lookups *l)
{
	for (size_t i = 0; i < l->logs.len; i++) {
		const struct log_lookup *one = &l->logs.at[i], *last = i ? one - 1 : NULL;

		if (last && last->place.line == one->place.line &&
		    strcmp(last->log->path, one->log->path) == 0) {
			one->log->target = last->log->target;
		} else {
			resolve_log(c, one);
		}
	}
}

/* ---- who is live ---------------------------------------------------------------------------- */

static int read_live(const char *path, char *text, size_t size)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n < 0) {
		return -errno;
	}
	text[n] = '\0';
	return 0;
}

static int resolve_live(struct config *c, struct service_config *s)
{
	char text[64], word[3];
	struct live_found *found = &s->live_found;

	if (!s->live_file) {
		found->code = -ENOENT;
		return 0;
	}
	found->code = read_live(s->live_file, text, sizeof(text));
	if (found->code < 0) {
		return 0;
	}
	if (sscanf(text, " %2s", word) == 1 && slot_from_name(word) >= 0 &&
	    text[strspn(text, " \t\r\nab")] == '\0') {
		found->live = (enum slot_id)slot_from_name(word);
		return 0;
	}
	text[strcspn(text, "\r\n")] = '\0';
	found->code = -EINVAL;
	found->text = arena_text(c->memory, text);
	return found->text ? 0 : -ENOMEM;
}

/* ---- files --------------------------------------------------------------------------------- */

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The program, where it stands there as a plain absolute path. */
static void check_command(struct config *c, const struct worker_config *w)
{
	char path[4096];
	struct stat st;
	size_t len = w->command ? strcspn(w->command, " \t\n'\"\\") : 0;

	if (len == 0 || w->command[0] != '/' || len >= sizeof(path) ||
	    (w->command[len] && !isspace((unsigned char)w->command[len]))) {
		return;
	}
	memcpy(path, w->command, len);
	path[len] = '\0';
	if (access(path, F_OK) < 0) {
		config_warning(c, w->program->place, "program %s: command: there is no %s",
			       w->program->name, path);
	} else if (stat(path, &st) == 0 && (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))) {
		config_warning(c, w->program->place, "program %s: command: %s is not executable",
			       w->program->name, path);
	}
}

static void check_files(struct config *c)
{
	vec_for_each (p, &c->programs) {
		const struct worker_config *w = (*p)->workers.at;

		if (!(*p)->workers.len) {
			continue;
		}
		if (w->directory && !is_directory(w->directory)) {
			config_warning(c, (*p)->place,
				       "program %s: directory: there is no directory %s",
				       (*p)->name, w->directory);
		}
		check_command(c, w);
	}
}

/* ---- all ----------------------------------------------------------------------------------- */

int config_resolve(struct config *c)
{
	CLEANUP(lookups_done) struct lookups l = {0};
	CLEANUP(map_done) struct map known = {0};
	int r = lookups_collect(c, &l);

	for (size_t i = 0; r == 0 && i < l.owners.len; i++) {
		r = resolve_owner(c, &l.owners.at[i]);
	}
	for (size_t i = 0; r == 0 && i < l.hosts.len; i++) {
		r = resolve_host(c, &l.hosts.at[i], &known);
	}
	for (size_t i = 0; r == 0 && i < c->services.len; i++) {
		r = resolve_allowed(c, c->services.at[i]);
		r = r < 0 ? r : resolve_live(c, c->services.at[i]);
		r = r < 0 ? r
			  : resolve_grants(c, c->services.at[i]->allow_place, c->services.at[i],
					   c->services.at[i]->allow);
	}
	r = r < 0 ? r : resolve_grants(c, c->supervisord.allow_place, NULL, c->supervisord.allow);
	resolve_logs(c, &l);
	if (r == 0 && geteuid() != 0) {
		const struct passwd *pw = getpwuid(geteuid());

		r = pw ? remember_user(c, pw) : 0;
	}
	if (r < 0) {
		return r;
	}
	check_files(c);
	check_trust(c);
	return c->n_errors ? -EINVAL : 0;
}
