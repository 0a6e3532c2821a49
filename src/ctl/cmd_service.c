/* slots, swap, deploy, rollback, attach, drain, and what slotd is simply asked for: services. */

#include "commands.h"
#include "job.h"
#include "json.h"
#include "view.h"

#include <errno.h>
#include <slotd/cleanup.h>
#include <slotd/config.h>
#include <slotd/strbuf.h>
#include <slotd/vec.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct value *find_service(const struct value *status, const char *name)
{
	value_for_each(service, value_array(status, "services"))
	{
		if (strcmp(value_text(service, "service"), name) == 0) {
			return service;
		}
	}
	return NULL;
}

static bool usage_ok(struct ctl *ctl, const struct words *words, int max)
{
	if (words->n >= 1 && words->n <= max) {
		return true;
	}
	(void)fprintf(stderr, "slotctl: %s: %s\n", command_name(words->command),
		      words->n < 1 ? "which service?" : "too many words");
	command_help(words->command);
	ctl->exit_code = EXIT_USAGE;
	return false;
}

/* ---- a name that is no service -----------------------------------------------------------------
 */

/* "payinv-b is a slot (the live one), not a service. Did you mean: slotctl deploy payinv" */
static bool explain_slot(const struct value *status, const char *name, enum command command)
{
	value_for_each(service, value_array(status, "services"))
	{
		value_for_each(slot, value_array(service, "slots"))
		{
			if (strcmp(value_text(slot, "name"), name) == 0) {
				bool live = strcmp(value_text(slot, "slot"),
						   value_text(service, "live")) == 0;

				(void)fprintf(
					stderr,
					"%s is a slot (the %s one), not a service. Did you mean: "
					"slotctl %s %s\n",
					name, live ? "live" : "idle", command_name(command),
					value_text(service, "service"));
				return true;
			}
		}
	}
	return false;
}

static void explain_unknown(const struct value *status, const char *name, enum command command)
{
	VEC(const char *) names = {0};
	const char *near = NULL;
	int r = 0;

	if (explain_slot(status, name, command)) {
		return;
	}
	value_for_each(service, value_array(status, "services"))
	{
		r = r < 0 ? r : vec_push(&names, value_text(service, "service"));
	}
	near = r < 0 ? NULL : nearest_name(name, names.at, names.len);
	(void)fprintf(stderr, "slotctl: there is no service \"%s\"", name);
	if (near) {
		(void)fprintf(stderr, ". Did you mean: slotctl %s %s\n", command_name(command),
			      near);
	} else {
		(void)fprintf(stderr, ". slotctl slots lists them\n");
	}
	vec_done(&names);
}

/* Looks a service up before anything is asked of it. NULL: said why. */
static const struct value *get_service(struct ctl *ctl, enum command command, const char *name,
				       struct value *status)
{
	const struct value *service = NULL;
	struct diag diag = {0};
	int r = session_service(ctl, name, status, &diag);

	if (r == 0 && !(service = find_service(status, name))) {
		value_done(status);
		r = session_status(ctl, status, &diag); /* for what was meant */
	}
	if (r < 0) {
		session_own_failed(ctl, r, &diag, false);
	} else if (!service) {
		explain_unknown(status, name, command);
		ctl->exit_code = EXIT_USAGE;
	}
	return service;
}

bool service_is_known(struct ctl *ctl, enum command command, const char *name)
{
	CLEANUP(value_done) struct value status = {0};

	return get_service(ctl, command, name, &status);
}

/* ---- slots -------------------------------------------------------------------------------------
 */

static void print_slots(struct ctl *ctl, const struct value *const *services, size_t n)
{
	CLEANUP(strbuf_done) struct strbuf text = {0};

	if (view_slots(&text, services, n, usec_wall()) < 0) {
		session_unexpected(ctl, -ENOMEM, NULL);
	} else {
		view_print(stdout, strbuf_str(&text), ctl->terminal);
	}
}

static void show_slots(struct ctl *ctl, const struct words *words, const struct value *status)
{
	VEC(const struct value *) chosen = {0};
	int r = 0;

	value_for_each(service, value_array(status, "services"))
	{
		if (words->n == 0 || words_have(words, value_text(service, "service"))) {
			r = r < 0 ? r : vec_push(&chosen, service);
		}
	}
	for (int i = 0; i < words->n; i++) {
		if (!find_service(status, words->at[i])) {
			explain_unknown(status, words->at[i], COMMAND_SLOTS);
			ctl->exit_code = EXIT_USAGE;
		}
	}
	if (r < 0) {
		session_unexpected(ctl, r, NULL);
	} else if (words->json) {
		json_print_list(chosen.at, chosen.len);
	} else if (chosen.len > 0) {
		print_slots(ctl, chosen.at, chosen.len);
	} else if (words->n == 0) {
		printf("No services are configured: see [service:x] in slotd.conf(5)\n");
	}
	vec_done(&chosen);
}

void cmd_slots(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value status = {0};
	struct diag diag = {0};
	int r = 0;

	if (words->n == 1) {
		r = session_service(ctl, words->at[0], &status, &diag);
	}
	if (r == 0 && (words->n != 1 || !find_service(&status, words->at[0]))) {
		value_done(&status);
		r = session_status(ctl, &status, &diag);
	}
	if (r < 0) {
		session_own_failed(ctl, r, &diag, false);
	} else {
		show_slots(ctl, words, &status);
		(void)explain_died(value_member(&status, "daemon"));
	}
}

/* ---- jobs --------------------------------------------------------------------------------------
 */

/* A second, or until deadline. */
static void rest(usec_t deadline)
{
	const usec_t left = usec_sub(deadline, usec_monotonic());
	const usec_t span = left < SECONDS(1) ? left : SECONDS(1);
	const struct timespec time = {.tv_sec = (time_t)(span / SECONDS(1)),
				      .tv_nsec = (long)(span % SECONDS(1)) * 1000};

	(void)nanosleep(&time, NULL);
}

/* Waits for the job that is in the way, or a second when it is not known; not beyond deadline. */
static void wait_for_other(struct ctl *ctl, const char *service, usec_t deadline)
{
	CLEANUP(value_done) struct value status = {0}, reply = {0};
	const struct value *found;
	struct diag diag = {0};
	int number = 0;

	if (session_service(ctl, service, &status, &diag) == 0) {
		found = find_service(&status, service);
		number = found ? (int)value_int(found, "job") : 0;
	}
	/* no lines: the answer comes when the job is done, or in time */
	ctl->rpc.until = deadline;
	if (number <= 0 ||
	    rpc_call(&ctl->rpc, &reply, &diag, "slotd.follow", "ii", number, -1) < 0 ||
	    value_true(&reply, "done")) {
		rest(deadline);
	}
	ctl->rpc.until = 0;
}

static int ask(struct ctl *ctl, const struct job_ask *q, struct value *number, struct diag *diag)
{
	const char *method = command_method(q->command, ABOUT_NOTHING);
	const bool deploys = q->command == COMMAND_DEPLOY;

	if (q->share) {
		return rpc_call(&ctl->rpc, number, diag, method, "sss", q->service, q->share,
				q->release ? q->release : "");
	}
	if (deploys && q->until_gate) {
		return rpc_call(&ctl->rpc, number, diag, method, "ssbs", q->service, q->release, 0,
				"gate");
	}
	if (deploys) {
		return rpc_call(&ctl->rpc, number, diag, method, "ss", q->service, q->release);
	}
	if (q->command == COMMAND_RESTART) {
		return rpc_call(&ctl->rpc, number, diag, method, "sb", q->service, q->force);
	}
	if (q->force || q->release) {
		return rpc_call(&ctl->rpc, number, diag, method, "sbs", q->service, q->force,
				q->release ? q->release : "");
	}
	return rpc_call(&ctl->rpc, number, diag, method, "s", q->service);
}

static int ask_until(struct ctl *ctl, const struct job_ask *q, usec_t wait, struct value *number,
		     struct diag *diag)
{
	usec_t deadline = usec_add(usec_monotonic(), wait);
	bool said = false;
	int r;

	for (;;) {
		r = ask(ctl, q, number, diag);
		if (r != -EREMOTE || ctl->rpc.fault.code != FAULT_BUSY || wait == 0 ||
		    usec_monotonic() >= deadline) {
			return r;
		}
		if (!said) {
			said = true;
			(void)fprintf(stderr, "slotctl: waiting: %s\n",
				      fault_sentence(ctl->rpc.fault.code, ctl->rpc.fault.text));
		}
		wait_for_other(ctl, q->service, deadline);
	}
}

/* ", slot a (4f2c91e, LIVE 2d 4h)" */
static void add_slot(struct strbuf *to, const struct value *slot, const char *before)
{
	const char *release = value_text(slot, "release");
	char buf[USEC_TEXT_MAX];
	const char *ago = view_ago(value_int(slot, "since"), usec_wall(), buf, sizeof(buf));

	(void)strbuf_addf(to, "%s %s (%s%s%s%s%s)", before, value_text(slot, "slot"), release,
			  *release ? ", " : "", slot_words(value_int(slot, "state")),
			  *ago ? " " : "", ago);
}

/* Whoever types it sees first what would change. */
static bool is_meant(const struct ctl *ctl, const struct words *words, const struct job_ask *q,
		     const struct value *service)
{
	CLEANUP(strbuf_done) struct strbuf question = {0};

	if (!ctl->asks || words->yes ||
	    (q->command != COMMAND_SWAP && q->command != COMMAND_ROLLBACK)) {
		return true;
	}
	(void)strbuf_addf(&question, "%s:", q->service);
	for (int live = 1; live >= 0; live--) {
		value_for_each(slot, value_array(service, "slots"))
		{
			if ((strcmp(value_text(slot, "slot"), value_text(service, "live")) == 0) ==
			    (live != 0)) {
				add_slot(&question, slot, live ? "" : " ->");
			}
		}
	}
	(void)strbuf_addf(&question, ". Really %s?", command_name(q->command));
	return session_ask(strbuf_str(&question));
}

void job_run(struct ctl *ctl, const struct words *words, const struct job_ask *q)
{
	CLEANUP(value_done) struct value status = {0}, number = {0};
	const struct value *service = get_service(ctl, q->command, q->service, &status);
	struct diag diag = {0};
	int r;

	if (!service || !is_meant(ctl, words, q, service)) {
		return;
	}
	r = ask_until(ctl, q, words->wait, &number, &diag);
	if (r == -EREMOTE && ctl->rpc.fault.code == FAULT_BUSY) {
		(void)fprintf(stderr, "slotctl: %s. Queue: --wait 10m\n",
			      fault_sentence(ctl->rpc.fault.code, ctl->rpc.fault.text));
		ctl->exit_code = EXIT_BUSY;
	} else if (r < 0) {
		session_own_failed(ctl, r, &diag, true);
	} else if (words->detach) {
		printf("#%d has begun. To follow it: slotctl attach %s\n", (int)number.number,
		       q->service);
	} else if (q->command == COMMAND_CANARY) {
		if (job_follow_to(ctl, (int)number.number, q->service, swap_step_name(SWAP_CANARY),
				  words->json)) {
			canary_begun(ctl, q->service, words->json);
		}
	} else {
		job_follow(ctl, (int)number.number, q->service, q->command != COMMAND_PROMOTE,
			   words->json);
	}
}

void cmd_swap(struct ctl *ctl, struct words *words)
{
	if (usage_ok(ctl, words, 1)) {
		job_run(ctl, words,
			&(struct job_ask){.command = COMMAND_SWAP, .service = words->at[0]});
	}
}

void cmd_restart_rolling(struct ctl *ctl, struct words *words)
{
	if (usage_ok(ctl, words, 1)) {
		job_run(ctl, words,
			&(struct job_ask){.command = COMMAND_RESTART,
					  .service = words->at[0],
					  .force = words->force});
	}
}

void cmd_rollback(struct ctl *ctl, struct words *words)
{
	char release[128] = "";

	if (usage_ok(ctl, words, 2) &&
	    (words->n < 2 || release_of_job(ctl, words, release, sizeof(release)))) {
		job_run(ctl, words,
			&(struct job_ask){.command = COMMAND_ROLLBACK,
					  .service = words->at[0],
					  .release = *release ? release : NULL,
					  .force = words->force});
	}
}

static void print_dry_run(struct ctl *ctl, const struct words *words, const struct value *reply)
{
	ctl->exit_code = (int)value_int(reply, "code");
	if (words->json) {
		json_print(reply);
		return;
	}
	value_for_each(line, value_array(reply, "lines"))
	{
		view_print(stdout, value_str(line), ctl->terminal);
		(void)putchar('\n');
	}
}

static void dry_run(struct ctl *ctl, const struct words *words)
{
	CLEANUP(value_done) struct value status = {0}, reply = {0};
	struct diag diag = {0};
	int r;

	if (!get_service(ctl, COMMAND_DEPLOY, words->at[0], &status)) {
		return;
	}
	r = rpc_call(&ctl->rpc, &reply, &diag, command_method(COMMAND_DRY_RUN, ABOUT_NOTHING),
		     "sss", words->at[0], words->n > 1 ? words->at[1] : "",
		     words->until_gate ? "gate" : "");
	if (r < 0) {
		session_own_failed(ctl, r, &diag, false);
	} else {
		print_dry_run(ctl, words, &reply);
	}
}

void cmd_deploy(struct ctl *ctl, struct words *words)
{
	if (words->dry_run && usage_ok(ctl, words, 2)) {
		dry_run(ctl, words);
	} else if (!words->dry_run && usage_ok(ctl, words, 2)) {
		job_run(ctl, words,
			&(struct job_ask){.command = COMMAND_DEPLOY,
					  .service = words->at[0],
					  .release = words->n > 1 ? words->at[1] : "",
					  .until_gate = words->until_gate});
	}
}

void cmd_attach(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value status = {0};
	const struct value *service;
	int number;

	if (!usage_ok(ctl, words, 1)) {
		return;
	}
	service = get_service(ctl, COMMAND_ATTACH, words->at[0], &status);
	if (!service) {
		return;
	}
	number = (int)value_int(service, "job");
	if (number <= 0) {
		number = (int)value_int(service, "last_job");
	}
	if (number <= 0) {
		printf("%s: nothing is going on\n", words->at[0]);
		return;
	}
	job_follow(ctl, number, words->at[0], false, words->json);
}

/* ---- asked and answered ---- */

/* The name of the service stands for SERVICE, as in what people type next. */
static void say_done(const char *service, const char *done)
{
	static const char name[] = "SERVICE";
	const char *at = strstr(done, name);

	if (at) {
		printf("%s: %.*s%s%s\n", service, (int)(at - done), done, service,
		       at + strlen(name));
	} else {
		printf("%s: %s\n", service, done);
	}
}

static void ask_simply(struct ctl *ctl, enum command command, const char *service, const char *done)
{
	CLEANUP(value_done) struct value status = {0};
	struct diag diag = {0};
	int r;

	if (!get_service(ctl, command, service, &status)) {
		return;
	}
	r = rpc_call(&ctl->rpc, NULL, &diag, command_method(command, ABOUT_NOTHING), "s", service);
	if (r < 0) {
		session_own_failed(ctl, r, &diag, true);
	} else {
		say_done(service, done);
	}
}

void cmd_ask(struct ctl *ctl, struct words *words)
{
	if (usage_ok(ctl, words, 1)) {
		ask_simply(ctl, words->command, words->at[0], command_row(words->command)->done);
	}
}

void cmd_drain(struct ctl *ctl, struct words *words)
{
	if (!usage_ok(ctl, words, 1)) {
		return;
	}
	if (!words->now) {
		(void)fprintf(stderr,
			      "slotctl: a slot drains by itself after a swap; to close its "
			      "remaining connections at once: slotctl drain --now %s\n",
			      words->at[0]);
		ctl->exit_code = EXIT_USAGE;
		return;
	}
	ask_simply(ctl, COMMAND_DRAIN, words->at[0],
		   "the connections that the old slot still has are being closed");
}

void cmd_notify(struct ctl *ctl, struct words *words)
{
	CLEANUP(value_done) struct value status = {0}, reply = {0};
	struct diag diag = {0};
	int r;

	if (!usage_ok(ctl, words, 1)) {
		return;
	}
	if (!words->test) {
		(void)fprintf(stderr,
			      "slotctl: slotd tells by itself; to try the command: slotctl "
			      "notify --test %s\n",
			      words->at[0]);
		ctl->exit_code = EXIT_USAGE;
		return;
	}
	if (!get_service(ctl, COMMAND_NOTIFY, words->at[0], &status)) {
		return;
	}
	r = rpc_call(&ctl->rpc, &reply, &diag, command_method(COMMAND_NOTIFY, ABOUT_NOTHING), "s",
		     words->at[0]);
	if (r < 0) {
		session_own_failed(ctl, r, &diag, false);
	} else {
		printf("%s\n", value_str(&reply));
	}
}

/* The words after the service say why. */
static bool ask_why(struct ctl *ctl, const struct words *words)
{
	CLEANUP(value_done) struct value status = {0};
	CLEANUP(strbuf_done) struct strbuf why = {0};
	struct diag diag = {0};
	int r;

	for (int i = 1; i < words->n; i++) {
		(void)strbuf_addf(&why, "%s%s", i > 1 ? " " : "", words->at[i]);
	}
	if (!get_service(ctl, words->command, words->at[0], &status)) {
		return false;
	}
	r = rpc_call(&ctl->rpc, NULL, &diag, command_method(words->command, ABOUT_NOTHING), "ss",
		     words->at[0], strbuf_str(&why));
	if (r < 0) {
		session_own_failed(ctl, r, &diag, true);
	}
	return r == 0;
}

static bool has_words(struct ctl *ctl, const struct words *words, int least)
{
	if (words->n >= least) {
		return true;
	}
	(void)fprintf(stderr, "slotctl: %s: %s\n", command_name(words->command),
		      words->n < 1 ? "which service?" : "say why");
	command_help(words->command);
	ctl->exit_code = EXIT_USAGE;
	return false;
}

void cmd_freeze(struct ctl *ctl, struct words *words)
{
	if (has_words(ctl, words, 2) && ask_why(ctl, words)) {
		printf("%s: deploys and swaps are refused until: slotctl unfreeze %s\n",
		       words->at[0], words->at[0]);
	}
}

void cmd_offline(struct ctl *ctl, struct words *words)
{
	if (has_words(ctl, words, 1) && ask_why(ctl, words)) {
		printf("%s: requests are answered 503 until: slotctl online %s\n", words->at[0],
		       words->at[0]);
	}
}
