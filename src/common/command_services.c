#include "command_tables.h"

/* clang-format off */
#define RELEASE { "release", PARAM_TEXT, .optional = true, .tag = TAG_RELEASE }
#define WHY	{ "why", PARAM_TEXT, .tag = TAG_ARG }
#define REASON	{ "why", PARAM_TEXT, .optional = true, .tag = TAG_ARG }
#define UNTIL	{ "until", PARAM_TEXT, .optional = true, .tag = TAG_ARG }
#define SHARE	{ "share", PARAM_SCALAR, .tag = TAG_ARG }

const struct command_row *const service_commands[COMMAND_MAX_] = {
	[COMMAND_AB] = &(const struct command_row){
		.name = "ab", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "ab SERVICE SHARE [RELEASE]\tKeep both slots on purpose: the other slot "
			 "gets a share",
		.manual = "The other slot is started and checked as for a swap, and then gets this "
			  "share of the new connections until slotctl promote or slotctl abort, "
			  "also after a reboot. Called again, it changes the share. Deploys and "
			  "swaps are refused meanwhile, with exit status 12. With RELEASE the "
			  "other slot is prepared first, as by a deploy.",
		.flags = ALLOW_JSON | ALLOW_WAIT | ALLOW_DETACH | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.ab", METHOD_JOB, {SERVICE, SHARE, RELEASE},
			"Gives the slot that is not live a share of the new connections, such as "
			"50%, until it is promoted or aborted. Returns the number of the job." }},
	},
	[COMMAND_ABORT] = &(const struct command_row){
		.name = "abort", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "abort SERVICE\tStop a swap or deploy that has not flipped yet, a canary "
			 "or an A/B test",
		.done = "aborted",
		.manual = "The idle slot is stopped, after it has drained if it had connections; the "
			  "live slot is not touched.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.abort", METHOD_ACT, {SERVICE},
			"Ends the deploy or swap of a service that has not flipped yet, its canary, or "
			"its A/B test." }},
	},
	[COMMAND_ATTACH] = &(const struct command_row){
		.name = "attach", .topic = TOPIC_SERVICES, .may = MAY_ALL,
		.usage = "attach SERVICE\tFollow the swap or deploy that is going on, or show "
			 "the last one again",
		.manual = "Prints its log from the beginning, and ends with its exit status. This "
			  "works after any process of slotd was restarted, slotd itself included.",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.follow", METHOD_FOLLOW,
			{{"job", PARAM_INT}, {"seen", PARAM_INT}},
			"{job, service, kind, step, done, code, text, seq, lines: [{seq, text}]}: "
			"lines of the job's log. seen: 0 at first, then the seq of the answer "
			"before; -1 for no lines. Waits up to 25 s for a line, or for the end of "
			"the job." }},
	},
	[COMMAND_CANARY] = &(const struct command_row){
		.name = "canary", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "canary SERVICE SHARE [RELEASE]\tGive the idle slot a share of the new "
			 "connections",
		.manual = "The idle slot is started and checked as for a swap; with RELEASE it is "
			  "prepared first, as by a deploy. Then it gets the share, such as 10%, "
			  "until slotctl promote or slotctl abort, and is given up by itself after "
			  "canary_timeout, or if too much of it fails (canary_crashes, "
			  "canary_failures). Called again, it changes the share; 0% gives the "
			  "canary up. It survives a restart of slotd, but not a reboot. Of a "
			  "kept-alive connection all requests go to the same slot.",
		.flags = ALLOW_JSON | ALLOW_WAIT | ALLOW_DETACH | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.canary", METHOD_JOB, {SERVICE, SHARE, RELEASE},
			"Gives the idle slot a share of the new connections, such as 10%, once it has "
			"passed the gate; or changes that share. Returns the number of the job, which "
			"goes on until the slot is promoted or aborted." }},
	},
	[COMMAND_DEPLOY] = &(const struct command_row){
		.name = "deploy", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "deploy SERVICE [RELEASE]\tPrepare the idle slot, start it afresh, and "
			 "swap\n"
			 "deploy --dry-run SERVICE [RELEASE]\tSay what deploy would do, and do "
			 "nothing",
		.manual = "New connections go to the idle slot once its workers have passed the "
			  "gate; the other slot drains. RELEASE is a name for what is deployed: "
			  "the prepare commands get it as SLOTD_RELEASE, and slots and history "
			  "show it. The steps and the output of the prepare commands are printed, "
			  "and kept in the file SERVICE-NUMBER.log in log_dir: the last 8 to 16 "
			  "MiB of them, and the files of the last 30 jobs of a service. If a later "
			  "step fails, what the prepare commands did is not undone. With "
			  "--until=gate the idle slot is made ready and checked, and nothing is "
			  "swapped: the slot stays up, and a swap then goes there at once. With "
			  "--dry-run nothing is run: the steps, the commands with their user and "
			  "directory, the names of their environment variables, the free space, "
			  "and who holds the workers' ports are printed, and the exit status is "
			  "0 if the deploy would begin, 12 if it is busy or frozen, and 10 if it "
			  "would be refused for another reason.",
		.flags = ALLOW_JSON | ALLOW_WAIT | ALLOW_DETACH | ALLOW_UNTIL | ALLOW_DRY_RUN | OURS,
		.completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.deploy", METHOD_JOB, {SERVICE, RELEASE, FORCE, UNTIL},
			"Prepares and starts the idle slot, waits until it passes the gate, and "
			"sends new connections to it. Returns the number of the job." }},
	},
	[COMMAND_DRAIN] = &(const struct command_row){
		.name = "drain", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "drain --now SERVICE\tClose the connections that the old slot still has",
		.manual = "After a swap the slot that was live before drains by itself; this "
			  "command ends the drain at once.",
		.flags = ALLOW_NOW | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.drainNow", METHOD_ACT, {SERVICE},
			"Closes the connections that the draining slot of a service still has." }},
	},
	[COMMAND_DRY_RUN] = &(const struct command_row){
		.name = "dry-run", .may = MAY_DEPLOY,
		.methods = {{ "slotd.dryRun", METHOD_LINES, {SERVICE, RELEASE, UNTIL},
			"Says what slotd.deploy would do now, and whether it would be refused. "
			"Runs nothing. Returns {code, lines}: the exit status that slotctl has." }},
	},
	[COMMAND_FREEZE] = &(const struct command_row){
		.name = "freeze", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "freeze SERVICE WHY\tRefuse deploys and swaps of a service until unfreeze",
		.manual = "They end with exit status 12 and say who has frozen the service and why, "
			  "also after a reboot. A rollback to what the other slot holds is not "
			  "refused.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.freeze", METHOD_ACT, {SERVICE, WHY},
			"Refuses deploys and swaps of a service until slotd.unfreeze." }},
	},
	[COMMAND_HISTORY] = &(const struct command_row){
		.name = "history", .topic = TOPIC_SERVICES, .may = MAY_READ,
		.usage = "history [SERVICE...]\tList swaps, rollbacks and deploys, and their results",
		.manual = "Each line says when it began, from which slot to which it went, the "
			  "release, how long it took, who asked for it, and how it ended; after a "
			  "failure also the step, the worker and the reason. Lines of freeze, pause "
			  "and offline, and of their ends, say when, who and why. slotd keeps the "
			  "last few thousand lines.",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.readHistory", METHOD_READ_LOG, {SLICE},
			"Returns swaps, rollbacks and deploys, a line of JSON each. " READ_HELP,
			.channel = CHANNEL_HISTORY }},
	},
	[COMMAND_NOTIFY] = &(const struct command_row){
		.name = "notify", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "notify --test SERVICE\tRun the notify command of a service with a test, and say "
			 "what came of it",
		.manual = "It prints how the command ended, and the first line that it printed. The exit "
			  "status is 0 if it ended well, else 10.",
		.flags = ALLOW_TEST | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.notifyTest", METHOD_SAY, {SERVICE},
			"Runs the notify command of a service with a test. Returns what came of it." }},
	},
	[COMMAND_OFFLINE] = &(const struct command_row){
		.name = "offline", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "offline SERVICE [WHY]\tAnswer every request 503, with a page, until online",
		.manual = "Requests that are under way are answered by their workers; every later one, "
			  "also on a connection that was open before, gets the page of "
			  "offline_page= with Retry-After. The paths of offline_health= are "
			  "answered 200. What is not HTTP/1 is closed when it connects; websockets "
			  "and the like stay until they end. The workers may be stopped meanwhile, "
			  "and a swap or deploy may be done, which ends nothing. The service is "
			  "offline also after a reboot. Given again, it reads the page again.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.offline", METHOD_ACT, {SERVICE, REASON},
			"Answers every request to a service without a worker, with status 503, "
			"until slotd.online." }},
	},
	[COMMAND_ONLINE] = &(const struct command_row){
		.name = "online", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "online SERVICE\tLet the workers answer the requests of a service again",
		.done = "online",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.online", METHOD_ACT, {SERVICE},
			"Ends what slotd.offline began." }},
	},
	[COMMAND_PAUSE] = &(const struct command_row){
		.name = "pause", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "pause SERVICE\tLet new connections of a service wait until resume",
		.done = "paused: connections wait until: slotctl resume SERVICE",
		.manual = "What is under way goes on. Connections wait in the kernel, in order and as "
			  "many as backlog= says. After pause_timeout= the service is resumed by "
			  "itself. A swap or deploy may be done meanwhile, and the pause goes on when "
			  "slotd is restarted.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.pause", METHOD_ACT, {SERVICE},
			"Lets new connections of a service wait until slotd.resume, at most for "
			"pause_timeout." }},
	},
	[COMMAND_PROMOTE] = &(const struct command_row){
		.name = "promote", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "promote SERVICE\tSend all new connections to the canary, or to the other "
			 "slot of an A/B test",
		.manual = "It goes on as a swap: the slot becomes live, is watched for the time of "
			  "bake=, and the other one drains. Steps of canary_steps= that are left are "
			  "left out.",
		.flags = ALLOW_JSON | ALLOW_DETACH | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.promote", METHOD_JOB, {SERVICE},
			"Sends all new connections to the slot that is a canary or in an A/B test. "
			"Returns the number of the job." }},
	},
	[COMMAND_RELEASES] = &(const struct command_row){
		.name = "releases", .topic = TOPIC_SERVICES, .may = MAY_READ,
		.usage = "releases SERVICE\tList the releases that were deployed",
		.manual = "The newest is the last. For each it shows the job, when it began, the release, "
			  "what brought it (deploy, rollback, ...), the slot, who asked for it, and what "
			  "became of it: live in a slot, held by one, done where it was live and no slot "
			  "holds it any more, or in which step it failed, and why. slotctl rollback "
			  "SERVICE JOB brings one back that did not fail. As many are listed as the "
			  "history has.",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
	},
	[COMMAND_RESUME] = &(const struct command_row){
		.name = "resume", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "resume SERVICE\tEnd a pause: the connections that wait are served, in "
			 "order",
		.done = "resumed",
		.manual = "The requests of a connection stay in order. All relays take the "
			  "connections at once, so that one may overtake another; with relays=1 "
			  "they are served as they came.",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.resume", METHOD_ACT, {SERVICE},
			"Ends the pause of a service." }},
	},
	[COMMAND_ROLLBACK] = &(const struct command_row){
		.name = "rollback", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "rollback SERVICE [JOB]\tSend new connections back to the slot that was live before, "
			 "or deploy the release of a former job again",
		.manual = "The slot still holds the release that it had when it was live. rollback is refused "
			  "if the other slot was never live, or if a deploy into it has begun "
			  "since and none has succeeded. While a new slot bakes, rollback goes "
			  "back at once, and the swap or deploy that it ends has exit status 11. A "
			  "rollback after a rollback would go forward again: it is refused unless "
			  "--force is given. JOB is a number that slotctl releases shows: its "
			  "release is deployed again as deploy does it, with SLOTD_RELEASE for the "
			  "prepare commands, unless the other slot still holds it.",
		.flags = ALLOW_JSON | ALLOW_WAIT | ALLOW_FORCE | ALLOW_DETACH |
			 ALLOW_YES | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.rollback", METHOD_JOB, {SERVICE, FORCE, RELEASE},
			"Sends new connections back to the slot that was live before, or deploys "
			"a release again. Returns the number of the job." }},
	},
	[COMMAND_SLOTS] = &(const struct command_row){
		.name = "slots", .topic = TOPIC_SERVICES, .may = MAY_ALL,
		.usage = "slots [SERVICE...]\tShow which slot is live, which is draining, and their "
			 "connections",
		.manual = "For both slots of each service it shows the state and since when, the "
			  "release, how many workers pass their health check, the share of new "
			  "connections, and the open connections by kind; see Drain in "
			  "slotd.conf(5).",
		.flags = ALLOW_JSON | OURS, .completion = COMPLETE_SERVICES,
	},
	[COMMAND_SWAP] = &(const struct command_row){
		.name = "swap", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "swap SERVICE\tStart the idle slot, check it, and send new connections to "
			 "it",
		.manual = "This is a deploy without the prepare commands. If the idle slot is warm "
			  "and healthy, it need not be started.",
		.flags = ALLOW_JSON | ALLOW_WAIT | ALLOW_DETACH | ALLOW_YES | OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.swap", METHOD_JOB, {SERVICE, FORCE},
			"Starts the idle slot, waits until it passes the gate, and sends new "
			"connections to it. Returns the number of the job." }},
	},
	[COMMAND_UNFREEZE] = &(const struct command_row){
		.name = "unfreeze", .topic = TOPIC_SERVICES, .may = MAY_DEPLOY,
		.usage = "unfreeze SERVICE\tAllow deploys and swaps of a service again",
		.done = "deploys are allowed again",
		.flags = OURS, .completion = COMPLETE_SERVICES,
		.methods = {{ "slotd.unfreeze", METHOD_ACT, {SERVICE},
			"Allows deploys and swaps of a service again." }},
	},
};
/* clang-format on */
