/*
 * The n-th call fails, for every n, through a whole start, swap, deploy with prepare and bake,
 * crash, rollback, reload that removes a service, and stop: slotd does not crash, leaks nothing,
 * loses no worker, and says what went wrong.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <slotd/cleanup.h>
#include <string.h>
#include <supervisor/deploy/jobs.h>
#include <supervisor/reload/reload.h>
#include <supervisor/service/service.h>
#include <supervisor/service/services.h>
#include <supervisor/worker/process.h>

#include "fake.h"
#include "faults.h"
#include "slotd_world.h"
#define SUITE_TIMEOUT 900
#include "suite.h"

static unsigned unsaid; /* failures of which the log has nothing */
static bool refused;	/* whoever asked was told */

/* A service that is swapped, deployed and rolled back, and one that the reload removes. */
#define PUBLIC                                                                          \
	"[program:a]\ncommand=worker_a\nstartsecs=0\n"                                  \
	"[program:b]\ncommand=worker_b\nstartsecs=0\n"                                  \
	"[service:s]\nlisten=unix:@DIR@/"                                               \
	"public.sock\nslot_a=a\nslot_b=b\nhealth=tcp\nhealth_interval=60\nbake=2\n"     \
	"prepare=true\nworker=unix:@DIR@/%(program_name)s.sock\nlive_file=@DIR@/live\n" \
	"live_link=@DIR@/link\nprepare_directory=@DIR@\nidle_keep=0\n"
static const char before[] =
	"[program:cron]\ncommand=cron\n" PUBLIC "[program:c]\ncommand=worker_c\nstartsecs=0\n"
	"[program:d]\ncommand=worker_d\nstartsecs=0\n"
	"[service:t]\nlisten=unix:@DIR@/other.sock\nslot_a=c\nslot_b=d\nhealth=exec "
	"check\nhealth_interval=60\n"
	"worker=unix:@DIR@/%(program_name)s.sock\n";
static const char after[] = "[program:cron]\ncommand=cron\nstopsignal=INT\n"
			    "[program:mail]\ncommand=mail\n" PUBLIC;

/* Every process that is one of its workers is known to be one. */
static void no_worker_is_lost(struct world *w)
{
	for (int i = 0; i < FAKE_PROCESSES_MAX; i++) {
		const struct fake_process *f = &fake_processes[i];
		bool known = children_know(&w->sup->children, f->pid);

		vec_for_each (p, &w->sup->processes) {
			known = known || (*p && (*p)->pid == f->pid);
		}
		ck_assert_msg(!f->pid || f->ended || known, "%s (%d) is nobody's: %s failed\n%s",
			      f->name, (int)f->pid, faults_fired(), world_log_end());
	}
}

/* Whatever was lost on the way: it is told again in a second. */
static void all_is_shown(struct world *w)
{
	world_advance(w, SECONDS(3));
	world_insist_shown(w);
}

/* Time enough for whatever is tried again. */
static bool becomes(struct world *w, const char *name, const char *state)
{
	for (int i = 0; i < 120; i++) {
		if (strcmp(world_state(w, name), state) == 0) {
			return true;
		}
		world_advance(w, SECONDS(1));
	}
	return false;
}

static void expect(struct world *w, const char *name, const char *state)
{
	ck_assert_msg(becomes(w, name, state), "%s is %s, not %s: %s failed\n%s", name,
		      world_state(w, name), state, faults_fired(), world_log_end());
}

static void begin_job(struct world *w, enum swap_kind kind)
{
	const struct job_request req = {.kind = kind,
					.service = "s",
					.release = kind == SWAP_KIND_DEPLOY ? "v2" : NULL,
					.who = "test",
					.trusted = true};
	struct diag diag = {0};
	int r;

	world_enter(w);
	r = job_begin(w->sup, &req, &diag);
	world_leave(w);
	ck_assert(r > 0 || *diag.text);
	refused = refused || r < 0;
}

/* It may fail, but then it says so, and the next one is done. */
static void change(struct world *w, enum swap_kind kind, enum slot_id target)
{
	const struct service *s = service_find(w->sup, "s");

	for (int tries = 0; tries < 3 && service_live(s) != target; tries++) {
		begin_job(w, kind);
		for (int i = 0; i < 120 && s->job; i++) {
			world_advance(w, SECONDS(1));
		}
		ck_assert_msg(!s->job, "the %s does not end: %s failed\n%s", swap_kind_name(kind),
			      faults_fired(), world_log_end());
	}
	ck_assert_msg(service_live(s) == target, "no %s is done: %s failed\n%s",
		      swap_kind_name(kind), faults_fired(), world_log_end());
	no_worker_is_lost(w);
}

/* One that is told as a deploy, ends, and is started again. */
static void crash(struct world *w, const char *name, const char *command)
{
	const struct process *p = world_process(w, name);
	unsigned before_it = p->worker.restarts;

	world_exit(w, command, 1);
	for (int i = 0; i < 120 && p->worker.restarts == before_it; i++) {
		world_advance(w, SECONDS(1));
	}
	expect(w, name, "RUNNING");
	ck_assert_uint_gt(p->worker.restarts, before_it);
	no_worker_is_lost(w);
}

static void reload(struct world *w)
{
	world_configure(w, after);
	for (int tries = 0; tries < 3 && !world_process(w, "mail"); tries++) {
		world_enter(w);
		reload_begin(w->sup, RELOAD_APPLY, 0, true);
		world_leave(w);
		world_advance(w, SECONDS(5));
	}
	expect(w, "mail", "RUNNING");
	expect(w, "cron", "RUNNING");
	expect(w, "c", "none");
	ck_assert_ptr_null(service_find(w->sup, "t"));
	no_worker_is_lost(w);
	all_is_shown(w);
}

/* From the start to before the stop, which is world_stop's. */
static void live(struct world *w)
{
	expect(w, "cron", "RUNNING");
	expect(w, "a", "RUNNING");
	expect(w, "c", "RUNNING");
	no_worker_is_lost(w);
	all_is_shown(w);
	change(w, SWAP_KIND_SWAP, SLOT_B);
	expect(w, "b", "RUNNING");
	expect(w, "a", "STOPPED");
	change(w, SWAP_KIND_DEPLOY, SLOT_A);
	expect(w, "a", "RUNNING");
	ck_assert_uint_gt(fake_shell.runs, 0);
	crash(w, "a", "worker_a");
	change(w, SWAP_KIND_ROLLBACK, SLOT_B);
	expect(w, "b", "RUNNING");
	expect(w, "a", "STOPPED");
	reload(w);
}

/* What the log says in a run in which nothing fails: lines without numbers and names of files. */
static char usual[512 * 1024];

/* The next line of a log, so that two runs can be compared; NULL at the end. */
static const char *next_line(const char *at, char *buf, size_t size)
{
	size_t n = 0;

	for (; *at && *at != '\n'; at++) {
		if (strncmp(at, "slotd-world-", 12) == 0) {
			at += 17;
		} else if ((*at < '0' || *at > '9') && n + 2 < size) {
			buf[n++] = *at;
		}
	}
	buf[n++] = '\n';
	buf[n] = '\0';
	return *at ? at + 1 : NULL;
}

static void learn_the_usual(void)
{
	const char *at = world_log();
	char line[1024];

	usual[0] = '\0';
	while (*at && (at = next_line(at, line, sizeof(line)))) {
		ck_assert_uint_lt(strlen(usual) + sizeof(line), sizeof(usual));
		(void)strcat(usual, line);
	}
}

static bool said_something(void)
{
	const char *at = world_log();
	char line[1024];

	while (*at && (at = next_line(at, line, sizeof(line)))) {
		if (!strstr(usual, line)) {
			return true;
		}
	}
	return refused || fake_log_lost;
}

/* What is tried again at once, or when the descriptor is ready, needs no word. */
static bool needs_a_word(int error)
{
	return error != EAGAIN && error != EINTR && strcmp(faults_fired(), FAULT_RESERVE) != 0;
}

/* One run in which the n-th call fails. Returns the number of calls that could have. */
static unsigned run_with(unsigned n, int error)
{
	struct world w;
	unsigned counted;

	refused = false;
	faults_arm(n, error);
	world_try(&w, before);
	if (w.error == 0) {
		live(&w);
		ck_assert_msg(world_stop(&w), "it does not stop: %s failed\n%s", faults_fired(),
			      world_log_end());
	} else {
		ck_assert_msg(faults_fired() && *w.diag.text, "no start, and no word why: %s",
			      faults_fired());
	}
	counted = faults_counted();
	if (!n) {
		learn_the_usual();
	} else if (faults_fired() && w.error == 0 && needs_a_word(error) && !said_something()) {
		(void)printf("of %s nothing is said (%u)\n", faults_fired(), n);
		unsaid++;
	}
	world_done(&w);
	return counted;
}

/* The last run is one in which nothing failed: n has reached the end. */
static void fail_each(int error)
{
	unsigned n = 0, counted;

	(void)run_with(0, error);
	do {
		n++;
		counted = run_with(n, error);
		ck_assert_msg(faults_fired() || n > counted, "call %u of %u did not fail", n,
			      counted);
	} while (faults_fired());
	ck_assert_uint_gt(n, 1);
	ck_assert_msg(unsaid == 0, "%u failures of which nothing is said", unsaid);
	(void)printf("%s: %u calls\n", strerrorname_np(error), n - 1);
}

static void quiet(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)dup2(null, STDERR_FILENO); /* what slotd says once slotd-log is gone */
	(void)close(null);
}

#define EACH(name, error)         \
	START_TEST(name)          \
	{                         \
		quiet();          \
		fail_each(error); \
	}                         \
	END_TEST

EACH(no_memory, ENOMEM)
EACH(no_descriptor_left, EMFILE)
EACH(no_file_left_in_the_system, ENFILE)
EACH(no_room, ENOSPC)
EACH(not_now, EAGAIN)
EACH(interrupted, EINTR)
EACH(a_broken_disk, EIO)
EACH(not_allowed, EACCES)

START_TEST(without_a_failure_all_of_it_happens)
{
	quiet();
	(void)run_with(0, ENOMEM);
	ck_assert_ptr_null(faults_fired());
}
END_TEST

SUITE("faults", without_a_failure_all_of_it_happens, no_memory, no_descriptor_left,
      no_file_left_in_the_system, no_room, not_now, interrupted, a_broken_disk, not_allowed);
