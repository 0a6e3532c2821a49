/* history: what became of swaps, rollbacks and deploys, as slotd records it, a line of JSON each.
 */

#include "commands.h"
#include "view.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/fault.h>
#include <slotd/json_read.h>
#include <slotd/strbuf.h>
#include <slotd/swap_names.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	LAST_BYTES = 64 * 1024, /* some 250 of them; a first line that was cut is no JSON */
};

const char *history_text(const json_t *entry, const char *name)
{
	const char *text = json_string_value(json_object_get(entry, name));

	return text ? text : "";
}

const char *history_when(const json_t *entry, char *buf, size_t size)
{
	time_t began = (time_t)json_integer_value(json_object_get(entry, "began"));
	struct tm tm;

	buf[0] = '\0';
	if (localtime_r(&began, &tm)) {
		(void)strftime(buf, size, "%Y-%m-%d %H:%M", &tm);
	}
	return buf;
}

void history_add_failure(struct strbuf *to, const json_t *entry)
{
	(void)strbuf_addf(to, "FAILED in %s: %s\n", history_text(entry, "step"),
			  history_text(entry, "why"));
}

static json_t *parse(const char *text, const struct words *services)
{
	json_t *all = json_array();

	while (*text) {
		size_t len = strcspn(text, "\n");
		json_t *entry;

		if (json_read(text, len, 0, NULL, &entry) == 0 && json_is_object(entry) &&
		    (services->n == 0 || words_have(services, history_text(entry, "service")))) {
			(void)json_array_append(all, entry);
		}
		json_decref(entry);
		text += len + (text[len] == '\n');
	}
	return all;
}

/* One that is gone has its history all the same. */
static bool is_among(const json_t *all, const char *service)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(all, i, entry)
	{
		if (strcmp(history_text(entry, "service"), service) == 0) {
			return true;
		}
	}
	return false;
}

/* Of a service that was frozen, paused or taken offline, which is no job. */
static void add_upkeep(struct strbuf *to, const json_t *entry, const char *when)
{
	view_column(to, "", 6);
	view_column(to, when, 18);
	view_column(to, history_text(entry, "service"), 14);
	view_column(to, history_text(entry, "kind"), 41);
	view_column(to, history_text(entry, "who"), 12);
	(void)strbuf_addf(to, "%s\n", history_text(entry, "text"));
}

static void add_entry(struct strbuf *to, const json_t *entry)
{
	char when[32], took[USEC_TEXT_MAX], row[128];

	(void)history_when(entry, when, sizeof(when));
	if (!json_object_get(entry, "job")) {
		add_upkeep(to, entry, when);
		return;
	}
	(void)usec_format((usec_t)(json_number_value(json_object_get(entry, "took")) * 1e6), took,
			  sizeof(took));
	(void)snprintf(row, sizeof(row), "#%lld",
		       json_integer_value(json_object_get(entry, "job")));
	view_column(to, row, 6);
	view_column(to, when, 18);
	view_column(to, history_text(entry, "service"), 14);
	view_column(to, history_text(entry, "kind"), 10);
	if (strcmp(history_text(entry, "kind"), swap_kind_name(SWAP_KIND_RESTART)) == 0) {
		(void)snprintf(row, sizeof(row), "in %s", history_text(entry, "to"));
	} else {
		(void)snprintf(row, sizeof(row), "%s -> %s", history_text(entry, "from"),
			       history_text(entry, "to"));
	}
	view_column(to, row, 8);
	view_column(to, history_text(entry, "release"), 14);
	view_column(to, took, 9);
	view_column(to, history_text(entry, "who"), 12);
	if (*history_text(entry, "step")) {
		history_add_failure(to, entry);
	} else {
		(void)strbuf_addf(to, "%s\n", history_text(entry, "text"));
	}
}

static void show(const struct ctl *ctl, const json_t *all)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};
	const json_t *entry;
	size_t i;

	json_array_foreach(all, i, entry)
	{
		add_entry(&text, entry);
	}
	if (i == 0) {
		(void)strbuf_adds(&text, "No swap, rollback or deploy is recorded\n");
	}
	view_print(stdout, strbuf_str(&text), ctl->terminal);
}

json_t *history_read(struct ctl *ctl, const struct words *services)
{
	CLEANUP(value_done) struct value reply = {0};
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, &reply, &diag, "slotd.readHistory", "ii", -LAST_BYTES, 0);

	if (r < 0 && !(r == -EREMOTE && ctl->rpc.fault.code == FAULT_NO_FILE)) {
		session_own_failed(ctl, r, &diag, false);
		return NULL;
	}
	return parse(r < 0 ? "" : value_str(&reply), services);
}

void cmd_history(struct ctl *ctl, struct words *words)
{
	json_t *all = history_read(ctl, words);

	if (!all) {
		return;
	}
	for (int i = 0; i < words->n; i++) {
		if (!is_among(all, words->at[i]) &&
		    !service_is_known(ctl, COMMAND_HISTORY, words->at[i])) {
			json_decref(all);
			return;
		}
	}
	if (words->json) {
		(void)json_dumpf(all, stdout, JSON_INDENT(2));
		(void)putchar('\n');
	} else {
		show(ctl, all);
	}
	json_decref(all);
}
