/* A file to start from, made of the option tables: echo_supervisord_conf(1). */
#include "sections.h"

#include <slotd/cleanup.h>

#include <string.h>

enum {
	COMMENT_WIDTH = 78,
};

/* What stands in the sample where the table has no default, or one that would not do. */
struct example {
	const char *section, *option, *value;
	bool set; /* not in a comment */
};

static const struct example examples[] = {
	{"unix_http_server", "file", "/tmp/supervisor.sock", true},
	{"unix_http_server", "chown", "nobody:nogroup"},
	{"unix_http_server", "username", "user"},
	{"unix_http_server", "password", "123"},
	{"inet_http_server", "port", "127.0.0.1:9001"},
	{"inet_http_server", "username", "user"},
	{"inet_http_server", "password", "123"},
	{"supervisord", "logfile", "/tmp/supervisord.log", true},
	{"supervisord", "pidfile", "/tmp/supervisord.pid", true},
	{"supervisord", "childlogdir", "/tmp"},
	{"supervisord", "user", "nobody"},
	{"supervisord", "directory", "/tmp"},
	{"supervisord", "environment", "KEY=\"value\""},
	{"rpcinterface:supervisor", "supervisor.rpcinterface_factory",
	 "supervisor.rpcinterface:make_main_rpcinterface", true},
	{"supervisorctl", "serverurl", "unix:///tmp/supervisor.sock", true},
	{"supervisorctl", "username", "user"},
	{"supervisorctl", "password", "123"},
	{"supervisorctl", "history_file", "~/.supervisor_history"},
	{"program:program1", "command", "/bin/cat"},
	{"program:program1", "killasgroup", "false"},
	{"program:program1", "user", "nobody"},
	{"program:program1", "directory", "/tmp"},
	{"program:program1", "umask", "022"},
	{"program:program1", "environment", "A=\"1\",B=\"2\""},
	{"program:program1", "serverurl", "AUTO"},
	{"eventlistener:listener1", "command", "/bin/cat"},
	{"eventlistener:listener1", "events", "PROCESS_STATE,TICK_60"},
	{"fcgi-program:program2", "command", "/bin/cat"},
	{"fcgi-program:program2", "socket", "unix:///tmp/program2.sock"},
	{"fcgi-program:program2", "socket_owner", "nobody"},
	{"fcgi-program:program2", "socket_mode", "0700"},
	{"fcgi-program:program2", "socket_backlog", "128"},
	{"group:group1", "programs", "program1,program2"},
	{"include", "files", "conf.d/*.conf"},
};

/* The sections in their order; those of programs share all options but their own few. */
static const struct {
	const char *name;
	bool set;
} sections[] = {
	{"unix_http_server", true},
	{"inet_http_server"},
	{"supervisord", true},
	{"rpcinterface:supervisor", true},
	{"supervisorctl", true},
	{"program:program1"},
	{"eventlistener:listener1"},
	{"fcgi-program:program2"},
	{"group:group1"},
	{"include"},
};

static const char head[] =
	"; Sample supervisor config file, for slotd as for Supervisor.\n"
	";\n"
	"; slotd.conf(5) describes every option, and \"slotd -t -c FILE\" checks a file.\n"
	"; A ; begins a comment at the beginning of a line, and elsewhere after a blank.\n"
	"; %(ENV_X)s is the environment variable X, and a literal % is written %%.\n";

static const char service[] = "\n"
			      "; A service is a public socket in front of two programs, one of "
			      "which is live.\n"
			      "; Supervisor ignores this section.\n"
			      "\n"
			      ";[service:payinv]\n"
			      ";listen=127.0.0.1:8000\n"
			      ";slot_a=payinv-a\n"
			      ";slot_b=payinv-b\n"
			      ";health=http /healthz\n";

static const struct example *example_of(const char *section, const char *option)
{
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		if (strcmp(examples[i].section, section) == 0 &&
		    strcmp(examples[i].option, option) == 0) {
			return &examples[i];
		}
	}
	return NULL;
}

static void comment(FILE *to, const char *text)
{
	int column = 0;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column && column + 1 + len > COMMENT_WIDTH) {
			fputc('\n', to);
			column = 0;
		}
		column += fprintf(to, "%s%.*s", column ? " " : "; ", len, text);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', to);
}

static void option(FILE *to, const char *section, const struct option_def *def)
{
	const struct example *example = example_of(section, def->name);
	const char *value = example ? example->value : def->def;

	if (!value || def->ours) {
		return;
	}
	fputc('\n', to);
	comment(to, def->help);
	fprintf(to, "%s%s=%s\n", example && example->set ? "" : ";", def->name, value);
}

static void print_section(FILE *to, const char *name, bool set)
{
	const char *rest;
	const struct section_kind *k = section_kind(name, &rest);

	fputc('\n', to);
	comment(to, k->help);
	fprintf(to, "\n%s[%s]\n", set ? "" : ";", name);
	/* first the options of its own; those of a program, which follow, stand with a program */
	for (const struct option_def *def = k->options[0]; def->name; def++) {
		option(to, name, def);
	}
	if (k->options[1]) {
		const struct option_def *command = option_find(k, "command");

		option(to, name, command);
	}
}

void config_sample(FILE *to)
{
	fputs(head, to);
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		print_section(to, sections[i].name, sections[i].set);
	}
	fputs(service, to);
}
