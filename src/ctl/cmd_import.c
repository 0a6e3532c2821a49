/* import-check: what becomes of a supervisord.conf under slotd. */

#include "commands.h"
#include "import.h"

#include <errno.h>
#include <slotd/address.h>
#include <slotd/cleanup.h>
#include <slotd/config.h>
#include <slotd/listen.h>
#include <slotd/rivals.h>
#include <slotd/strbuf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const headings[FINDING_MAX_] = {
	[FINDING_MISTAKE] = "slotd does not start with this file:",
	[FINDING_DIFFERENT] = "Different under slotd:",
	[FINDING_TWICE] = "Would run twice:",
	[FINDING_NEW] = "New with slotd:",
};

typedef void check_fn(struct import *im);

void import_say(struct import *im, const char *fmt, ...)
{
	va_list ap;

	if (im->n[im->finding]++ == 0) {
		printf("%s\n", headings[im->finding]);
	}
	printf("  ");
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

/* ---- mistakes, and what is understood otherwise ---------------------------------------------- */

static void say_message(struct import *im, const struct config_message *m)
{
	char line[DIAG_TEXT_MAX + DIAG_FILE_MAX + 16];

	import_say(im, "%s", diag_format(&m->diag, line, sizeof(line)));
}

static void check_mistakes(struct import *im)
{
	vec_for_each (m, &im->config->messages) {
		if (m->error) {
			say_message(im, m);
		}
	}
}

/* Supervisor says it, too: no difference. */
static bool supervisor_says(const char *text)
{
	static const char *const texts[] = {"No file matches via include", "For ["};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (strncmp(text, texts[i], strlen(texts[i])) == 0) {
			return true;
		}
	}
	return false;
}

static void check_warnings(struct import *im)
{
	for (size_t i = 0; i < im->config->n_loaded; i++) {
		const struct config_message *m = &im->config->messages.at[i];

		if (!m->error && !supervisor_says(m->diag.text)) {
			say_message(im, m);
		}
	}
}

static void say_plugin(void *data, const struct config_item *item)
{
	if (!item->option && strncmp(item->section, "ctlplugin:", 10) == 0) {
		import_say(data,
			   "%s:%u: [%s] is a plugin in Python: supervisorctl still loads it, but "
			   "slotctl does not have its commands",
			   item->place.file, item->place.line, item->section);
	}
}

static void check_plugins(struct import *im)
{
	(void)config_walk(im->config->file, say_plugin, im, NULL); /* it was readable just now */
}

/* slotd looks up no names for sockets that it opens: that may wait for a network. */
static bool is_name(const char *url)
{
	static const char scheme[] = "tcp://", known[] = "localhost:";
	const char *host = url + strlen(scheme);
	struct address a;

	return strncmp(url, scheme, strlen(scheme)) == 0 &&
	       strncmp(host, known, strlen(known)) != 0 && address_parse(host, &a) < 0;
}

static void check_fcgi_program(struct import *im, const struct program_config *p)
{
	if (strcmp(p->group, p->name) != 0) {
		import_say(im,
			   "%s:%u: [fcgi-program:%s] has its socket in group %s, too, where "
			   "Supervisor forgets it",
			   p->place.file, p->place.line, p->name, p->group);
	}
	if (p->socket && is_name(p->socket)) {
		import_say(im, "%s:%u: [fcgi-program:%s] socket=%s: slotd needs a numeric host",
			   p->place.file, p->place.line, p->name, p->socket);
	}
}

static void check_fcgi(struct import *im)
{
	vec_for_each (p, &im->config->programs) {
		if ((*p)->kind == PROGRAM_FCGI) {
			check_fcgi_program(im, *p);
		}
	}
}

/* Does one type of event have the other among its kinds? */
static bool event_covers(const char *wide, const char *narrow)
{
	size_t len = strlen(wide);

	return strcmp(wide, narrow) != 0 &&
	       (strcmp(wide, "EVENT") == 0 ||
		(strncmp(wide, narrow, len) == 0 && narrow[len] == '_'));
}

static void check_listener(struct import *im, const struct program_config *p)
{
	for (char **wide = p->events; wide && *wide; wide++) {
		for (char **narrow = p->events; *narrow; narrow++) {
			if (event_covers(*wide, *narrow)) {
				import_say(im,
					   "%s:%u: [eventlistener:%s] subscribes to %s and, by %s, "
					   "to the same again: Supervisor sends such an event "
					   "twice, slotd once",
					   p->place.file, p->place.line, p->name, *narrow, *wide);
			}
		}
	}
}

static void check_events(struct import *im)
{
	vec_for_each (p, &im->config->programs) {
		check_listener(im, *p);
	}
}

struct mentions {
	bool ctl, serverurl, interface;
};

static void look_for_mentions(void *data, const struct config_item *item)
{
	struct mentions *m = data;

	m->interface |= strcmp(item->section, "rpcinterface:supervisor") == 0;
	if (strcmp(item->section, "supervisorctl") == 0) {
		m->ctl = true;
		m->serverurl |= item->option && strcmp(item->option, "serverurl") == 0;
	}
}

static void check_clients(struct import *im)
{
	struct mentions m = {0};

	(void)config_walk(im->config->file, look_for_mentions, &m, NULL);
	if (!m.serverurl) {
		import_say(im,
			   "%s: [supervisorctl] has no serverurl: supervisorctl connects to "
			   "http://localhost:9001, slotctl to %s/slotd.sock",
			   im->config->file, im->config->supervisord.run_dir);
	}
	if (!m.interface && im->config->servers.len) {
		import_say(im,
			   "%s: there is no [rpcinterface:supervisor], without which Supervisor "
			   "has no supervisor.* methods; slotd always has them",
			   im->config->file);
	}
}

/* ---- what would run twice -------------------------------------------------------------------- */

static void check_pidfile(struct import *im)
{
	const char *path = im->config->supervisord.pidfile;
	struct rival rival;

	if (path && rival_by_pidfile(path, &rival)) {
		import_say(im, "%s (pid %d) runs with pidfile=%s", rival.name, (int)rival.pid,
			   path);
	}
}

static void check_file(struct import *im)
{
	struct rival rival;

	if (rival_by_config(im->config->file, &rival)) {
		import_say(im, "%s (pid %d) runs with this file", rival.name, (int)rival.pid);
	}
}

static void check_socket(struct import *im, const char *path, const char *section, const char *name)
{
	struct rival rival;

	if (rival_by_socket(path, &rival)) {
		import_say(im, "%s (pid %d) listens on %s, the socket of [%s%s]", rival.name,
			   (int)rival.pid, path, section, name);
	}
}

static void check_sockets(struct import *im)
{
	static const char scheme[] = "unix://";

	vec_for_each (s, &im->config->servers) {
		if (s->unix_socket) {
			check_socket(im, s->address + strlen("unix:"), s->section, "");
		}
	}
	vec_for_each (p, &im->config->programs) {
		if ((*p)->socket && strncmp((*p)->socket, scheme, strlen(scheme)) == 0) {
			check_socket(im, (*p)->socket + strlen(scheme),
				     "fcgi-program:", (*p)->name);
		}
	}
}

static void check_port(struct import *im, const char *address, const char *what, const char *name)
{
	char holder[128];

	if (address && !listen_is_free(address)) {
		import_say(im, "%s, %s%s, is held by %s", address, what, name,
			   listen_holder(address, holder, sizeof(holder)));
	}
}

static void check_slot_ports(struct import *im, const struct service_slot_config *slot)
{
	vec_for_each (p, &slot->programs) {
		vec_for_each (w, &(*p)->workers) {
			check_port(im, w->address, "worker ", w->name);
		}
	}
}

static void check_ports(struct import *im)
{
	static const char scheme[] = "tcp://";

	vec_for_each (p, &im->config->programs) {
		if ((*p)->socket && strncmp((*p)->socket, scheme, strlen(scheme)) == 0) {
			check_port(im, (*p)->socket + strlen(scheme), "the socket of ", (*p)->name);
		}
	}
	vec_for_each (s, &im->config->servers) {
		check_port(im, s->address, "the address of ", s->section);
	}
	vec_for_each (s, &im->config->services) {
		vec_for_each (address, &(*s)->listen) {
			check_port(im, *address, "the public socket of service ", (*s)->name);
		}
		for (int slot = 0; slot < SLOT_MAX_; slot++) {
			check_slot_ports(im, &(*s)->slots[slot]);
		}
	}
}

static unsigned count_running(const struct value *infos, const char *group)
{
	unsigned n = 0;

	value_for_each(info, infos)
	{
		n += strcmp(value_text(info, "group"), group) == 0 && value_int(info, "pid") > 0;
	}
	return n;
}

/* Asks the one that answers there what it runs. */
static int ask_running(const struct server_config *s, struct value *ret, struct diag *diag)
{
	CLEANUP(strbuf_done) struct strbuf url = {0};
	CLEANUP(rpc_done) struct rpc rpc;
	int r;

	rpc_init(&rpc);
	if (s->unix_socket) {
		(void)strbuf_addf(&url, "unix://%s", s->address + strlen("unix:"));
	} else {
		(void)strbuf_addf(&url, "http://%s", s->address);
	}
	r = url.error ? url.error
		      : rpc_open(&rpc, strbuf_str(&url), s->username, s->password, diag);
	return r < 0 ? r : rpc_call(&rpc, ret, diag, "supervisor.getAllProcessInfo", "");
}

static void check_programs(struct import *im)
{
	vec_for_each (s, &im->config->servers) {
		CLEANUP(value_done) struct value infos = {0};
		struct diag diag = {0};
		int r = ask_running(s, &infos, &diag);

		if (r < 0 && r != -ENOENT && r != -ECONNREFUSED) {
			import_say(im, "%s cannot be asked what it runs: %s", s->address,
				   diag.text[0] ? diag.text : "it answers with a fault");
		}
		vec_for_each (g, &im->config->groups) {
			unsigned n = count_running(&infos, (*g)->name);

			if (n) {
				import_say(im, "%s: %u process%s of it run%s already (asked by %s)",
					   (*g)->name, n, n == 1 ? "" : "es", n == 1 ? "s" : "",
					   s->address);
			}
		}
		if (infos.len) {
			return; /* the other servers are the same daemon's */
		}
	}
}

/* ---- what is new ----------------------------------------------------------------------------- */

static void check_places(struct import *im)
{
	const struct supervisord_config *c = &im->config->supervisord;

	import_say(im, "%s/slotd.sock is for slotctl, in addition to the servers of the file",
		   c->run_dir);
	import_say(im, "%s is for what must survive a reboot, and %s for the logs of deploys",
		   c->state_dir, c->log_dir);
}

/* What is missing on this machine, which Supervisor finds out when it starts the program. */
static void check_machine(struct import *im)
{
	for (size_t i = im->config->n_loaded; i < im->config->messages.len; i++) {
		if (!im->config->messages.at[i].error) {
			say_message(im, &im->config->messages.at[i]);
		}
	}
}

static unsigned processes(const struct config *c)
{
	unsigned n = 0;

	vec_for_each (p, &c->programs) {
		n += (unsigned)(*p)->workers.len;
	}
	return n;
}

static void check_shutdown(struct import *im)
{
	if (processes(im->config) > 1) {
		import_say(im, "at shutdown all processes of one priority are stopped at once; "
			       "Supervisor stops one group after another");
	}
}

static bool numbered_alike(const struct program_config *a, const struct program_config *b)
{
	return a->service < 0 && b->service < 0 && a->workers.len == b->workers.len &&
	       strcmp(a->group, b->group) != 0;
}

/* Two programs that differ in their last letter, a and b: somebody switches releases by hand. */
static void check_slots(struct import *im)
{
	char other[256];

	vec_for_each (p, &im->config->programs) {
		size_t len = strlen((*p)->name);
		const struct program_config *b;

		if (len < 3 || len >= sizeof(other) || (*p)->name[len - 1] != 'a' ||
		    !strchr("-_.", (*p)->name[len - 2])) {
			continue;
		}
		(void)snprintf(other, sizeof(other), "%.*sb", (int)len - 1, (*p)->name);
		b = config_program(im->config, other);
		if (b && numbered_alike(*p, b)) {
			import_say(
				im,
				"%s and %s could be the slots of a [service:%.*s]: slotd.conf(5), "
				"slotd-supervisor(7)",
				(*p)->name, other, (int)len - 2, (*p)->name);
		}
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

/* In the order in which they are printed: findings of one kind stand together. */
static const struct {
	enum finding finding;
	check_fn *check;
} checks[] = {
	{FINDING_MISTAKE, check_mistakes},
	{FINDING_DIFFERENT, check_warnings},
	{FINDING_DIFFERENT, check_plugins},
	{FINDING_DIFFERENT, check_fcgi},
	{FINDING_DIFFERENT, check_events},
	{FINDING_DIFFERENT, check_clients},
	{FINDING_DIFFERENT, import_check_commands},
	{FINDING_DIFFERENT, import_check_options},
	{FINDING_TWICE, check_pidfile},
	{FINDING_TWICE, check_file},
	{FINDING_TWICE, check_sockets},
	{FINDING_TWICE, check_ports},
	{FINDING_TWICE, check_programs},
	{FINDING_NEW, check_places},
	{FINDING_NEW, check_machine},
	{FINDING_NEW, check_shutdown},
	{FINDING_NEW, check_slots},
};

static void free_config(struct config **c)
{
	*c = config_free(*c);
}

static int load(const char *path, struct config **ret, struct diag *diag)
{
	int r = config_load(path, NULL, diag, ret);

	if (r == 0) {
		r = config_resolve(*ret);
	}
	return *ret ? 0 : r; /* its mistakes are among its messages */
}

void cmd_import_check(struct ctl *ctl, struct words *words)
{
	CLEANUP(free_config) struct config *config = NULL;
	struct import im = {0};
	struct diag diag = {0};

	if (words->n != 1) {
		printf("Error: import-check needs the name of the file to check\n");
		command_help(COMMAND_IMPORT_CHECK);
		ctl->exit_code = EXIT_USAGE;
		return;
	}
	if (load(words->at[0], &config, &diag) < 0) {
		(void)fprintf(stderr, "slotctl: %s\n", diag.text);
		ctl->exit_code = EXIT_USAGE;
		return;
	}
	im.config = config;
	printf("%s: %u process%s in %zu group%s\n", config->file, processes(config),
	       processes(config) == 1 ? "" : "es", config->groups.len,
	       config->groups.len == 1 ? "" : "s");
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		im.finding = checks[i].finding;
		checks[i].check(&im);
	}
	if (im.n[FINDING_MISTAKE] || im.n[FINDING_DIFFERENT] || im.n[FINDING_TWICE]) {
		ctl->exit_code = EXIT_GENERIC;
	} else {
		printf("Nothing to do: slotd -c %s\n", config->file);
	}
}
