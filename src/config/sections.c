/* The kinds of sections: what may stand in a file. */
#include <slotd/cleanup.h>

#include "options.h"

const struct section_kind section_kinds[] = {
	{"supervisord", .options = {supervisord_options},
	 .help = "The daemon. The options that only slotd has may stand in [slotd] as well."},
	{"slotd", .ours = true, .options = {supervisord_options},
	 .help = "The same options; what stands here wins over [supervisord]. In a file without "
		 "[supervisord] the logs and the pid file are in log_dir and run_dir."},
	{"service:", .named = true, .ours = true, .options = {service_options, program_options},
	 .help = "A public socket with two slots, of which one is live. The slots are programs or "
		 "groups of this file (slot_a, slot_b), or made from command= and the ports. In "
		 "the "
		 "second form every option of [program:x] may stand here too, with %(slot)s and "
		 "%(port)d expanded; the programs are named x-a and x-b."},
	{"program:", .named = true, .options = {program_options},
	 .help = "A command to run as one or more numbered workers."},
	{"group:", .named = true, .options = {group_options},
	 .help = "Programs handled under one name. They leave the groups of their own names."},
	{"eventlistener:", .named = true, .options = {eventlistener_options, program_options},
	 .help = "A program that gets events on stdin. All options of [program:x] may stand here."},
	{"fcgi-program:", .named = true, .options = {fcgi_options, program_options},
	 .help = "A program whose workers share a listening socket as fd 0. All options of "
		 "[program:x] may stand here."},
	{"unix_http_server", .options = {unix_server_options},
	 .help = "An HTTP server on a unix socket, beside slotd's own in run_dir."},
	{"inet_http_server", .options = {inet_server_options},
	 .help = "An HTTP server on a TCP port."},
	{"supervisorctl", .options = {ctl_options}, .help = "For slotctl and supervisorctl."},
	{"include", .options = {include_options}, .help = "More files, read after this one."},
	{"rpcinterface:", .named = true, .any_option = true, .options = {rpcinterface_options},
	 .help = "Accepted for Supervisor's own interface, which slotd always has."},
	{"ctlplugin:", .named = true, .any_option = true, .options = {ctlplugin_options},
	 .help = "Read by supervisorctl only."},
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
