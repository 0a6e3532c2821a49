/* What [eventlistener:x] and [fcgi-program:x] have beside the options of a program. */
#include "program_kinds.h"

#include "messages.h"
#include "unknown.h"
#include "values.h"

#include <slotd/cleanup.h>
#include <slotd/event.h>

#include <ctype.h>

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_event(struct program_making *m, const char *event)
{
	const char *names[EVENT_TYPE_MAX_], *near;

	if (event_type_from_name(event) >= 0) {
		return;
	}
	for (int t = 0; t < EVENT_TYPE_MAX_; t++) {
		names[t] = event_type_name((enum event_type)t);
	}
	near = nearest_name(event, names, ARRAY_SIZE(names));
	config_error(m->l->config, program_place(m, "events"),
		     "Unknown event type %s in [%s] events%s%s%s", event, m->spec->section->name,
		     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static void requires(struct program_making *m, const char *option)
{
	const struct section *s = m->spec->section;
	char text[DIAG_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "[%s] section requires %s \"%s\" line", s->name,
		       option[0] == 'e' ? "an" : "a", option);
	if (section_option(s, option)) {
		config_error(m->l->config, program_place(m, option), "%s", text);
	} else {
		loader_missing(m->l, s, option, text);
	}
}

static int listener_events(struct program_making *m)
{
	const struct option_def def = {.name = "events", .type = OPT_LIST};
	char **events = NULL;
	size_t n = 0, kept = 0;
	int r = loader_list(m->l, m->spec->section, &def, &m->names, &events);

	if (r == -ENOMEM) {
		return r;
	}
	for (; events && events[n]; n++) {
		for (char *c = events[n]; *c; c++) {
			*c = (char)toupper((unsigned char)*c);
		}
		check_event(m, events[n]);
	}
	if (n == 0) {
		if (r >= 0) {
			requires(m, "events");
		}
		return 0;
	}
	qsort(events, n, sizeof(*events), compare_texts);
	for (size_t i = 0; i < n; i++) {
		if (kept == 0 || strcmp(events[i], events[kept - 1]) != 0) {
			events[kept++] = events[i];
		}
	}
	events[kept] = NULL;
	m->program->events = events;
	return 0;
}

int program_check_listener(struct program_making *m)
{
	const char *section = m->spec->section->name;

	if (m->program->redirect_stderr) {
		config_error(
			m->l->config, program_place(m, "redirect_stderr"),
			"[%s] section sets redirect_stderr=true but this is not allowed because "
			"it will interfere with the eventlistener protocol",
			section);
	}
	if (strcmp(m->program->result_handler, RESULT_HANDLER_DEFAULT) != 0 &&
	    strcmp(m->program->result_handler, RESULT_HANDLER_STDOUT) != 0) {
		config_warning(m->l->config, program_place(m, "result_handler"),
			       "[%s] result_handler: %s is Python, which slotd does not run; every "
			       "result but FAIL counts as OK",
			       section, m->program->result_handler);
	}
	return listener_events(m);
}

static bool is_tcp_url(const char *url)
{
	const size_t scheme = strlen("tcp://");
	const char *host, *colon;
	long port = 0;

	if (strncmp(url, "tcp://", scheme) != 0) {
		return false;
	}
	host = url + scheme;
	colon = strchr(host, ':');
	if (!colon || colon == host || strpbrk(host, " \t\n") ||
	    !isdigit((unsigned char)colon[1])) {
		return false;
	}
	return value_integer(colon + 1, &port, NULL) == 0 && port >= 1 && port <= 65535;
}

int program_check_fcgi(struct program_making *m)
{
	struct program_config *p = m->program;
	const struct section *s = m->spec->section;
	bool is_unix = p->socket && strncmp(p->socket, "unix://", strlen("unix://")) == 0;

	if (!p->socket || !p->socket[0]) {
		requires(m, "socket");
	} else if (is_unix && p->socket[strlen("unix://")] != '/') {
		config_error(m->l->config, program_place(m, "socket"),
			     "Unix socket path %s is not an absolute path in [%s] socket",
			     p->socket + strlen("unix://"), s->name);
	} else if (!is_unix &&
		   (section_option(s, "socket_owner") || section_option(s, "socket_mode"))) {
		config_error(m->l->config, program_place(m, "socket"),
			     "socket_owner and socket_mode params should only be used with a Unix "
			     "domain socket in [%s] socket",
			     s->name);
	} else if (!is_unix && !is_tcp_url(p->socket)) {
		config_error(m->l->config, program_place(m, "socket"),
			     "Bad socket format %s in [%s] socket; write tcp://host:port or "
			     "unix:///path",
			     p->socket, s->name);
	}
	return 0;
}
