/* import-check: what the programs of a file run, and how their options are understood. */
#include "import.h"

#include <slotd/cleanup.h>
#include <string.h>

/* ---- commands ------------------------------------------------------------------------------- */

static const char pidproxy[] = SLOTD_BIN_DIR "/pidproxy";

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(name, *names) == 0) {
			return true;
		}
	}
	return false;
}

static void say_pidproxy(struct import *im, const struct program_config *p, const char *command)
{
	if (strcmp(command, pidproxy) != 0) {
		import_say(im,
			   "%s:%u: program %s runs %s, which goes away with Supervisor; slotd has "
			   "%s, which does the same",
			   p->place.file, p->place.line, p->name, command, pidproxy);
	}
}

static void say_client(struct import *im, const struct program_config *p, const char *command)
{
	import_say(
		im,
		"%s:%u: program %s runs %s, which goes away with Supervisor; slotctl has the same "
		"commands",
		p->place.file, p->place.line, p->name, command);
}

static void say_python(struct import *im, const struct program_config *p, const char *command)
{
	import_say(im,
		   "%s:%u: program %s runs %s, which needs the Python package supervisor: leave it "
		   "installed, with its service disabled",
		   p->place.file, p->place.line, p->name, command);
}

/* From Supervisor and from superlance, by which event listeners are often written. */
static const struct {
	const char *const names[8];
	void (*say)(struct import *im, const struct program_config *p, const char *command);
} commands[] = {
	{{"pidproxy"}, say_pidproxy},
	{{"supervisorctl"}, say_client},
	{{"memmon", "httpok", "crashmail", "crashmailbatch", "crashsms", "fatalmailbatch",
	  "supervisor_stdout"},
	 say_python},
};

/* One word of a command, also within the text for a shell. Was there something to say? */
static bool check_word(struct import *im, const struct program_config *p, const char *word,
		       bool is_module)
{
	if (is_module && (strcmp(word, "supervisor") == 0 ||
			  strncmp(word, "supervisor.", strlen("supervisor.")) == 0)) {
		say_python(im, p, word);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (is_one_of(base_name(word), commands[i].names)) {
			commands[i].say(im, p, word);
			return true;
		}
	}
	return false;
}

static void check_command(struct import *im, const struct program_config *p, const char *command)
{
	static const char between[] = " \t\r\n\"'`;|&()";
	bool is_module = false, said = false;
	char word[512];

	while (!said && *command) {
		size_t len = strcspn(command, between);

		if (len && len < sizeof(word)) {
			memcpy(word, command, len);
			word[len] = '\0';
			said = check_word(im, p, word, is_module);
			is_module = strcmp(word, "-m") == 0;
		}
		command += len;
		command += strspn(command, between);
	}
}

void import_check_commands(struct import *im)
{
	vec_for_each (p, &im->config->programs) {
		const struct worker_config *w = (*p)->workers.at;

		if ((*p)->workers.len && w->command) {
			check_command(im, *p, w->command);
		}
	}
}

/* ---- options -------------------------------------------------------------------------------- */

static bool has_capture_and_events(const struct program_config *p)
{
	const struct worker_config *w = p->workers.at;

	for (int i = 0; i < 2; i++) {
		if (w->logs[i].capture_maxbytes && w->logs[i].events_enabled) {
			return true;
		}
	}
	return false;
}

static bool cannot_rotate(const struct log_config *log)
{
	return log->kind == LOG_KIND_FILE && log->maxbytes &&
	       strncmp(log->path, "/dev/", strlen("/dev/")) == 0 &&
	       strcmp(log->path, "/dev/null") != 0;
}

static void check_program(struct import *im, const struct program_config *p)
{
	const struct worker_config *w = p->workers.at;

	if (has_capture_and_events(p)) {
		import_say(im,
			   "%s:%u: program %s captures output: slotd sends captured text as "
			   "PROCESS_COMMUNICATION only, Supervisor as PROCESS_LOG, too",
			   p->place.file, p->place.line, p->name);
	}
	if (cannot_rotate(&w->logs[0]) || cannot_rotate(&w->logs[1])) {
		import_say(im,
			   "%s:%u: program %s logs to a device without *_logfile_maxbytes=0: slotd "
			   "writes to it, Supervisor cannot",
			   p->place.file, p->place.line, p->name);
	}
}

static void check_own_log(struct import *im)
{
	const struct supervisord_config *c = &im->config->supervisord;

	if (c->log.path && c->nodaemon && !c->silent && strcmp(c->log.path, "/dev/stdout") == 0) {
		import_say(
			im,
			"%s:%u: [supervisord] logfile=/dev/stdout: slotd writes each line of its "
			"log once, Supervisor twice",
			c->place.file, c->place.line);
	}
}

void import_check_options(struct import *im)
{
	vec_for_each (p, &im->config->programs) {
		if ((*p)->workers.len) {
			check_program(im, *p);
		}
	}
	check_own_log(im);
}
