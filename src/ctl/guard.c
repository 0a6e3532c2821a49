#include "guard.h"

#include "names.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <stdio.h>
#include <string.h>

typedef bool named_fn(const struct value *worker, const struct words *words);

static bool worker_is_named(const struct value *worker, const struct words *words)
{
	for (int i = 0; i < words->n; i++) {
		CLEANUP(namespec_done) struct namespec spec = {0};

		if (strcmp(words->at[i], "all") == 0) {
			return true;
		}
		if (namespec_parse(&spec, words->at[i]) == 0 &&
		    strcmp(spec.group, value_text(worker, "group")) == 0 &&
		    (!spec.process || strcmp(spec.process, value_text(worker, "name")) == 0)) {
			return true;
		}
	}
	return false;
}

static bool group_is_named(const struct value *worker, const struct words *words)
{
	return words_have(words, value_text(worker, "group"));
}

static bool every_worker(const struct value *worker, const struct words *words)
{
	(void)worker;
	(void)words;
	return true;
}

static bool live_slot_is_named(const struct value *status, const struct value *service,
			       const struct words *words, named_fn *named)
{
	value_for_each(worker, value_array(status, "workers"))
	{
		if (strcmp(value_text(worker, "service"), value_text(service, "service")) == 0 &&
		    strcmp(value_text(worker, "slot"), value_text(service, "live")) == 0 &&
		    value_int(worker, "pid") != 0 && named(worker, words)) {
			return true;
		}
	}
	return false;
}

static bool decide(struct ctl *ctl, const struct words *words, const char *verb,
		   const struct strbuf *which)
{
	CLEANUP(strbuf_done) struct strbuf question = {0};

	if (which->len == 0 || words->force) {
		return true;
	}
	if (ctl->asks) {
		(void)strbuf_addf(&question, "%s serves now. Really %s it?", strbuf_str(which),
				  verb);
		return session_ask(strbuf_str(&question));
	}
	(void)fprintf(stderr,
		      "slotctl: %s serves now: to %s it all the same, add --force. Nothing was "
		      "done.\n",
		      strbuf_str(which), verb);
	ctl->exit_code = EXIT_GENERIC;
	return false;
}

static bool guard(struct ctl *ctl, const struct words *words, named_fn *named, const char *verb)
{
	CLEANUP(value_done) struct value status = {0};
	CLEANUP(strbuf_done) struct strbuf which = {0};
	struct diag diag = {0};
	int r;

	if (words->force) {
		return true;
	}
	r = session_services(ctl, &status, &diag);
	if (r == -ENOSYS || r == -ENOENT || r == -ECONNREFUSED) {
		return true; /* a Supervisor has no live slots; nobody at all, the command will say
			      */
	}
	if (r < 0) {
		session_unexpected(ctl, r, &diag);
		return false;
	}
	value_for_each(service, value_array(&status, "services"))
	{
		if (live_slot_is_named(&status, service, words, named)) {
			(void)strbuf_addf(&which, "%s%s (slot %s of it)", which.len > 0 ? ", " : "",
					  value_text(service, "service"),
					  value_text(service, "live"));
		}
	}
	return decide(ctl, words, verb, &which);
}

bool guard_live(struct ctl *ctl, const struct words *words, const char *verb)
{
	return guard(ctl, words, worker_is_named, verb);
}

bool guard_live_groups(struct ctl *ctl, const struct words *groups, const char *verb)
{
	return guard(ctl, groups, group_is_named, verb);
}

bool guard_all_live(struct ctl *ctl, const struct words *words, const char *verb)
{
	return guard(ctl, words, every_worker, verb);
}
