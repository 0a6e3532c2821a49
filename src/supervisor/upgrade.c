#include "upgrade.h"
#include "deploy/job.h"
#include "deploy/jobs.h"
#include "handoff/relays.h"
#include "link/directories.h"
#include "link/kept.h"
#include "predecessor.h"
#include "reload/reload.h"
#include "show/publish.h"
#include "show/requests.h"
#include "successor.h"
#include "worker/orphans.h"

#include <slotd/cleanup.h>
#include <slotd/notify.h>
#include <slotd/os.h>
#include <slotd/worker.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

extern char **environ;

#define TEST_PATIENCE SECONDS(300) /* users and hosts are looked up */
#define SETTLE_STEP   MSECONDS(5)
#define SETTLE_MOST   SECONDS(2)

struct upgrade {
	struct supervisor *sup;
	uint32_t request;
	bool busy, force;
	struct child test;
	char said[2048]; /* by the test */
	size_t n_said;
	char failed[DIAG_TEXT_MAX]; /* why the last one was given up */
	struct loop_timer settle;
	usec_t settle_until;
};

/* ---- in the other slotd */

#define SAME "same"

int upgrade_is_same(const char *file)
{
	char own[SUCCESSOR_FILE_MAX];

	if (strcmp(successor_file(own, sizeof(own)), file) != 0) {
		return -1;
	}
	(void)puts(SAME);
	return 0;
}

int upgrade_test(struct config *config)
{
	struct ledger_view ledger = {0};
	struct diag diag = {0};
	char line[DIAG_TEXT_MAX + DIAG_FILE_MAX + 16];
	int r = ledger_map(STDIN_FILENO, &diag, &ledger);

	if (r < 0) {
		(void)fprintf(stderr, "Error: %s\n", diag_format(&diag, line, sizeof(line)));
	} else {
		(void)printf("%016" PRIx64 " %s\n", config->digest, SLOTD_VERSION);
	}
	config_free(config);
	ledger_unmap(&ledger);
	return r < 0 ? 1 : 0;
}

/* ---- in this one */

static void refuse(struct upgrade *u, int fault, const char *text)
{
	log_line(fault == FAULT_UP_TO_DATE ? LOG_INFO : LOG_ERR, "no upgrade: %s", text);
	u->busy = false;
	answer(u->sup, u->request, fault, text);
}

/* A job's commands run in slotd's name: nobody else could wait for them. */
static const char *in_the_way(struct upgrade *u, char *buf, size_t size)
{
	if (u->sup->mood != MOOD_RUNNING) {
		return "slotd is shutting down";
	}
	if (u->sup->reload->busy) {
		return "a reload is going on";
	}
	vec_for_each (s, &u->sup->services) {
		if ((*s)->job && (*s)->swap.step != SWAP_CANARY) { /* which may go on for long */
			return job_describe((*s)->job, buf, size);
		}
	}
	return NULL;
}

static bool all_told(struct supervisor *sup)
{
	vec_for_each (h, &sup->helpers) {
		channel_push(&(*h)->channel);
		if (channel_open(&(*h)->channel) && !channel_idle(&(*h)->channel)) {
			return false;
		}
	}
	return true;
}

/* Whoever asked was told that it would be done, and sees that it was not. */
static void give_up(struct upgrade *u, const char *why)
{
	u->busy = false;
	log_line(LOG_ERR, "no upgrade: %s", why);
	(void)snprintf(u->failed, sizeof(u->failed), "%s", why);
	u->sup->options.upgrade_failed = u->failed;
	publish_daemon(u->sup);
	notify_send("READY=1");
}

/* What is not told by then would have been lost with a slotd that is killed, too. */
static void on_settle(struct loop_timer *t)
{
	struct upgrade *u = container_of(t, struct upgrade, settle);
	struct supervisor *sup = u->sup;
	static struct upgraded own;
	const char *way;
	char job[512];
	int r;

	if (!all_told(sup) && usec_monotonic() < u->settle_until) {
		loop_timer_set(sup->loop, t, usec_add(usec_monotonic(), SETTLE_STEP));
		return;
	}
	way = in_the_way(u, job, sizeof(job));
	if (way) {
		give_up(u, way); /* it has begun meanwhile */
		return;
	}
	own = (struct upgraded){.count = sup->options.upgrades + 1,
				.lock_fd = predecessor_lock_fd(sup)};
	directories_list(sup, own.directories, sizeof(own.directories));
	r = successor_upgrade(sup->options.successor, &own);
	give_up(u, strerror(-r));
}

/* What the other slotd has said, and is not what it should be: an answer, else 0. */
static int judge(const struct upgrade *u, const char **ret_version, const char **ret_text)
{
	char digest[32];
	const int n = snprintf(digest, sizeof(digest), "%016" PRIx64 " ",
			       u->sup->services_config->digest);

	if (strcmp(u->said, SAME) == 0) {
		*ret_text = "slotd is the one that is installed";
		return FAULT_UP_TO_DATE;
	}
	if (strncmp(u->said, digest, (size_t)n) != 0) {
		*ret_text = "the configuration was changed since it was applied; first: slotctl "
			    "reload";
		return FAULT_FAILED;
	}
	*ret_version = u->said + n;
	return 0;
}

/* Why it cannot, in its own words if it had any. */
static void cannot(struct upgrade *u, const struct child_result *result)
{
	const char *exe = u->sup->options.successor->exe;
	char text[sizeof(u->said) + PATH_MAX + 64], how[512];

	if (result->report.stage != SPAWN_STAGE_NONE) {
		(void)spawn_report_text(&result->report, exe, how, sizeof(how));
	} else {
		(void)worker_status_text(result->status, how, sizeof(how));
	}
	(void)snprintf(text, sizeof(text), "%s cannot take over: %s; nothing has changed", exe,
		       result->timed_out ? "it does not answer"
		       : *u->said	 ? u->said
					 : how);
	refuse(u, FAULT_FAILED, text);
}

static void tested(struct child *c, const struct child_result *result)
{
	struct upgrade *u = c->owner;
	struct supervisor *sup = u->sup;
	char job[512];
	const char *way = in_the_way(u, job, sizeof(job)), *version = NULL, *text = NULL;
	int fault;

	u->said[strcspn(u->said, "\n")] = '\0';
	if (way) {
		refuse(u, FAULT_BUSY, way);
		return;
	}
	if (result->status != 0 || result->report.stage != SPAWN_STAGE_NONE) {
		cannot(u, result);
		return;
	}
	fault = judge(u, &version, &text);
	if (fault) {
		refuse(u, fault, text);
		return;
	}
	log_line(LOG_NOTICE, "upgrading from version %s to %s", SLOTD_VERSION, version);
	notify_reloading("upgrading");
	answer(sup, u->request, FAULT_SUCCESS, NULL);
	u->settle_until = usec_add(usec_monotonic(), SETTLE_MOST);
	loop_timer_set(sup->loop, &u->settle, usec_monotonic());
}

static void collect(struct child *c, const char *data, size_t len)
{
	struct upgrade *u = c->owner;

	child_keep_output(u->said, sizeof(u->said), &u->n_said, data, len);
}

/* The same command line, and that it shall only tell; "-" is no file. */
static char **test_arguments(const struct successor *s, bool force)
{
	size_t n = 0;
	char **argv;

	while (s->argv[n]) {
		n++;
	}
	argv = calloc(n + 3, sizeof(*argv));
	if (argv) {
		memcpy(argv, s->argv, n * sizeof(*argv));
		argv[0] = (char *)s->exe;
		argv[n] = (char *)"--" UPGRADE_TEST_OPTION;
		argv[n + 1] = force ? (char *)"-" : (char *)s->file;
	}
	return argv;
}

static int test(struct upgrade *u)
{
	const struct successor *s = u->sup->options.successor;
	struct child_spec spec = CHILD_SPEC_INIT;
	auto_free char **argv = test_arguments(s, u->force);
	int ledger = fcntl(ledger_fd(u->sup->ledger), F_DUPFD_CLOEXEC, 3);

	if (!argv || ledger < 0) {
		cleanup_closep(&ledger);
		return -ENOMEM;
	}
	u->n_said = 0;
	u->said[0] = '\0';
	spec.spawn.argv = argv;
	spec.spawn.envp = environ;
	spec.spawn.directory = *s->directory ? s->directory : NULL;
	spec.spawn.stdio[0] = ledger; /* goes with the request */
	spec.timeout = TEST_PATIENCE;
	spec.output = collect;
	spec.done = tested;
	spec.owner = u;
	return child_run(&u->sup->children, &u->test, &spec);
}

void upgrade_begin(struct supervisor *sup, uint32_t request, bool force)
{
	struct upgrade *u = sup->upgrade;
	const char *way;
	char job[512];
	int r;

	if (u->busy) {
		answer(sup, request, FAULT_BUSY, "an upgrade is going on");
		return;
	}
	u->request = request;
	u->force = force;
	way = in_the_way(u, job, sizeof(job));
	if (way) {
		refuse(u, FAULT_BUSY, way);
		return;
	}
	u->busy = true;
	notify_extend(usec_add(TEST_PATIENCE, SECONDS(30)));
	r = test(u);
	if (r < 0) {
		refuse(u, FAULT_FAILED, strerror(-r));
	}
}

void upgrade_finish(struct supervisor *sup)
{
	struct upgraded *former = sup->options.upgraded;

	if (!former) {
		return;
	}
	cleanup_closep(&former->former_fd);
	if (*former->why) {
		log_line(LOG_ERR, "the upgrade failed, version %s goes on: %s", SLOTD_VERSION,
			 former->why);
	} else {
		log_line(LOG_NOTICE, "upgraded: this is version %s", SLOTD_VERSION);
	}
	relays_replace(sup);
	keep_renew(sup);
	orphans_reap(sup); /* those that ended in between */
}

int upgrade_init(struct supervisor *sup)
{
	struct upgrade *u = calloc(1, sizeof(*u));

	if (!u) {
		return -ENOMEM;
	}
	u->sup = sup;
	loop_timer_init(&u->settle, on_settle);
	sup->upgrade = u;
	return 0;
}

void upgrade_done(struct supervisor *sup)
{
	struct upgrade *u = sup->upgrade;

	if (u) {
		child_abandon(&u->test);
		loop_timer_stop(sup->loop, &u->settle);
		free(u);
		sup->upgrade = NULL;
	}
}
