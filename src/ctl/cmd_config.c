/* avail, reread, update, add, remove, reload: what the file says and what runs. */

#include "commands.h"
#include "guard.h"
#include "json.h"
#include "names.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/reload_item.h>
#include <slotd/vec.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_fault(const struct ctl *ctl, int r, enum fault fault)
{
	return r == -EREMOTE && ctl->rpc.fault.code == (int)fault;
}

void cmd_avail(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value all = {0};
	char spec[NAMESPEC_MAX];
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, &all, &diag, "supervisor.getAllConfigInfo", "");

	if (is_fault(ctl, r, FAULT_SHUTDOWN_STATE)) {
		printf("ERROR: supervisor shutting down\n");
		ctl->exit_code = EXIT_GENERIC;
	} else if (r < 0) {
		session_unexpected(ctl, r, &diag);
	} else if (words->json) {
		json_print(&all);
	} else {
		value_for_each(c, &all)
		{
			(void)namespec_format(value_text(c, "group"), value_text(c, "name"), spec,
					      sizeof(spec));
			printf("%-32s %-9s %-9s %lld:%lld\n", spec,
			       value_true(c, "inuse") ? "in use" : "avail",
			       value_true(c, "autostart") ? "auto" : "manual",
			       (long long)value_int(c, "group_prio"),
			       (long long)value_int(c, "process_prio"));
		}
	}
}

/* ---- what a reread finds --------------------------------------------------------------------- */

static const struct value nothing = {.kind = VALUE_ARRAY};

/* reloadConfig's [[added, changed, removed]]: one of the three. */
static const struct value *part(const struct value *reply, size_t i)
{
	const struct value *parts = reply->len > 0 ? &reply->items[0] : &nothing;

	return i < parts->len ? &parts->items[i] : &nothing;
}

enum {
	ADDED,
	CHANGED,
	REMOVED,
	N_PARTS,
};

struct difference {
	const char *group;
	size_t part;
};

static int by_group(const void *a, const void *b)
{
	const struct difference *x = a, *y = b;

	return strcmp(x->group, y->group);
}

static void print_differences(struct ctl *ctl, const struct value *reply)
{
	static const char *const words[N_PARTS] = {"available", "changed", "disappeared"};
	VEC(struct difference) all = {0};
	int r = 0;

	for (size_t i = 0; i < N_PARTS; i++) {
		value_for_each(group, part(reply, i))
		{
			r = r < 0 ? r : vec_push(&all, (struct difference){value_str(group), i});
		}
	}
	if (r < 0) {
		session_unexpected(ctl, r, NULL);
	} else if (all.len == 0) {
		printf("No config updates to processes\n");
	} else {
		qsort(all.at, all.len, sizeof(*all.at), by_group);
		vec_for_each (d, &all) {
			printf("%s: %s\n", d->group, words[d->part]);
		}
	}
	vec_done(&all);
}

void cmd_reread(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value reply = {0};
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, &reply, &diag, "supervisor.reloadConfig", "");

	if (is_fault(ctl, r, FAULT_SHUTDOWN_STATE)) {
		printf("ERROR: supervisor shutting down\n");
		ctl->exit_code = EXIT_GENERIC;
	} else if (is_fault(ctl, r, FAULT_CANT_REREAD)) {
		printf("ERROR: %s\n", ctl->rpc.fault.text);
		ctl->exit_code = EXIT_GENERIC;
	} else if (r < 0) {
		session_unexpected(ctl, r, &diag);
	} else if (words->json) {
		json_print_named(part(&reply, 0) == &nothing ? &nothing : &reply.items[0],
				 (const char *const[]){"added", "changed", "removed", NULL});
	} else {
		print_differences(ctl, &reply);
	}
}

/* ---- add and remove -------------------------------------------------------------------------- */

void cmd_add(struct ctl *ctl, struct words *words)
{
	for (int i = 0; i < words->n && !ctl->raised; i++) {
		struct diag diag = {0};
		int r = rpc_call(&ctl->rpc, NULL, &diag, "supervisor.addProcessGroup", "s",
				 words->at[i]);

		if (r == 0) {
			printf("%s: added process group\n", words->at[i]);
		} else if (is_fault(ctl, r, FAULT_ALREADY_ADDED)) {
			printf("ERROR: process group already active\n");
		} else if (is_fault(ctl, r, FAULT_SHUTDOWN_STATE)) {
			printf("ERROR: shutting down\n");
			ctl->exit_code = EXIT_GENERIC;
		} else if (is_fault(ctl, r, FAULT_BAD_NAME)) {
			printf("ERROR: no such process/group: %s\n", words->at[i]);
			ctl->exit_code = EXIT_GENERIC;
		} else {
			session_unexpected(ctl, r, &diag);
		}
	}
}

void cmd_remove(struct ctl *ctl, struct words *words)
{
	for (int i = 0; i < words->n && !ctl->raised; i++) {
		struct diag diag = {0};
		int r = rpc_call(&ctl->rpc, NULL, &diag, "supervisor.removeProcessGroup", "s",
				 words->at[i]);

		if (r == 0) {
			printf("%s: removed process group\n", words->at[i]);
		} else if (is_fault(ctl, r, FAULT_STILL_RUNNING)) {
			printf("ERROR: process/group still running: %s\n", words->at[i]);
			ctl->exit_code = EXIT_GENERIC;
		} else if (is_fault(ctl, r, FAULT_BAD_NAME)) {
			printf("ERROR: no such process/group: %s\n", words->at[i]);
			ctl->exit_code = EXIT_GENERIC;
		} else {
			session_unexpected(ctl, r, &diag);
		}
	}
}

/* ---- update ---------------------------------------------------------------------------------- */

static bool wanted(const struct words *words, const char *group)
{
	return words->n == 0 || words_have(words, "all") || words_have(words, group);
}

static bool array_has(const struct value *array, const char *member, const char *text)
{
	value_for_each(item, array)
	{
		if (strcmp(member ? value_text(item, member) : value_str(item), text) == 0) {
			return true;
		}
	}
	return false;
}

/* Says which of the given groups there are none of; the others are updated all the same. */
static void check_groups(struct ctl *ctl, const struct words *words, const struct value *reply)
{
	CLEANUP(value_done) struct value workers = {0};
	struct diag diag = {0};
	int r;

	if (words->n == 0 || words_have(words, "all")) {
		return;
	}
	r = rpc_call(&ctl->rpc, &workers, &diag, "supervisor.getAllProcessInfo", "");
	if (r < 0) {
		session_unexpected(ctl, r, &diag);
		return;
	}
	for (int i = 0; i < words->n; i++) {
		if (!array_has(&workers, "group", words->at[i]) &&
		    !array_has(part(reply, ADDED), NULL, words->at[i])) {
			printf("ERROR: no such group: %s\n", words->at[i]);
			ctl->exit_code = EXIT_GENERIC;
		}
	}
}

/* One step of an update; what fails here, supervisorctl shows as an exception. */
static int step(struct ctl *ctl, struct value *ret, const char *method, const char *group)
{
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, ret, &diag, method, "s", group);

	if (r < 0) {
		session_unexpected(ctl, r, &diag);
	}
	return r;
}

static bool stopped_all(const struct value *results)
{
	value_for_each(result, results)
	{
		if (value_int(result, "status") == FAULT_FAILED) {
			return false;
		}
	}
	return true;
}

static void drop_group(struct ctl *ctl, const char *group)
{
	CLEANUP(value_done) struct value results = {0};

	if (step(ctl, &results, "supervisor.stopProcessGroup", group) < 0) {
		return;
	}
	printf("%s: stopped\n", group);
	if (!stopped_all(&results)) {
		printf("%s: has problems; not removing\n", group);
		ctl->exit_code = EXIT_GENERIC;
	} else if (step(ctl, NULL, "supervisor.removeProcessGroup", group) == 0) {
		printf("%s: removed process group\n", group);
	}
}

static void change_group(struct ctl *ctl, const char *group)
{
	if (step(ctl, NULL, "supervisor.stopProcessGroup", group) < 0) {
		return;
	}
	printf("%s: stopped\n", group);
	if (step(ctl, NULL, "supervisor.removeProcessGroup", group) == 0 &&
	    step(ctl, NULL, "supervisor.addProcessGroup", group) == 0) {
		printf("%s: updated process group\n", group);
	}
}

static void add_group(struct ctl *ctl, const char *group)
{
	if (step(ctl, NULL, "supervisor.addProcessGroup", group) == 0) {
		printf("%s: added process group\n", group);
	}
}

static void say_stop(struct ctl *ctl, const char *group)
{
	(void)ctl;
	printf("%s: would be stopped and removed\n", group);
}

static void say_change(struct ctl *ctl, const char *group)
{
	(void)ctl;
	printf("%s: would be stopped and started with its new settings\n", group);
}

static void say_add(struct ctl *ctl, const char *group)
{
	(void)ctl;
	printf("%s: would be added\n", group);
}

typedef void group_fn(struct ctl *ctl, const char *group);

static void for_groups(struct ctl *ctl, const struct words *words, const struct value *groups,
		       group_fn *fn)
{
	value_for_each(group, groups)
	{
		if (!ctl->raised && wanted(words, value_str(group))) {
			fn(ctl, value_str(group));
		}
	}
}

/* Does the update stop a group that serves now? Then as stop does: asked, or --force. */
static bool may_stop(struct ctl *ctl, const struct words *words, const struct value *reply)
{
	struct words groups = {.force = words->force};
	bool may;

	groups.at =
		calloc(part(reply, CHANGED)->len + part(reply, REMOVED)->len + 1, sizeof(char *));
	if (!groups.at) {
		session_unexpected(ctl, -ENOMEM, NULL);
		return false;
	}
	for (size_t i = CHANGED; i <= REMOVED; i++) {
		value_for_each(group, part(reply, i))
		{
			if (wanted(words, value_str(group))) {
				groups.at[groups.n++] = group->text;
			}
		}
	}
	may = groups.n == 0 || guard_live_groups(ctl, &groups, "stop");
	free(groups.at);
	return may;
}

void cmd_update(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value reply = {0};
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, &reply, &diag, "supervisor.reloadConfig", "");

	if (is_fault(ctl, r, FAULT_SHUTDOWN_STATE)) {
		printf("ERROR: already shutting down\n");
		ctl->exit_code = EXIT_GENERIC;
		return;
	}
	if (r < 0) {
		session_unexpected(ctl, r, &diag);
		return;
	}
	check_groups(ctl, words, &reply);
	if (ctl->raised || (!words->dry_run && !may_stop(ctl, words, &reply))) {
		return;
	}
	for_groups(ctl, words, part(&reply, REMOVED), words->dry_run ? say_stop : drop_group);
	for_groups(ctl, words, part(&reply, CHANGED), words->dry_run ? say_change : change_group);
	for_groups(ctl, words, part(&reply, ADDED), words->dry_run ? say_add : add_group);
}

/* ---- reload ---------------------------------------------------------------------------------- */

static void print_reload(const struct value *reply)
{
	static const enum reload_item items[] = {
		RELOAD_ITEM_SERVICE_REMOVED, RELOAD_ITEM_REMOVED,	RELOAD_ITEM_SERVICE_CHANGED,
		RELOAD_ITEM_CHANGED,	     RELOAD_ITEM_SERVICE_ADDED, RELOAD_ITEM_ADDED,
		RELOAD_ITEM_RESTARTED,
	};
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		value_for_each(name, value_array(reply, reload_item_name(items[i])))
		{
			printf("%s%s: %s\n",
			       items[i] >= RELOAD_ITEM_SERVICE_ADDED ? "service " : "",
			       value_str(name), reload_item_verb(items[i]));
			any = true;
		}
	}
	value_for_each(message, value_array(reply, reload_item_name(RELOAD_ITEM_MESSAGE)))
	{
		printf("%s\n", value_str(message));
	}
	if (!any) {
		printf("No process and no service was added, changed or removed\n");
	}
}

void cmd_reload(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value reply = {0};
	struct diag diag = {0};
	int r = rpc_call(&ctl->rpc, &reply, &diag, "slotd.reload", words->force ? "b" : "", 1);

	if (session_method_unknown(ctl, r)) {
		(void)fprintf(stderr,
			      "slotctl: %s is a Supervisor, which cannot apply just the "
			      "difference. slotctl update does it by groups, slotctl "
			      "restart-daemon restarts everything.\n",
			      ctl->options->url);
		ctl->exit_code = EXIT_GENERIC;
	} else if (is_fault(ctl, r, FAULT_SHUTDOWN_STATE)) {
		printf("ERROR: already shutting down\n");
		ctl->exit_code = EXIT_GENERIC;
	} else if (r == -EREMOTE) {
		explain_failure(ctl, r, &diag);
		ctl->exit_code = EXIT_GENERIC;
	} else if (r < 0) {
		session_unexpected(ctl, r, &diag);
	} else if (words->json) {
		json_print(&reply);
	} else {
		print_reload(&reply);
	}
}
