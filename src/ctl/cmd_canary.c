/* canary, promote, ab: a share of the connections for the other slot. */

#include "commands.h"
#include "job.h"

#include <slotd/canary_share.h>
#include <slotd/cleanup.h>
#include <slotd/service_names.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	LOOKS = 250, /* 20 ms apart: a relay that does not answer for 5 s is replaced */
};

/* SERVICE SHARE [RELEASE] */
static bool read_words(struct ctl *ctl, const struct words *words, uint16_t *ret)
{
	struct diag diag = {0};
	const char *wrong = words->n < 1   ? "which service?"
			    : words->n < 2 ? "which share of the connections?"
			    : words->n > 3 ? "too many words"
					   : NULL;

	if (!wrong && share_parse(words->at[1], ret, &diag) < 0) {
		wrong = diag.text;
	}
	if (wrong) {
		(void)fprintf(stderr, "slotctl: %s: %s\n", command_name(words->command), wrong);
		command_help(words->command);
		ctl->exit_code = EXIT_USAGE;
	}
	return !wrong;
}

/* Is a canary under way, so that only its share changes? */
static bool is_canary(struct ctl *ctl, const char *name)
{
	CLEANUP(value_done) struct value status = {0};
	struct diag diag = {0};

	if (session_service(ctl, name, &status, &diag) < 0) {
		return false;
	}
	value_for_each(service, value_array(&status, "services"))
	{
		if (strcmp(value_text(service, "service"), name) == 0) {
			return strcmp(value_text(service, "step"), swap_step_name(SWAP_CANARY)) ==
			       0;
		}
	}
	return false;
}

static void change_share(struct ctl *ctl, const char *service, const char *text, uint16_t share)
{
	CLEANUP(value_done) struct value number = {0};
	struct diag diag = {0};
	char buf[SHARE_TEXT_MAX];
	int r = rpc_call(&ctl->rpc, &number, &diag, command_method(COMMAND_CANARY, ABOUT_NOTHING),
			 "ss", service, text);

	if (r < 0) {
		session_own_failed(ctl, r, &diag, true);
	} else if (share) {
		printf("%s: the canary gets %s of the new connections\n", service,
		       share_format(share, buf));
	} else {
		printf("%s: the canary is given up, and drains\n", service);
	}
}

/* Has the canary its share, at every relay? True also if it is over, or that cannot be known. */
static bool has_share(struct ctl *ctl, const char *name)
{
	CLEANUP(value_done) struct value status = {0};
	struct diag diag = {0};
	bool canary = false;

	if (session_service(ctl, name, &status, &diag) < 0) {
		return true;
	}
	value_for_each(service, value_array(&status, "services"))
	{
		value_for_each(slot, value_array(service, "slots"))
		{
			if (strcmp(value_text(service, "service"), name) == 0 &&
			    value_int(slot, "state") == SLOT_CANARY) {
				canary = true;
				if (value_int(slot, "share") > 0) {
					return true;
				}
			}
		}
	}
	return !canary;
}

void canary_begun(struct ctl *ctl, const char *service, bool json)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	for (int i = 0; i < LOOKS && !has_share(ctl, service); i++) {
		(void)nanosleep(&pause, NULL);
	}
	if (!json) {
		printf("To go on: slotctl promote %s. To give it up: slotctl abort %s\n", service,
		       service);
	}
}

void cmd_canary(struct ctl *ctl, struct words *words)
{
	uint16_t share = 0;

	if (!read_words(ctl, words, &share)) {
		return;
	}
	if (words->n == 2 && (!share || is_canary(ctl, words->at[0]))) {
		if (service_is_known(ctl, COMMAND_CANARY, words->at[0])) {
			change_share(ctl, words->at[0], words->at[1], share);
		}
		return;
	}
	job_run(ctl, words,
		&(struct job_ask){.command = COMMAND_CANARY,
				  .service = words->at[0],
				  .share = words->at[1],
				  .release = words->n > 2 ? words->at[2] : NULL});
}

void cmd_ab(struct ctl *ctl, struct words *words)
{
	uint16_t share = 0;

	if (read_words(ctl, words, &share)) {
		job_run(ctl, words,
			&(struct job_ask){.command = COMMAND_AB,
					  .service = words->at[0],
					  .share = words->at[1],
					  .release = words->n > 2 ? words->at[2] : NULL});
	}
}

void cmd_promote(struct ctl *ctl, struct words *words)
{
	if (words->n != 1) {
		(void)fprintf(stderr, "slotctl: promote: %s\n",
			      words->n < 1 ? "which service?" : "too many words");
		command_help(COMMAND_PROMOTE);
		ctl->exit_code = EXIT_USAGE;
		return;
	}
	job_run(ctl, words, &(struct job_ask){.command = COMMAND_PROMOTE, .service = words->at[0]});
}
