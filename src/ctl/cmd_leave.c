/* leave: the way back to Supervisor, as commands to type. */

#include "commands.h"

#include <slotd/cleanup.h>
#include <slotd/config.h>
#include <slotd/map.h>
#include <slotd/os.h>
#include <slotd/strbuf.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct leave {
	struct config *config;
	struct value status; /* slotd.status(), or empty */
	struct map sections; /* of the file, by name */
	bool asks_slotd;     /* serverurl is slotd's own socket */
	unsigned step;
	unsigned n_ignored;
};

static void step(struct leave *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void step(struct leave *l, const char *fmt, ...)
{
	va_list ap;

	printf("%2u. ", ++l->step);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

/* ---- what the file needs --------------------------------------------------------------------- */

static void note_item(void *data, const struct config_item *item)
{
	static const char in_run_dir[] = "/slotd.sock";
	struct leave *l = data;
	size_t len;

	if (!item->option) {
		(void)map_set(&l->sections, item->section, l); /* only for hints */
	} else if (strcmp(item->section, "supervisorctl") == 0 &&
		   strcmp(item->option, "serverurl") == 0) {
		len = strlen(item->value);
		l->asks_slotd = len >= strlen(in_run_dir) &&
				strcmp(item->value + len - strlen(in_run_dir), in_run_dir) == 0;
	}
}

static bool has_section(const struct leave *l, const char *prefix, const char *name)
{
	CLEANUP(strbuf_done) struct strbuf whole = {0};

	(void)strbuf_addf(&whole, "%s%s", prefix, name);
	return map_get(&l->sections, strbuf_str(&whole)) != NULL;
}

static void write_sections(struct leave *l)
{
	const struct {
		bool missing;
		const char *text;
	} needed[] = {
		{!has_section(l, "", "supervisord"), "[supervisord]"},
		{l->config->servers.len == 0,
		 "[unix_http_server]\n       file=/run/supervisor.sock"},
		{!has_section(l, "rpcinterface:", "supervisor"),
		 "[rpcinterface:supervisor]\n       supervisor.rpcinterface_factory="
		 "supervisor.rpcinterface:make_main_rpcinterface"},
		{!has_section(l, "", "supervisorctl") || l->asks_slotd,
		 "[supervisorctl]\n       serverurl=unix:///run/supervisor.sock    ; the file= of "
		 "[unix_http_server]"},
	};
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (needed[i].missing && !any) {
			step(l,
			     "Write this into %s, because Supervisor needs it:", l->config->file);
			any = true;
		}
		if (needed[i].missing) {
			printf("       %s\n", needed[i].text);
		}
	}
}

/* A service in the second form has programs that stand nowhere in the file. */
static void write_programs(struct leave *l)
{
	vec_for_each (p, &l->config->programs) {
		if ((*p)->service >= 0 && (*p)->workers.len &&
		    !has_section(l, "program:", (*p)->name)) {
			step(l,
			     "Write [program:%s] into %s: its %zu workers come from [service:%s], "
			     "which Supervisor does not know. The command of the first worker "
			     "is:\n       %s",
			     (*p)->name, l->config->file, (*p)->workers.len,
			     l->config->services.at[(*p)->service]->name,
			     (*p)->workers.at[0].command ? (*p)->workers.at[0].command : "");
		}
	}
}

/* ---- services -------------------------------------------------------------------------------- */

/* Who is live: what slotd says, else the first slot. */
static enum slot_id live_slot(const struct leave *l, const char *service)
{
	value_for_each(s, value_array(&l->status, "services"))
	{
		if (strcmp(value_text(s, "service"), service) == 0) {
			return strcmp(value_text(s, "live"), "b") == 0 ? SLOT_B : SLOT_A;
		}
	}
	return SLOT_A;
}

static void point_proxies(struct leave *l)
{
	vec_for_each (s, &l->config->services) {
		const struct service_slot_config *slot = &(*s)->slots[live_slot(l, (*s)->name)];

		step(l,
		     "Nobody will listen for service %s any more (%s). Let your proxy send to the "
		     "workers of its live slot, %s, and reload the proxy:",
		     (*s)->name, (*s)->listen.len ? (*s)->listen.at[0] : "no address", slot->name);
		vec_for_each (p, &slot->programs) {
			vec_for_each (w, &(*p)->workers) {
				if (w->address) {
					printf("       %s\n", w->address);
				}
			}
		}
	}
}

static void stop_idle(struct leave *l)
{
	vec_for_each (s, &l->config->services) {
		enum slot_id idle = live_slot(l, (*s)->name) == SLOT_A ? SLOT_B : SLOT_A;

		vec_for_each (p, &(*s)->slots[idle].programs) {
			step(l,
			     "supervisorctl -c %s stop %s:*    # the idle slot: Supervisor starts "
			     "both",
			     l->config->file, (*p)->group);
		}
	}
}

/* ---- the daemons ----------------------------------------------------------------------------- */

static bool is_systemd_service(const struct leave *l)
{
	pid_t pid = (pid_t)value_int(value_member(&l->status, "daemon"), "pid");

	return pid > 0 && access("/run/systemd/system", F_OK) == 0 && process_parent(pid) == 1;
}

/* The unit of Supervisor's package looks there. */
static bool is_supervisors_place(const char *file)
{
	return strcmp(file, "/etc/supervisor/supervisord.conf") == 0 ||
	       strcmp(file, "/etc/supervisord.conf") == 0;
}

static void change_daemons(struct leave *l)
{
	const char *file = l->config->file;

	if (is_systemd_service(l)) {
		step(l, "systemctl disable --now slotd");
	} else if (l->status.len) {
		step(l, "slotctl -c %s shutdown --force", file);
	}
	if (is_supervisors_place(file) && access("/run/systemd/system", F_OK) == 0) {
		step(l, "systemctl enable --now supervisor");
	} else {
		step(l, "supervisord -c %s", file);
	}
}

/* ---- what Supervisor ignores ----------------------------------------------------------------- */

static void say_ignored(void *data, const struct config_item *item)
{
	struct leave *l = data;
	bool own_section = strcmp(item->section, "slotd") == 0 ||
			   strncmp(item->section, "service:", strlen("service:")) == 0;

	if (item->known != CONFIG_KNOWN_OURS) {
		return;
	}
	if (l->n_ignored++ == 0) {
		printf("\nSupervisor will silently ignore:\n");
	}
	if (!item->option) {
		printf("  %s:%u: [%s]\n", item->place.file, item->place.line, item->section);
	} else {
		printf("  %s:%u: %s%s%s%s=\n", item->place.file, item->place.line,
		       own_section ? "  " : "[", own_section ? "" : item->section,
		       own_section ? "" : "] ", item->option);
	}
}

static void say_passwords(const struct leave *l)
{
	vec_for_each (s, &l->config->servers) {
		if (s->password && s->password[0] == '$') {
			printf("\nThe password of [%s] is a crypt(5) hash, which Supervisor would "
			       "take for the password itself: write it plain or as {SHA}.\n",
			       s->section);
		}
	}
}

/* ---- all ------------------------------------------------------------------------------------- */

static void leave_done(struct leave *l)
{
	l->config = config_free(l->config);
	value_done(&l->status);
	map_done(&l->sections);
}

static int look(struct ctl *ctl, const struct words *words, struct leave *l, struct diag *diag)
{
	const char *path = words->n ? words->at[0] : ctl->options->config_file;
	int r = config_load(path, NULL, diag, &l->config);

	if (!l->config) {
		return r;
	}
	if (session_status(ctl, &l->status, NULL) < 0) {
		value_done(&l->status); /* it does not run: the file says enough */
		l->status = (struct value){0};
	}
	return config_walk(l->config->file, note_item, l, diag);
}

void cmd_leave(struct ctl *ctl, struct words *words)
{
	CLEANUP(leave_done) struct leave l = {0};
	struct diag diag = {0};

	if (words->n > 1) {
		printf("Error: leave takes one file at most\n");
		command_help(COMMAND_LEAVE);
		ctl->exit_code = EXIT_USAGE;
		return;
	}
	if (look(ctl, words, &l, &diag) < 0) {
		(void)fprintf(stderr, "slotctl: %s\n", diag.text);
		ctl->exit_code = EXIT_USAGE;
		return;
	}
	printf("To go back to Supervisor with %s, take these steps in order:\n", l.config->file);
	write_sections(&l);
	write_programs(&l);
	point_proxies(&l);
	change_daemons(&l);
	stop_idle(&l);
	step(&l, "supervisorctl -c %s status", l.config->file);
	printf("\nBetween the end of slotd and the start of Supervisor nothing runs. "
	       "slotd-supervisor(7) describes how to avoid that.\n");
	(void)config_walk(l.config->file, say_ignored, &l, NULL); /* it was readable just now */
	say_passwords(&l);
}
