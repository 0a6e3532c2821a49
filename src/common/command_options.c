#include <slotd/command.h>

#include <slotd/cleanup.h>

const struct command_option command_options[] = {
	{ALLOW_FORCE, "--force", NULL,
	 "Do it all the same: stop or remove workers of a live slot, or roll back once more"},
	{ALLOW_YES, "--yes", NULL,
	 "Do not ask before a swap or rollback, as slotctl does on a terminal"},
	{ALLOW_UNTIL, "--until", "gate", "Make the idle slot ready, and do not swap"},
	{ALLOW_ROLLING, "--rolling", NULL, NULL},
	{ALLOW_TEST, "--test", NULL, NULL},
	{ALLOW_DETACH, "--detach", NULL,
	 "Begin the job and do not follow it; slotctl attach does that"},
	{ALLOW_WAIT, "--wait", "DURATION",
	 "How long to wait until another job of the service has ended, such as 10m"},
	{ALLOW_JSON, "--json", NULL, "Print JSON, for programs"},
	{ALLOW_NOW, "--now", NULL, NULL},
	{ALLOW_DRY_RUN, "--dry-run", NULL, NULL},
};
const size_t n_command_options = ARRAY_SIZE(command_options);
