/* [service:x]: a public socket with two slots. */
#include "service.h"

#include "canary.h"
#include "endpoint.h"
#include "hooks.h"
#include "messages.h"
#include "options_program.h"
#include "options_service.h"
#include "service_making.h"
#include "service_programs.h"
#include "service_slots.h"
#include "unknown.h"

#include <slotd/cleanup.h>
#include <slotd/health.h>
#include <slotd/notice.h>
#include <slotd/rolling.h>
#include <slotd/status_list.h>

#include <ctype.h>
#include <stdarg.h>

/* A shorter one tells more of the machine's load than of the worker. */
#define WATCHDOG_MIN MSECONDS(100)

/* ---- listen -------------------------------------------------------------------------------- */

static int add_listen(struct service_making *m, const char *option, const char *text)
{
	struct diag diag = {0};
	char *address;
	int r = endpoint_parse(text, m->l->config->memory, &address, &diag);

	if (r == -EINVAL) {
		service_error(m, option, "%s: %s", option, diag.text);
		return 0;
	}
	return r < 0 ? r : vec_push(&m->service->listen, address);
}

/* Returns how many addresses the option has, or -ENOMEM. */
static int read_addresses(struct service_making *m, const char *option, bool *ret_given)
{
	const size_t before = m->service->listen.len;
	struct expansions names;
	char **list = NULL;
	int r;

	service_names(m, SLOT_INVALID_, &names);
	r = loader_list(m->l, m->section, service_option(option), &names, &list);
	*ret_given = r < 0 || (r > 0 && list[0]);
	if (r == -ENOMEM) {
		return r;
	}
	for (r = 0; r == 0 && list && *list; list++) {
		r = add_listen(m, option, *list);
	}
	return r < 0 ? r : (int)(m->service->listen.len - before);
}

static int read_listen(struct service_making *m)
{
	bool given;
	int r = read_addresses(m, "listen", &given);

	if (r >= 0 && !given) {
		service_missing(m, "listen",
				"add the public address, such as listen=127.0.0.1:8000");
	}
	r = r < 0 ? r : read_addresses(m, "preview_listen", &given);
	m->service->n_preview = r < 0 ? 0 : (size_t)r;
	return r < 0 ? r : 0;
}

/* ---- health -------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	bool with_arg;
	const char *example;
} health_kinds[HEALTH_KIND_MAX_] = {
	[HEALTH_TCP] = {"tcp", false, "health=tcp"},
	[HEALTH_HTTP] = {"http", true, "health=http /healthz"},
	[HEALTH_EXEC] = {"exec", true, "health=exec COMMAND"},
	[HEALTH_NOTIFY] = {"notify", false, "health=notify"},
};

static int parse_health(const char *text, enum health_kind *ret, const char **ret_arg,
			struct diag *diag)
{
	size_t len = strcspn(text, " \t\n");
	const char *arg = text + len + strspn(text + len, " \t\n");

	for (int k = 0; k < HEALTH_KIND_MAX_; k++) {
		if (strlen(health_kinds[k].word) != len ||
		    strncmp(text, health_kinds[k].word, len) != 0) {
			continue;
		}
		if (health_kinds[k].with_arg != (*arg != '\0')) {
			return diag_set(diag, -EINVAL,
					"'%.200s' has too few or too many words; write %s", text,
					health_kinds[k].example);
		}
		if (k == HEALTH_HTTP && (arg[0] != '/' || strpbrk(arg, " \t\r\n"))) {
			return diag_set(diag, -EINVAL, "'%.200s' is not a path; write %s", arg,
					health_kinds[k].example);
		}
		*ret = k;
		*ret_arg = *arg ? arg : NULL;
		return 0;
	}
	return diag_set(
		diag, -EINVAL,
		"'%.200s' is not a health check; use tcp, http PATH, exec COMMAND or notify", text);
}

static int read_slot_health(struct service_making *m, enum slot_id slot)
{
	struct service_slot_config *s = &m->service->slots[slot];
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct expansions names;
	struct diag diag = {0};
	const char *arg = NULL;
	int r;

	service_names(m, slot, &names);
	r = loader_text(m->l, m->section, service_option("health"), &names, &text);
	if (r <= 0) {
		return r;
	}
	r = parse_health(strbuf_str(&text), &m->service->health, &arg, &diag);
	if (r < 0) {
		service_error(m, "health", "health: %s", diag.text);
		return r;
	}
	s->health_arg = arg ? arena_text(m->l->config->memory, arg) : NULL;
	return arg && !s->health_arg ? -ENOMEM : 1;
}

/* A path without its query, which the words of offline_health do not have. */
static int default_offline_health(struct service_making *m)
{
	struct service_config *s = m->service;
	const char *a = s->slots[SLOT_A].health_arg, *b = s->slots[SLOT_B].health_arg;
	CLEANUP(strbuf_done) struct strbuf paths = {0};

	if (s->offline_health || s->health != HEALTH_HTTP || !a || !b) {
		return 0;
	}
	(void)strbuf_add(&paths, a, strcspn(a, "?#"));
	if (strcmp(a, b) != 0) {
		(void)strbuf_addc(&paths, ' ');
		(void)strbuf_add(&paths, b, strcspn(b, "?#"));
	}
	s->offline_health = arena_text(m->l->config->memory, strbuf_str(&paths));
	return paths.error || !s->offline_health ? -ENOMEM : 0;
}

static void check_offline_health(struct service_making *m)
{
	for (const char *at = m->service->offline_health; at && *at;) {
		const size_t n = strcspn(at, " ");

		if (n && (*at != '/' || memchr(at, '?', n))) {
			service_error(m, "offline_health",
				      "offline_health: '%.*s' is not a path without a query; write "
				      "/healthz, or several of them with spaces in between",
				      (int)(n < 200 ? n : 200), at);
		}
		at += n + (at[n] == ' ');
	}
}

static int read_health(struct service_making *m)
{
	if (!section_option(m->section, "health")) {
		service_missing(m, "health",
				"a worker that is RUNNING need not be ready: say how to check it, "
				"such as health=http /healthz or health=tcp");
		return 0;
	}
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		int r = read_slot_health(m, slot);

		if (r < 0) {
			return r == -ENOMEM ? r : 0; /* the same mistake would be in the other */
		}
	}
	if (!section_option(m->section, "connect")) {
		m->service->connect =
			m->service->health == HEALTH_HTTP ? CONNECT_LATE : CONNECT_EARLY;
	}
	return default_offline_health(m);
}

static void check_min_ready(struct service_making *m)
{
	const char *text = m->service->min_ready;

	if (gate_min_ready(text, 1) < 0) {
		service_error(m, "min_ready", "min_ready: '%s' is not all, a number or N%%", text);
		return;
	}
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		unsigned n = service_port_workers(&m->service->slots[slot]);

		if (n && isdigit((unsigned char)text[0]) && !strchr(text, '%') &&
		    strtoul(text, NULL, 10) > n) {
			service_error(m, "min_ready",
				      "min_ready: %s, but slot %s has %u workers; use all, or a "
				      "smaller number",
				      text, slot_name(slot), n);
		}
	}
}

static void check_gate(struct service_making *m)
{
	struct service_config *s = m->service;

	if (s->health_status && status_list_check(s->health_status) < 0) {
		service_error(
			m, "health_status",
			"health_status: '%s' is not a list of statuses; write 200-399 or 200,204",
			s->health_status);
	}
	if (s->min_ready) {
		check_min_ready(m);
	}
	for (char **event = s->notify_on; event && *event; event++) {
		if ((int)notice_find(*event) < 0) {
			service_error(m, "notify_on",
				      "notify_on: there is no event '%s': see notify_on in "
				      "slotd.conf(5)",
				      *event);
		}
	}
	if (s->rolling_max && rolling_most(s->rolling_max, 1) < 0) {
		service_error(m, "rolling_max",
			      "rolling_max: '%s' is neither a number from 1 on nor N%%",
			      s->rolling_max);
	}
	if (s->health_watchdog && s->health != HEALTH_NOTIFY) {
		service_error(m, "health_watchdog",
			      "health_watchdog: only workers with health=notify send WATCHDOG=1; "
			      "write health=notify, or leave it out");
	} else if (s->health_watchdog && s->health_watchdog < WATCHDOG_MIN) {
		service_error(m, "health_watchdog",
			      "health_watchdog: give 100ms or more, or 0 for no watchdog");
	}
}

/* What is not said of anything is a mistake, though not one that keeps slotd from starting. */
static void check_verify(struct service_making *m)
{
	const struct service_config *s = m->service;
	const bool verifies =
		s->slots[SLOT_A].hooks[HOOK_VERIFY] || s->slots[SLOT_B].hooks[HOOK_VERIFY];

	if (s->verify_interval && (!verifies || !s->bake)) {
		config_warning(m->l->config, loader_place(m->section, "verify_interval"),
			       "[%s] verify_interval: nothing is verified again without %s",
			       m->section->name,
			       verifies ? "bake=, the time in which the new slot is watched"
					: "verify=, the commands to do it");
	}
}

/* ---- the rest ------------------------------------------------------------------------------ */

static int read_slot_options(struct service_making *m)
{
	int r = 0;

	for (int slot = 0; r == 0 && slot < SLOT_MAX_; slot++) {
		struct expansions names;

		service_names(m, slot, &names);
		r = loader_options(m->l, m->section, service_options, TARGET_SLOT, &names,
				   &m->service->slots[slot]);
	}
	return r;
}

/* prepare runs where the workers run, unless said otherwise. */
static void default_directory(struct service_slot_config *s)
{
	vec_for_each (p, &s->programs) {
		if (!s->prepare_directory && (*p)->workers.len) {
			s->prepare_directory = (*p)->workers.at[0].directory;
		}
	}
}

/* slotd's working directory is not the file's, and changes when it goes into the background. */
static void check_absolute(struct service_making *m)
{
	const struct service_config *s = m->service;
	const struct {
		const char *option, *path;
	} paths[] = {
		{"live_file", s->live_file},
		{"live_link", s->live_link},
		{"offline_page", s->offline_page},
		{"prepare_directory", s->slots[SLOT_A].prepare_directory},
		{"prepare_directory", s->slots[SLOT_B].prepare_directory},
		{"releases_directory", s->slots[SLOT_A].releases_directory},
		{"releases_directory", s->slots[SLOT_B].releases_directory},
	};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		if (paths[i].path && paths[i].path[0] != '/') {
			service_error(m, paths[i].option,
				      "%s: %s is not an absolute path; write %%(here)s/%s",
				      paths[i].option, paths[i].path, paths[i].path);
		}
	}
}

static void check_releases(struct service_making *m)
{
	const struct service_config *s = m->service;

	if (s->keep_releases && !s->slots[SLOT_A].releases_directory) {
		service_error(m, "keep_releases",
			      "keep_releases: it is not known where the releases are; set "
			      "releases_directory=");
	}
}

static void drop_empty_hooks(struct service_slot_config *s)
{
	for (int hook = 0; hook < HOOK_MAX_; hook++) {
		if (s->hooks[hook] && !s->hooks[hook][0]) {
			s->hooks[hook] = NULL;
		}
	}
}

static void settle(struct service_making *m)
{
	struct service_config *s = m->service;

	check_absolute(m);
	check_releases(m);
	check_offline_health(m);
	hooks_check(m);
	if (s->announce && !s->announce[0]) {
		s->announce = NULL;
	}
	for (int slot = 0; slot < SLOT_MAX_; slot++) {
		default_directory(&s->slots[slot]);
		drop_empty_hooks(&s->slots[slot]);
		if (s->live_link && !s->slots[slot].prepare_directory) {
			service_error(
				m, "live_link",
				"live_link: slot %s has no directory that the link could point to; "
				"set prepare_directory= or the program's directory=",
				slot_name(slot));
		}
		if (s->min_free && !s->slots[slot].prepare_directory) {
			service_error(m, "min_free",
				      "min_free: slot %s has no directory whose file system could "
				      "be looked at; set prepare_directory= or the program's "
				      "directory=",
				      slot_name(slot));
		}
	}
	for (int hook = 0; hook < HOOK_MAX_; hook++) {
		if (s->hook_timeout[hook] == 0) {
			s->hook_timeout[hook] = USEC_NEVER;
		}
	}
}

static void check_name(struct service_making *m)
{
	const struct group_config *g = config_group(m->l->config, m->service->name);
	const struct program_config *p = config_program(m->l->config, m->service->name);

	if (g || p) {
		struct config_place at = p ? p->place : g->place;

		config_error(
			m->l->config, m->section->place,
			"[%s] has the same name as a %s (%s:%u); rename one of them, such as %s-a",
			m->section->name, p ? "program" : "group", at.file, at.line,
			m->service->name);
	}
}

/* In the first form they belong to the programs, where they would be looked for in vain. */
static void check_form(struct service_making *m)
{
	static const char *const ports[] = {"ports_a", "ports_b"};

	if (service_makes_programs(m->section) || section_typo(m->section, "command")) {
		return;
	}
	vec_for_each (o, &m->section->options) {
		for (const struct option_def *def = program_options; def->name; def++) {
			if (strcmp(def->name, (*o)->name) == 0) {
				service_error(m, def->name,
					      "%s: this option belongs in the programs of the "
					      "slots; in this section it needs command= as well",
					      def->name);
			}
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		if (section_option(m->section, ports[i])) {
			service_error(m, ports[i],
				      "%s: this option needs command=; with slot_a= and slot_b= "
				      "the ports come from numprocs_start= of the programs",
				      ports[i]);
		}
	}
}

static int read_service(struct service_making *m)
{
	struct expansions names;
	int r;

	check_name(m);
	check_form(m);
	service_names(m, SLOT_INVALID_, &names);
	r = loader_options(m->l, m->section, service_options, TARGET_SECTION, &names, m->service);
	if (r == 0) {
		r = read_slot_options(m);
	}
	if (r == 0) {
		r = read_listen(m);
	}
	if (r == 0) {
		r = service_slots(m);
	}
	if (r == 0) {
		r = read_health(m);
	}
	if (r == 0) {
		r = service_canary(m);
	}
	if (r == 0) {
		check_gate(m);
		settle(m);
		check_verify(m);
	}
	return r;
}

static int load_service(struct loader *l, const struct section *s)
{
	struct service_making m = {.l = l, .section = s, .index = (int)l->config->services.len};
	const char *name = service_name_of(l, s);

	if (!name) {
		return 0;
	}
	if (m.index >= SWITCHBOARD_SERVICES) {
		config_error(l->config, s->place, "[%s] is one service too many: the limit is %d",
			     s->name, SWITCHBOARD_SERVICES);
		return 0;
	}
	m.service = arena_alloc(l->config->memory, sizeof(*m.service));
	if (!m.service) {
		return -ENOMEM;
	}
	*m.service = (struct service_config){
		.name = arena_text(l->config->memory, name),
		.place = s->place,
		.listen_place = loader_place(s, "listen"),
		.preview_place = loader_place(s, "preview_listen"),
		.allow_place = loader_place(s, "allow"),
		.socket_owner = {.uid = (uid_t)-1, .gid = (gid_t)-1},
	};
	if (!m.service->name || vec_push(&l->config->services, m.service) < 0) {
		return -ENOMEM;
	}
	return read_service(&m);
}

int load_services(struct loader *l)
{
	int r = 0;

	vec_for_each (s, &l->document.sections) {
		if (r == 0 && strncmp((*s)->name, "service:", strlen("service:")) == 0) {
			r = load_service(l, *s);
		}
	}
	return r;
}
