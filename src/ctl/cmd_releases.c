/* releases: which were deployed, by the history; and the release of a job, for a rollback to it. */

#include "commands.h"
#include "view.h"

#include <jansson.h>
#include <slotd/cleanup.h>
#include <slotd/strbuf.h>
#include <slotd/swap_names.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_kind(const json_t *entry, enum swap_kind kind)
{
	return strcmp(history_text(entry, "kind"), swap_kind_name(kind)) == 0;
}

/* It was to bring a release into a slot and make it live. */
static bool brings_release(const json_t *entry)
{
	return *history_text(entry, "release") && !json_object_get(entry, "until") &&
	       (is_kind(entry, SWAP_KIND_DEPLOY) || is_kind(entry, SWAP_KIND_ROLLBACK) ||
		is_kind(entry, SWAP_KIND_CANARY) || is_kind(entry, SWAP_KIND_PROMOTE));
}

static bool is_release(const json_t *entry)
{
	return brings_release(entry) &&
	       json_integer_value(json_object_get(entry, "code")) == SWAP_EXIT_DONE;
}

/* ---- the list ---- */

static json_t *releases_of(json_t *history)
{
	json_t *all = json_array(), *entry;
	size_t i;

	json_array_foreach(history, i, entry)
	{
		if (brings_release(entry)) {
			(void)json_array_append(all, entry);
		}
	}
	return all;
}

/* "live in b", "held by a", or "done": it was live. */
static const char *where(const struct value *status, const json_t *entry, char *buf, size_t size)
{
	(void)snprintf(buf, size, "done");
	value_for_each(service, value_array(status, "services"))
	{
		if (strcmp(value_text(service, "service"), history_text(entry, "service")) != 0) {
			continue;
		}
		value_for_each(slot, value_array(service, "slots"))
		{
			const char *name = value_text(slot, "slot");

			if (strcmp(value_text(slot, "release"), history_text(entry, "release")) ==
			    0) {
				(void)snprintf(buf, size, "%s %s",
					       strcmp(name, value_text(service, "live")) == 0
						       ? "live in"
						       : "held by",
					       name);
			}
		}
	}
	return buf;
}

static void add_row(struct strbuf *to, const struct value *status, const json_t *entry)
{
	char when[32], cell[64];

	(void)snprintf(cell, sizeof(cell), "#%lld",
		       json_integer_value(json_object_get(entry, "job")));
	view_column(to, cell, 6);
	view_column(to, history_when(entry, when, sizeof(when)), 18);
	view_column(to, history_text(entry, "release"), 20);
	view_column(to, history_text(entry, "kind"), 10);
	view_column(to, history_text(entry, "to"), 3);
	view_column(to, history_text(entry, "who"), 12);
	if (is_release(entry)) {
		(void)strbuf_addf(to, "%s\n", where(status, entry, cell, sizeof(cell)));
	} else {
		history_add_failure(to, entry);
	}
}

static void show(struct ctl *ctl, const struct words *words, const json_t *all)
{
	CLEANUP(value_done) struct value status = {0};
	CLEANUP(strbuf_done) struct strbuf text = {0};
	struct diag diag = {0};
	const json_t *entry;
	size_t i;

	if (words->json) {
		(void)json_dumpf(all, stdout, JSON_INDENT(2));
		(void)putchar('\n');
		return;
	}
	(void)session_service(ctl, words->at[0], &status,
			      &diag); /* else where they are is left out */
	json_array_foreach(all, i, entry)
	{
		add_row(&text, &status, entry);
	}
	if (i == 0) {
		(void)strbuf_addf(&text, "%s: no deploy with a release is recorded\n",
				  words->at[0]);
	}
	view_print(stdout, strbuf_str(&text), ctl->terminal);
}

void cmd_releases(struct ctl *ctl, struct words *words)
{
	json_t *history, *all;

	if (words->n != 1) {
		(void)fprintf(stderr, "slotctl: releases: %s\n",
			      words->n < 1 ? "which service?" : "too many words");
		command_help(COMMAND_RELEASES);
		ctl->exit_code = EXIT_USAGE;
		return;
	}
	history = history_read(ctl, words);
	if (!history) {
		return;
	}
	all = releases_of(history);
	if (json_array_size(history) || service_is_known(ctl, COMMAND_RELEASES, words->at[0])) {
		show(ctl, words, all);
	}
	json_decref(all);
	json_decref(history);
}

/* ---- one of them ---- */

bool release_of_job(struct ctl *ctl, const struct words *words, char *buf, size_t size)
{
	const char *number = words->at[1] + (words->at[1][0] == '#');
	const struct words service = {.at = words->at, .n = 1};
	json_t *history = history_read(ctl, &service), *entry;
	char *end;
	long job = strtol(number, &end, 10);
	size_t i;

	if (!history) {
		return false;
	}
	buf[0] = '\0';
	json_array_foreach(history, i, entry)
	{
		if (json_integer_value(json_object_get(entry, "job")) == job && is_release(entry)) {
			(void)snprintf(buf, size, "%s", history_text(entry, "release"));
		}
	}
	json_decref(history);
	if (*end || !*number || !*buf) {
		(void)fprintf(
			stderr,
			"slotctl: no release of %s was deployed by job %s. slotctl releases %s "
			"lists them\n",
			words->at[0], words->at[1], words->at[0]);
		ctl->exit_code = EXIT_USAGE;
		return false;
	}
	return true;
}
