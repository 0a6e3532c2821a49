/* deploy/: jobs, their steps, the plan of a swap carried out, prepare, bake. */
#include <errno.h>
#include <supervisor/deploy/drain_now.h>
#include <sys/stat.h>

#include "service_world.h"
#include "suite.h"
#include "supervisor/deploy/drain_now.h"

static const char plain[] = TWO_SLOT;
static const char prepared[] = TWO_SLOT "prepare=\n  true\n  false\n";
static const char baked[] = TWO_SLOT "bake=10\n";

static enum swap_step step_of(struct world *w)
{
	return the_service(w)->swap.step;
}

static enum slot_id live_of(struct world *w)
{
	return service_live(the_service(w));
}

/* ---- a way to its end */

START_TEST(a_swap_starts_checks_flips_and_drains)
{
	auto_world w = world_new(plain);

	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(world_state(&w, "a"), "RUNNING");
	ck_assert_str_eq(world_state(&w, "b"), "STOPPED");
	go(&w, SWAP_KIND_SWAP);
	ck_assert_int_eq(step_of(&w), SWAP_START);
	ck_assert_str_eq(content(&w, "live"), "a\n");
	world_advance(&w, SECONDS(1));
	finish(&w);
	ck_assert_int_eq(live_of(&w), SLOT_B);
	ck_assert_str_eq(content(&w, "live"), "b\n");
	ck_assert_str_eq(world_state(&w, "a"), "RUNNING"); /* warm */
	logged("swap #1: b is live.");
	world_advance(&w, SECONDS(900));
	ck_assert_str_eq(world_state(&w, "a"), "STOPPED"); /* idle_keep is over */
}
END_TEST

START_TEST(a_deploy_prepares_first_and_has_a_release)
{
	auto_world w = world_new(prepared);

	world_advance(&w, SECONDS(2));
	fake_shell.stays = true;
	go(&w, SWAP_KIND_DEPLOY);
	ck_assert_int_eq(step_of(&w), SWAP_PREPARE);
	world_advance(&w, SECONDS(100));
	ck_assert_str_eq(world_state(&w, "b"), "STOPPED");
	fake_process_exit(fake_process_find("sh"), 0);
	world_settle(&w);
	ck_assert_int_eq(step_of(&w), SWAP_START);
	finish(&w);
	ck_assert_str_eq(the_service(&w)->slots[SLOT_B].release, "v2");
	logged("deploy #1: b (v2) is live.");
	says(content(&w, "state/state.json"), "\"b\": \"v2\"");
}
END_TEST

START_TEST(the_history_has_who_what_and_how)
{
	auto_world w = world_new(plain);

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	world_advance(&w, SECONDS(60));
	says(content(&w, "state/history"),
	     "\"job\":1,\"service\":\"s\",\"kind\":\"swap\",\"who\":\"ana\"");
	says(content(&w, "state/history"), "\"from\":\"a\",\"to\":\"b\"");
	says(content(&w, "state/history"), "\"code\":0,\"text\":\"b is live.\"");
}
END_TEST

/* ---- prepare */

START_TEST(a_prepare_that_fails_is_logged_and_changes_nothing)
{
	auto_world w = world_new(prepared);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_shell = (struct fake_shell){.says = "true\nfalse\nsomething is wrong\n", .code = 3};
	go(&w, SWAP_KIND_DEPLOY);
	finish(&w);
	logged("deploy #1 failed in prepare: exit status 3, log ");
	logged("NOTHING SWAPPED: a is live. prepare did run: its migrations are not undone.");
	ck_assert_int_eq(live_of(&w), SLOT_A);
	ck_assert_str_eq(world_state(&w, "b"), "STOPPED");
	says(content(&w, "state/history"), "\"code\":10");
	says(fake_logged, "something is wrong\n");
	ck_assert_int_eq(begin(&w, SWAP_KIND_ROLLBACK, &diag), -EINVAL);
	says(diag.text, "contains a deploy that did not succeed");
}
END_TEST

START_TEST(a_prepare_that_takes_too_long_is_killed)
{
	auto_world w = world_new(TWO_SLOT "prepare=true\nprepare_timeout=40\n");

	world_advance(&w, SECONDS(2));
	fake_shell.stays = true;
	go(&w, SWAP_KIND_DEPLOY);
	finish(&w);
	logged("prepare took longer than prepare_timeout, 40 s");
	ck_assert_ptr_null(fake_process_find("sh"));
	ck_assert_int_eq(live_of(&w), SLOT_A);
}
END_TEST

START_TEST(a_job_without_a_process_for_its_prepare_says_so)
{
	auto_world w = world_new(TWO_SLOT "prepare=true\n");

	world_advance(&w, SECONDS(2));
	fake_shell = (struct fake_shell){.code = 126};
	go(&w, SWAP_KIND_DEPLOY);
	finish(&w);
	logged("failed in prepare: exit status 126, log ");
}
END_TEST

/* ---- what is refused */

START_TEST(one_at_a_time_and_the_second_is_told_of_the_first)
{
	auto_world w = world_new(prepared);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_shell.stays = true;
	go(&w, SWAP_KIND_DEPLOY);
	world_advance(&w, SECONDS(41));
	ck_assert_int_eq(begin(&w, SWAP_KIND_SWAP, &diag), -EBUSY);
	says(diag.text, "s: deploy #1 by ana is in \"prepare\" for 41 s.");
	ck_assert_int_eq(service_may_change(world_process(&w, "b"), &diag), -EBUSY);
	ck_assert_int_eq(service_may_change(world_process(&w, "a"), &diag), 0);
}
END_TEST

static int ask(struct world *w, const struct job_request *req, struct diag *diag)
{
	*diag = (struct diag){0};
	return job_begin(w->sup, req, diag);
}

START_TEST(what_cannot_begin_is_refused_with_a_reason)
{
	auto_world w = world_new(plain);
	struct job_request req = {.kind = SWAP_KIND_SWAP, .service = "x", .who = "ana", .uid = 7};
	struct diag diag;

	ck_assert_int_eq(ask(&w, &req, &diag), -ENOENT);
	ck_assert_str_eq(diag.text, "there is no service x");
	req.service = "b";
	ck_assert_int_eq(ask(&w, &req, &diag), -ENOENT);
	says(diag.text, "b is a slot (the idle one), not a service. Did you mean: slotctl swap s");
	req.service = "s";
	ck_assert_int_eq(ask(&w, &req, &diag), -EACCES);
	says(diag.text, "ana may not change s: add allow=deploy:ana to [service:s]");
	req.trusted = true;
	req.kind = SWAP_KIND_DEPLOY;
	req.release = "a\nb";
	ck_assert_int_eq(ask(&w, &req, &diag), -EINVAL);
	says(diag.text, "the name of a release has at most 63 characters");
	req.kind = SWAP_KIND_ROLLBACK;
	req.release = NULL;
	ck_assert_int_eq(ask(&w, &req, &diag), -EINVAL);
	says(diag.text, "slot b was never live with the release that it contains");
	w.sup->mood = MOOD_SHUTDOWN;
	ck_assert_int_eq(ask(&w, &req, &diag), -ESHUTDOWN);
	w.sup->mood = MOOD_RUNNING;
}
END_TEST

START_TEST(whom_the_configuration_allows_may_deploy)
{
	auto_world w = world_new(TWO_SLOT "allow_deploy=daemon\n"); /* uid 1, gid 1 */
	struct job_request req = {.kind = SWAP_KIND_SWAP, .service = "s", .who = "d", .uid = 1};
	struct diag diag;

	world_advance(&w, SECONDS(2));
	ck_assert_int_gt(ask(&w, &req, &diag), 0);
	req.uid = (uid_t)-1;
	req.gid = (gid_t)-1;
	ck_assert_int_eq(ask(&w, &req, &diag), -EACCES);
	finish(&w);
}
END_TEST

START_TEST(a_slot_without_workers_is_nothing_to_swap_to)
{
	auto_world w = world_new(plain);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	service_process_removed(the_service(&w), world_process(&w, "b"));
	ck_assert_int_eq(begin(&w, SWAP_KIND_SWAP, &diag), -EINVAL);
	says(diag.text, "slot b of s is empty");
}
END_TEST

/* ---- ended by somebody */

static int abort_it(struct world *w, struct diag *diag)
{
	const struct job_request req = {.service = "s", .who = "bob", .trusted = true};
	int r = job_abort(w->sup, &req, diag);

	world_settle(w);
	return r;
}

START_TEST(an_abort_before_the_flip_leaves_everything)
{
	auto_world w = world_new(prepared);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(abort_it(&w, &diag), -ENOENT);
	fake_shell.stays = true;
	go(&w, SWAP_KIND_DEPLOY);
	ck_assert_int_eq(abort_it(&w, &diag), 0);
	ck_assert_ptr_null(the_service(&w)->job);
	ck_assert_ptr_null(fake_process_find("sh"));
	logged("aborted by bob");
	ck_assert_int_eq(live_of(&w), SLOT_A);
}
END_TEST

START_TEST(after_the_flip_it_is_too_late)
{
	auto_world w = world_new(plain);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_relays_answer = false;
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, MSECONDS(1500));
	ck_assert_int_eq(step_of(&w), SWAP_FLIP);
	ck_assert_int_eq(abort_it(&w, &diag), -EALREADY);
	says(diag.text, "too late");
	fake_relays_answer = true;
	fake_relays_pay();
	finish(&w);
	ck_assert_int_eq(live_of(&w), SLOT_B);
}
END_TEST

START_TEST(a_slotd_that_ends_gives_up_what_has_not_flipped)
{
	auto_world w = world_new(prepared);

	world_advance(&w, SECONDS(2));
	fake_shell.stays = true;
	go(&w, SWAP_KIND_DEPLOY);
	ck_assert(world_stop(&w));
	logged("slotd is shutting down");
	says(content(&w, "state/history"), "\"code\":10");
}
END_TEST

/* ---- what fails */

START_TEST(a_gate_that_fails_tells_who_and_why_and_stops_the_slot)
{
	auto_world w = world_new(TWO_SLOT "ready_timeout=5\n");

	world_advance(&w, SECONDS(2));
	fake_healthy = false;
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	world_settle(&w);
	logged("swap #1 failed in gate: b answered 500 to GET /");
	ck_assert_str_eq(world_state(&w, "b"), "STOPPED");
	ck_assert_str_eq(world_state(&w, "a"), "RUNNING");
	says(content(&w, "state/history"), "\"step\":\"gate\",\"why\":\"b answered 500 to GET /\"");
	says(content(&w, "state/history"), "\"worker\":\"b\"");
}
END_TEST

START_TEST(a_slot_that_does_not_start_fails_the_swap)
{
	auto_world w = world_new("[program:a]\ncommand=web_a\n"
				 "[program:b]\ncommand=web_b\nstartretries=0\n" SERVICE);

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	world_exit(&w, "web_b", 4);
	finish(&w);
	logged("swap #1 failed in start: b is FATAL: it ended before startsecs, exit status 4");
	ck_assert_int_eq(live_of(&w), SLOT_A);
}
END_TEST

START_TEST(workers_that_were_fatal_are_started_before_they_are_judged)
{
	auto_world w = world_new("[program:a]\ncommand=web_a%(process_num)d\nnumprocs=2\n"
				 "numprocs_start=8001\nprocess_name=%(process_num)d\n"
				 "startretries=0\n[program:b]\ncommand=web_b\n" SERVICE
				 "worker=unix:@DIR@/%(program_name)s%(process_num)d.sock\n");

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	ck_assert_int_eq(live_of(&w), SLOT_B);
	world_advance(&w, SECONDS(900)); /* idle_keep */
	for (int attempt = 0; attempt < 2; attempt++) {
		process_start(world_process(&w, attempt ? "a:8002" : "a:8001"));
		world_settle(&w);
		world_exit(&w, attempt ? "web_a8002" : "web_a8001", 4);
	}
	ck_assert_str_eq(world_state(&w, "a:8001"), "FATAL");
	ck_assert_str_eq(world_state(&w, "a:8002"), "FATAL");
	go(&w, SWAP_KIND_SWAP);
	ck_assert_int_eq(step_of(&w), SWAP_START);
	finish(&w);
	ck_assert_int_eq(live_of(&w), SLOT_A);
	logged("swap #2: a is live.");
}
END_TEST

/* ---- bake */

START_TEST(a_slot_that_stays_up_is_baked_and_then_told)
{
	auto_world w = world_new(baked);

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(step_of(&w), SWAP_BAKE);
	ck_assert_int_eq(live_of(&w), SLOT_B);
	ck_assert_str_eq(world_state(&w, "a"), "RUNNING");
	world_advance(&w, SECONDS(8));
	ck_assert_int_eq(step_of(&w), SWAP_BAKE);
	finish(&w);
	logged("swap #1: b is live.");
	ck_assert_int_eq(live_of(&w), SLOT_B);
}
END_TEST

START_TEST(a_crash_while_it_is_baked_flips_back)
{
	auto_world w = world_new(baked);

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(3));
	ck_assert_int_eq(step_of(&w), SWAP_BAKE);
	world_exit(&w, "web_b", 1); /* as often as bake_crashes allows */
	ck_assert_int_eq(step_of(&w), SWAP_BAKE);
	world_advance(&w, SECONDS(2));
	world_exit(&w, "web_b", 1);
	finish(&w);
	logged("swap #1 failed in bake: b crashed: exit status 1. Back to a");
	ck_assert_int_eq(live_of(&w), SLOT_A);
	ck_assert_str_eq(content(&w, "live"), "a\n");
	logged("swap #1 failed in bake: b crashed: exit status 1. Back to a");
	logged("FLIPPED BACK: a is live.");
	world_advance(&w, SECONDS(60));
	says(content(&w, "state/history"), "\"code\":11");
}
END_TEST

START_TEST(checks_that_fail_while_it_is_baked_flip_back)
{
	auto_world w = world_new(baked);

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(2));
	world_process(&w, "a")->health.healthy = true;
	fake_healthy = false;
	for (int i = 0; i < 20 && step_of(&w) == SWAP_BAKE; i++) {
		world_advance(&w, MSECONDS(500));
	}
	fake_healthy = true;
	finish(&w);
	logged("failed in bake: b answered 500 to GET /");
	ck_assert_int_eq(live_of(&w), SLOT_A);
}
END_TEST

START_TEST(a_rollback_ends_the_bake)
{
	auto_world w = world_new(baked);

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_ROLLBACK);
	finish(&w);
	logged("rolled back by ana, #2");
	logged("ROLLED BACK: b does not stay live.");
	logged("rollback #2: a is live.");
	ck_assert_int_eq(live_of(&w), SLOT_A);
}
END_TEST

/* ---- the drain of the slot that was live */

/* Relays know of connections in a until they are told to cut. */
static void swap_with_clients(struct world *w)
{
	world_advance(w, SECONDS(2));
	fake_relay_page->workers[world_process(w, "a")->worker.id].in_request = 3;
	go(w, SWAP_KIND_SWAP);
	world_advance(w, MSECONDS(1100));
	for (int i = 0; i < 20 && live_of(w) != SLOT_B; i++) {
		world_advance(w, MSECONDS(50));
	}
	ck_assert_int_eq(live_of(w), SLOT_B);
}

START_TEST(what_does_not_end_by_itself_is_cut_and_counted)
{
	auto_world w = world_new(TWO_SLOT "drain_timeout=30\n");

	fake_relays_drain = false;
	fake_relays_cut = 3;
	swap_with_clients(&w);
	world_advance(&w, SECONDS(10));
	ck_assert_int_eq(the_service(&w)->slots[SLOT_A].retire.state, RETIRE_DRAINING);
	not_logged("were closed");
	world_advance(&w, SECONDS(40));
	logged("slot a has drained; 3 connections that did not end by themselves were closed");
	ck_assert_int_eq(the_service(&w)->slots[SLOT_A].retire.state, RETIRE_WARM);
}
END_TEST

START_TEST(a_drain_can_be_hurried)
{
	auto_world w = world_new(TWO_SLOT "drain_timeout=1000\n");
	const struct job_request req = {.service = "s", .who = "bob", .trusted = true};
	struct diag diag = {0};

	ck_assert_int_eq(service_drain_now(w.sup, &req, &diag), -ENOENT);
	says(diag.text, "s: slot b is not draining");
	fake_relays_drain = false;
	swap_with_clients(&w);
	world_advance(&w, SECONDS(10));
	(void)fake_relays_heard();
	ck_assert_int_eq(service_drain_now(w.sup, &req, &diag), 0);
	world_settle(&w);
	says(fake_relays_heard(), "cut a");
	ck_assert_int_ne(the_service(&w)->slots[SLOT_A].retire.state, RETIRE_DRAINING);
}
END_TEST

START_TEST(a_swap_back_into_a_warm_slot_only_flips)
{
	auto_world w = world_new(plain);

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	world_advance(&w, SECONDS(2));
	(void)world_plan(&w);
	go(&w, SWAP_KIND_ROLLBACK);
	finish(&w);
	ck_assert_int_eq(live_of(&w), SLOT_A);
	ck_assert_str_eq(world_plan(&w), "");
}
END_TEST

START_TEST(a_line_that_cannot_be_written_is_written_later_before_what_is_newer)
{
	auto_world w = world_new(plain);
	char path[128];
	const char *text;

	world_advance(&w, SECONDS(2));
	(void)snprintf(path, sizeof(path), "%s/state/history", w.dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	for (int i = 0; i < 2; i++) {
		go(&w, SWAP_KIND_SWAP);
		finish(&w);
	}
	logged("lines of the history wait until they can be written");
	ck_assert_int_eq(rmdir(path), 0);
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	world_advance(&w, SECONDS(60));
	text = content(&w, "state/history");
	for (int i = 1; i <= 3; i++) {
		char job[32];

		(void)snprintf(job, sizeof(job), "{\"job\":%d,", i);
		says(text, job);
		ck_assert_ptr_null(strstr(strstr(text, job) + 1, job));
	}
	ck_assert(strstr(text, "{\"job\":1,") < strstr(text, "{\"job\":2,"));
	logged("the lines of the history that waited are written");
}
END_TEST

START_TEST(a_job_of_a_service_that_goes_ends)
{
	auto_world w = world_new("[program:cron]\ncommand=cron\n" TWO_SLOT "prepare=true\n");

	world_advance(&w, SECONDS(2));
	fake_shell.stays = true;
	go(&w, SWAP_KIND_DEPLOY);
	service_remove(the_service(&w));
	fake_shell.stays = false;
	world_advance(&w, SECONDS(60));
	ck_assert_ptr_null(the_service(&w));
	says(content(&w, "state/history"), "\"service\":\"s\"");
}
END_TEST

/* ---- a rolling restart */

#define THREE                                                                                   \
	"[program:a]\ncommand=web_%(process_num)d\nnumprocs=3\nprocess_name=a%(process_num)d\n" \
	"[program:b]\ncommand=web_b\n[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a\n"    \
	"slot_b=b\nhealth=tcp\nworker=unix:@DIR@/%(program_name)s%(process_num)d.sock\n"        \
	"live_file=@DIR@/live\ndrain_timeout=30\n"

START_TEST(a_rolling_restart_takes_one_worker_after_the_other)
{
	auto_world w = world_new(THREE);
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_relays_drain = false;
	(void)world_plan(&w);
	(void)fake_relays_heard();
	go(&w, SWAP_KIND_RESTART);
	says(fake_relays_heard(), "worker a0 down; drain a");
	ck_assert_str_eq(world_plan(&w), ""); /* nobody is stopped before the relays say so */
	ck_assert_int_eq(begin(&w, SWAP_KIND_SWAP, &diag), -EBUSY);
	says(diag.text, "restart #1 by ana is in \"roll\"");
	ck_assert_int_eq(service_may_change(world_process(&w, "a:a2"), &diag), -EBUSY);
	world_advance(&w, SECONDS(31)); /* it is cut, stopped, started; then the next one */
	says(world_plan(&w), "signal web_0 TERM; ");
	fake_relays_drain = true;
	finish(&w);
	logged("3 workers of slot a were restarted.");
	says(content(&w, "state/history"), "\"kind\":\"restart\"");
	ck_assert_int_eq(world_process(&w, "a:a1")->roll.state, ROLL_NONE);
}
END_TEST

START_TEST(an_abort_of_a_rolling_restart_gives_the_worker_its_connections_back)
{
	auto_world w = world_new(THREE);
	const struct job_request abort = {.service = "s", .who = "bob", .trusted = true};
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_relays_drain = false;
	go(&w, SWAP_KIND_RESTART);
	(void)world_plan(&w);
	(void)fake_relays_heard();
	ck_assert_int_eq(job_abort(w.sup, &abort, &diag), 0);
	world_settle(&w);
	says(fake_relays_heard(), "worker a0 up");
	ck_assert_ptr_null(the_service(&w)->job);
	ck_assert_str_eq(world_plan(&w), "");
	logged("RESTART STOPPED: 0 of 3 workers were restarted");
	fake_relays_drain = true;
}
END_TEST

START_TEST(a_single_worker_is_not_rolled_unless_forced)
{
	auto_world w = world_new(plain);
	struct diag diag = {0};
	struct job_request req = {
		.kind = SWAP_KIND_RESTART, .service = "s", .who = "ana", .trusted = true};

	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(job_begin(w.sup, &req, &diag), -EINVAL);
	says(diag.text, "slotctl swap s");
	req.force = true;
	ck_assert_int_gt(job_begin(w.sup, &req, &diag), 0);
	finish(&w);
	logged("1 worker of slot a was restarted.");
}
END_TEST

SUITE("jobs", a_swap_starts_checks_flips_and_drains, a_deploy_prepares_first_and_has_a_release,
      the_history_has_who_what_and_how, a_prepare_that_fails_is_logged_and_changes_nothing,
      a_prepare_that_takes_too_long_is_killed, a_job_without_a_process_for_its_prepare_says_so,
      one_at_a_time_and_the_second_is_told_of_the_first, what_cannot_begin_is_refused_with_a_reason,
      whom_the_configuration_allows_may_deploy, a_slot_without_workers_is_nothing_to_swap_to,
      an_abort_before_the_flip_leaves_everything, after_the_flip_it_is_too_late,
      a_slotd_that_ends_gives_up_what_has_not_flipped,
      a_gate_that_fails_tells_who_and_why_and_stops_the_slot,
      a_slot_that_does_not_start_fails_the_swap,
      workers_that_were_fatal_are_started_before_they_are_judged,
      a_slot_that_stays_up_is_baked_and_then_told, a_crash_while_it_is_baked_flips_back,
      checks_that_fail_while_it_is_baked_flip_back, a_rollback_ends_the_bake,
      what_does_not_end_by_itself_is_cut_and_counted, a_drain_can_be_hurried,
      a_swap_back_into_a_warm_slot_only_flips,
      a_line_that_cannot_be_written_is_written_later_before_what_is_newer,
      a_job_of_a_service_that_goes_ends, a_rolling_restart_takes_one_worker_after_the_other,
      an_abort_of_a_rolling_restart_gives_the_worker_its_connections_back,
      a_single_worker_is_not_rolled_unless_forced);
