/* The kinds of sections: what may stand in a file. */
#include "sections.h"

#include "options_program.h"
#include "options_service.h"
#include "options_supervisord.h"

#include <slotd/cleanup.h>

const struct section_kind section_kinds[] = {
	{"supervisord", .options = {supervisord_options},
	 .help = "Options of slotd itself. Those that only slotd has may stand in [slotd] as "
		 "well."},
	{"slotd", .ours = true, .options = {supervisord_options},
	 .help = "The options of [supervisord], and those that only slotd has. A value in this "
		 "section overrides that in [supervisord]. If the file has no [supervisord], logs "
		 "are in log_dir and the pid file is in run_dir."},
	{"service:", .named = true, .ours = true, .options = {service_options, program_options},
	 .help = "A public socket with two slots, one of which is live. slot_a and slot_b name the "
		 "programs or groups of this file that make up the slots. Alternatively the "
		 "section has a command, ports_a and ports_b, and every other option of "
		 "[program:x] may stand in it, with %(slot)s and %(port)d expanded; slotd then "
		 "makes two programs of it, x-a and x-b."},
	{"program:", .named = true, .options = {program_options},
	 .help = "A command to run, as one or more numbered workers."},
	{"group:", .named = true, .options = {group_options},
	 .help = "Programs that are controlled under a common name, instead of each in a group of "
		 "its own name."},
	{"eventlistener:", .named = true, .options = {eventlistener_options, program_options},
	 .help = "A program that receives events on its stdin. All options of [program:x] may "
		 "stand here."},
	{"fcgi-program:", .named = true, .options = {fcgi_options, program_options},
	 .help = "A program whose workers share a listening socket as descriptor 0. All options of "
		 "[program:x] may stand here."},
	{"unix_http_server", .options = {unix_server_options},
	 .help = "An HTTP server for clients on a unix socket, in addition to slotd.sock in "
		 "run_dir."},
	{"inet_http_server", .options = {inet_server_options},
	 .help = "An HTTP server for clients on a TCP port."},
	{"supervisorctl", .options = {ctl_options},
	 .help = "Options of slotctl and supervisorctl."},
	{"include", .options = {include_options},
	 .help = "Further files, which are read after this one."},
	{"rpcinterface:", .named = true, .any_option = true, .options = {rpcinterface_options},
	 .help = "An XML-RPC interface. slotd accepts this section for Supervisor's own interface, "
		 "which it always has."},
	{"ctlplugin:", .named = true, .any_option = true, .options = {ctlplugin_options},
	 .help = "A plugin of supervisorctl. slotd does not use this section."},
	{NULL},
};

static bool is_kind(const struct section_kind *k, const char *section)
{
	size_t len = strlen(k->name);

	if (strncmp(section, k->name, len) != 0) {
		return false;
	}
	/* Supervisor takes every section that begins with these for a server of its own. */
	return k->named || !section[len] || k->options[0] == unix_server_options ||
	       k->options[0] == inet_server_options;
}

const struct section_kind *section_kind(const char *section, const char **ret_rest)
{
	for (const struct section_kind *k = section_kinds; k->name; k++) {
		if (is_kind(k, section)) {
			*ret_rest = k->named ? section + strlen(k->name) : NULL;
			return k;
		}
	}
	return NULL;
}

const struct option_def *option_find(const struct section_kind *kind, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kind->options) && kind->options[i]; i++) {
		for (const struct option_def *def = kind->options[i]; def->name; def++) {
			if (strcmp(def->name, name) == 0) {
				return def;
			}
		}
	}
	return NULL;
}

bool option_repeats(const char *section, const char *name)
{
	const char *rest;
	const struct section_kind *kind = section_kind(section, &rest);
	const struct option_def *def = kind ? option_find(kind, name) : NULL;

	return def && def->type == OPT_CREDENTIALS;
}
