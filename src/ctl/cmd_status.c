#include "commands.h"
#include "json.h"
#include "names.h"
#include "view.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <slotd/vec.h>
#include <stdio.h>
#include <string.h>

/* The workers to show, borrowed from the reply, in the order to show them. */
struct selection {
	VEC(const struct value *) workers;
};

static void selection_done(struct selection *s)
{
	vec_done(&s->workers);
}

static bool matches(const struct value *worker, const struct namespec *spec)
{
	return strcmp(value_text(worker, "group"), spec->group) == 0 &&
	       (!spec->process || strcmp(value_text(worker, "name"), spec->process) == 0);
}

static int select_name(struct ctl *ctl, struct selection *to, const struct value *all,
		       const char *name)
{
	CLEANUP(namespec_done) struct namespec spec = {0};
	size_t before = to->workers.len;
	int r = namespec_parse(&spec, name);

	if (r < 0) {
		return r;
	}
	value_for_each(worker, all)
	{
		if (matches(worker, &spec) && vec_push(&to->workers, worker) < 0) {
			return -ENOMEM;
		}
	}
	if (to->workers.len == before) {
		printf("%s: ERROR (no such %s)\n", spec.process ? name : spec.group,
		       spec.process ? "process" : "group");
		ctl->exit_code = EXIT_STATUS_UNKNOWN;
	}
	return 0;
}

static int select_workers(struct ctl *ctl, struct selection *to, const struct value *all,
			  const struct words *words)
{
	int r = 0;

	if (words->n == 0 || words_have(words, "all")) {
		value_for_each(worker, all)
		{
			r = r < 0 ? r : vec_push(&to->workers, worker);
		}
		return r;
	}
	for (int i = 0; i < words->n && r == 0; i++) {
		r = select_name(ctl, to, all, words->at[i]);
	}
	return r;
}

static void set_exit_code(struct ctl *ctl, struct selection *s)
{
	vec_for_each (worker, &s->workers) {
		if (worker_is_stopped(worker_state_of(*worker))) {
			ctl->exit_code = EXIT_STATUS_STOPPED;
		}
	}
}

/* slotd-control goes on answering from memory when slotd has died. */
static void tell_death(struct ctl *ctl, const struct value *daemon)
{
	if (explain_died(daemon)) {
		ctl->exit_code = EXIT_STATUS_UNKNOWN;
	}
}

/* What the lines need. A Supervisor, or an older slotd, only has more than that. */
static int get_processes(struct ctl *ctl, struct value *ret, struct diag *diag)
{
	int r = ctl->own_methods_unknown ? -ENOSYS
					 : rpc_call(&ctl->rpc, ret, diag, "slotd.processes", "");

	if (r == -ENOSYS || session_method_unknown(ctl, r)) {
		r = rpc_call(&ctl->rpc, ret, diag, "supervisor.getAllProcessInfo", "");
	}
	return r;
}

/* status for a pipe, or of given names: Supervisor's bytes. */
static void show_plain(struct ctl *ctl, const struct words *words)
{
	CLEANUP(selection_done) struct selection chosen = {0};
	CLEANUP(value_done) struct value all = {0}, daemon = {0};
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct diag diag = {0};
	int r = get_processes(ctl, &all, &diag);

	r = r < 0 ? r : select_workers(ctl, &chosen, &all, words);
	r = r < 0 ? r : view_plain(&text, chosen.workers.at, chosen.workers.len);
	if (r < 0) {
		session_unexpected(ctl, r, &diag);
		return;
	}
	(void)fputs(strbuf_str(&text), stdout);
	set_exit_code(ctl, &chosen);
	if (rpc_call(&ctl->rpc, &daemon, NULL, "supervisor.getState", "") == 0) {
		tell_death(ctl, &daemon);
	}
}

/* Everything, for a person. -ENOSYS: the server is a Supervisor. */
static int show_services(struct ctl *ctl)
{
	CLEANUP(value_done) struct value status = {0};
	CLEANUP(strbuf_done) struct strbuf text = {0};
	CLEANUP(selection_done) struct selection chosen = {0};
	const struct words everything = {0};
	struct diag diag = {0};
	int r = session_status(ctl, &status, &diag);

	if (r == -ENOSYS) {
		return r;
	}
	r = r < 0 ? r : select_workers(ctl, &chosen, value_array(&status, "workers"), &everything);
	r = r < 0 ? r : view_status(&text, &status, usec_wall());
	if (r < 0) {
		session_unexpected(ctl, r, &diag);
		return 0;
	}
	view_print(stdout, strbuf_str(&text), ctl->terminal);
	set_exit_code(ctl, &chosen);
	tell_death(ctl, value_member(&status, "daemon"));
	return 0;
}

static void show_json(struct ctl *ctl, const struct words *words)
{
	CLEANUP(selection_done) struct selection chosen = {0};
	CLEANUP(value_done) struct value status = {0};
	struct diag diag = {0};
	int r = session_everything(ctl, &status, &diag);

	r = r < 0 ? r : select_workers(ctl, &chosen, value_array(&status, "workers"), words);
	if (r < 0) {
		session_unexpected(ctl, r, &diag);
	} else if (words->n > 0 && !words_have(words, "all")) {
		json_print_list(chosen.workers.at, chosen.workers.len);
	} else {
		json_print(&status);
	}
	set_exit_code(ctl, &chosen);
}

void cmd_status(struct ctl *ctl, struct words *words)
{
	if (!session_up(ctl)) {
		if (!ctl->raised) {
			ctl->exit_code = EXIT_STATUS_UNKNOWN;
		}
	} else if (words->json) {
		show_json(ctl, words);
	} else if (!ctl->terminal || words->n > 0 || show_services(ctl) == -ENOSYS) {
		show_plain(ctl, words);
	}
}
