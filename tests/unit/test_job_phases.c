/* Each phase of a deploy of a whole slotd: held there, then ended in each way. */
#include <errno.h>
#include <sys/stat.h>

#include "service_world.h"
#include "suite.h"

static const char text[] = TWO_SLOT
	"prepare=true\nprepare_timeout=20\nprepare_directory=@DIR@\nrelease_command=true\n"
	"release_command_timeout=20\nverify=true\nverify_timeout=20\nafter_swap=true\n"
	"after_swap_timeout=20\non_failure=true\non_failure_timeout=20\nready_timeout=20\nbake=30\n"
	"idle_keep=100\ndrain_timeout=5\n";

enum ending {
	ENDS_WELL,
	ENDS_BY_ABORT,
	ENDS_BY_FAILURE,
	ENDS_BY_TIME,
	ENDS_WITH_SLOTD,
	ENDING_MAX,
};

static const char *const endings[ENDING_MAX] = {"well", "abort", "failure", "time", "slotd"};

/* It does not come further than that: nothing that the phase waits for is answered. */
static void hold(enum swap_step step, bool on)
{
	if (step == SWAP_GATE) {
		fake_probe_answers = !on;
	} else if (step == SWAP_FLIP) {
		fake_relays_answer = !on;
	} else if (step == SWAP_CHECK_RECORD || step == SWAP_PRECHECK || step == SWAP_RECORD) {
		fake_functions_hang = on;
	} else if (step == SWAP_DRAIN) {
		fake_relays_drain = !on;
	}
}

static void end_shell(struct world *w, int code)
{
	struct fake_process *sh = fake_process_find("sh");

	if (sh) {
		(void)dprintf(sh->stdio[1], "v3\n");
		fake_process_exit(sh, code << 8);
		world_settle(w);
	}
}

/* Functions of slotd's own that hang end with that. */
static void end_functions(struct world *w, int code)
{
	struct fake_process *f;

	fake_functions_hang = false;
	for (int i = 0; i < 20 && (f = fake_process_find("function")); i++) {
		fake_process_exit(f, code << 8);
		world_settle(w);
	}
}

static enum swap_step step_of(struct world *w)
{
	return the_service(w)->swap.step;
}

static void go_on(struct world *w)
{
	if (fake_process_find("sh")) {
		end_shell(w, 0);
	} else {
		world_advance(w, MSECONDS(500));
	}
}

/* The phases that come in the same turn as another are held before that. */
static void go_to(struct world *w, enum swap_step step)
{
	const struct job_request req = {
		.kind = SWAP_KIND_DEPLOY, .service = "s", .who = "ana", .trusted = true};
	struct diag diag = {0};
	const bool late = step == SWAP_CHECK_RECORD || step == SWAP_RECORD;

	fake_shell.stays = true;
	if (!late) {
		hold(step, true);
	}
	hold(SWAP_FLIP, step == SWAP_RECORD || step == SWAP_FLIP);
	ck_assert_int_gt(job_begin(w->sup, &req, &diag), 0);
	world_settle(w);
	for (int i = 0; i < 200 && step_of(w) != step; i++) {
		if (late && step_of(w) == (step == SWAP_RECORD ? SWAP_FLIP : SWAP_VERIFY)) {
			world_settle(w);
			hold(step, true);
		}
		if (step == SWAP_RECORD && step_of(w) == SWAP_FLIP) {
			hold(SWAP_FLIP, false);
			fake_relays_pay();
			world_settle(w);
		} else {
			go_on(w);
		}
	}
	ck_assert_msg(step_of(w) == step, "%s instead of %s:\n%s", swap_state_name(step_of(w)),
		      swap_state_name(step), world_log_end());
}

static void let_go(struct world *w, enum swap_step step)
{
	hold(step, false);
	if (step == SWAP_FLIP) {
		fake_relays_pay();
	}
	end_functions(w, step == SWAP_RECORD); /* it has written nothing: that is tried again */
}

/* True: slotd has ended. */
static bool end_phase(struct world *w, enum swap_step step, enum ending ending)
{
	const struct job_request req = {.service = "s", .who = "bob", .trusted = true};
	struct diag diag = {0};

	switch (ending) {
	case ENDS_BY_ABORT:
		(void)job_abort(w->sup, &req, &diag);
		break;
	case ENDS_BY_FAILURE:
		end_shell(w, 3);
		if (step == SWAP_GATE) {
			hold(step, false);
			fake_healthy = false;
			world_advance(w, SECONDS(25));
		} else if (step == SWAP_BAKE) {
			fake_healthy = false;
			world_advance(w, SECONDS(5));
		} else if (step == SWAP_START) {
			for (int i = 0; i < 8; i++) {
				if (fake_process_find("web_b")) {
					world_exit(w, "web_b", 1);
				}
				world_advance(w, SECONDS(1));
			}
		} else {
			end_functions(w, 1);
		}
		fake_healthy = true;
		break;
	case ENDS_BY_TIME:
		if (step != SWAP_PRECHECK && step != SWAP_CHECK_RECORD) {
			world_advance(w, SECONDS(21));
		}
		break;
	case ENDS_WITH_SLOTD:
		let_go(w, step);
		fake_shell.stays = false;
		end_shell(w, 0);
		if (world_stop(w)) {
			fake_processes_inherit(); /* a record that it did not wait for */
			return true;
		}
		break;
	default:
		break;
	}
	let_go(w, step);
	return false;
}

static unsigned count(const char *all, const char *part)
{
	unsigned n = 0;

	for (const char *at = all; (at = strstr(at, part)); at += strlen(part)) {
		n++;
	}
	return n;
}

static int code_of(struct world *w)
{
	const char *code = strstr(content(w, "state/history"), "\"code\":");

	return code ? atoi(code + strlen("\"code\":")) : -1;
}

static void check_record(struct world *w, enum slot_id live, const char *where)
{
	char wanted[32];

	(void)snprintf(wanted, sizeof(wanted), "%s\n", slot_name(live));
	ck_assert_msg(strcmp(content(w, "live"), wanted) == 0, "%s: live_file", where);
	(void)snprintf(wanted, sizeof(wanted), "\"live\": \"%s\"", slot_name(live));
	ck_assert_msg(strstr(content(w, "state/state.json"), wanted) != NULL, "%s: record", where);
	ck_assert_msg(count(content(w, "state/history"), "\"job\":1,") == 1, "%s: history %s",
		      where, content(w, "state/history"));
}

static bool runs(struct world *w, const char *name)
{
	return worker_state_info(world_process(w, name)->worker.state)->alive;
}

static void check_end(struct world *w, const char *where)
{
	struct service *s = the_service(w);
	const enum slot_id live = service_live(s), idle = slot_other(live);
	const char *names[] = {"a", "b"};
	const int code = code_of(w);

	ck_assert_msg(!s->job && !s->closing && !deploy_busy(&s->swap), "%s: busy", where);
	ck_assert_msg(!fake_process_find("sh"), "%s: commands run on", where);
	ck_assert_msg((int)service_word(s).live == (int)live && !s->flipping, "%s: word", where);
	check_record(w, live, where);
	ck_assert_msg(runs(w, names[live]), "%s: %s is %s", where, names[live],
		      world_state(w, names[live]));
	ck_assert_msg(!s->slots[live].touched, "%s: touched", where);
	ck_assert_msg((code == 0) == (live == SLOT_B), "%s: code %d, %s is live", where, code,
		      names[live]);
	ck_assert_msg(code == 0 || code == 10 || code == 11, "%s: code %d", where, code);
	ck_assert_msg(runs(w, names[idle]) == (code == 0), "%s: %s is %s after code %d", where,
		      names[idle], world_state(w, names[idle]), code);
	world_advance(w, SECONDS(200));
	ck_assert_msg(!runs(w, names[idle]), "%s: %s goes on", where, names[idle]);
}

static void finish_all(struct world *w)
{
	for (int i = 0; i < 200 && (the_service(w)->job || the_service(w)->closing); i++) {
		go_on(w);
	}
	world_advance(w, SECONDS(30)); /* a record is tried again after 10 s */
	for (int i = 0; i < 20 && the_service(w)->slots[SLOT_B].retire.state != RETIRE_NONE &&
			the_service(w)->slots[SLOT_B].retire.state != RETIRE_WARM;
	     i++) {
		world_advance(w, SECONDS(1));
	}
}

static void each_ending(enum swap_step step)
{
	const unsigned stride = suite_stride(5);

	for (unsigned ending = (unsigned)step % stride; ending < ENDING_MAX; ending += stride) {
		auto_world w = world_new(text);
		char where[64];

		(void)snprintf(where, sizeof(where), "%s, %s", swap_state_name(step),
			       endings[ending]);
		world_advance(&w, SECONDS(2));
		go_to(&w, step);
		if (end_phase(&w, step, (enum ending)ending)) {
			ck_assert_msg(count(content(&w, "state/history"), "\"job\":1,") == 1,
				      "%s: history: %s", where, content(&w, "state/history"));
			continue;
		}
		ck_assert_msg(ending != ENDS_WITH_SLOTD, "%s: it does not end", where);
		finish_all(&w);
		check_end(&w, where);
	}
}

START_TEST(each_phase_before_the_gate_ends_in_each_way)
{
	each_ending(SWAP_PRECHECK);
	each_ending(SWAP_PREPARE);
	each_ending(SWAP_RELEASE);
	each_ending(SWAP_START);
}
END_TEST

START_TEST(each_phase_from_the_gate_to_the_flip_ends_in_each_way)
{
	each_ending(SWAP_GATE);
	each_ending(SWAP_VERIFY);
	each_ending(SWAP_CHECK_RECORD);
	each_ending(SWAP_FLIP);
}
END_TEST

START_TEST(each_phase_after_the_flip_ends_in_each_way)
{
	each_ending(SWAP_RECORD);
	each_ending(SWAP_BAKE);
	each_ending(SWAP_AFTER_SWAP);
}
END_TEST

/* ---- the way back */

START_TEST(a_rollback_to_a_slot_that_still_drains_only_flips)
{
	auto_world w = world_new(TWO_SLOT "drain_timeout=1000\n");

	world_advance(&w, SECONDS(2));
	fake_relays_drain = false;
	fake_relay_page->workers[world_process(&w, "a")->worker.id].in_request = 3;
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(20));
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	ck_assert_int_eq(the_service(&w)->slots[SLOT_A].retire.state, RETIRE_DRAINING);
	(void)world_plan(&w);
	fake_probe_answers = false; /* no check is waited for */
	go(&w, SWAP_KIND_ROLLBACK);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
	ck_assert_int_eq(the_service(&w)->slots[SLOT_A].retire.state, RETIRE_NONE);
	ck_assert_ptr_null(strstr(world_plan(&w), "web_a"));
	fake_probe_answers = true;
	fake_relays_drain = true;
	finish(&w);
}
END_TEST

START_TEST(a_rollback_to_a_stopped_slot_passes_the_gate)
{
	auto_world w = world_new(TWO_SLOT "idle_keep=0\n");

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	world_advance(&w, SECONDS(20));
	ck_assert_str_eq(world_state(&w, "a"), "STOPPED");
	fake_probe_answers = false;
	go(&w, SWAP_KIND_ROLLBACK);
	world_advance(&w, SECONDS(3));
	ck_assert_int_eq(step_of(&w), SWAP_GATE);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	fake_probe_answers = true;
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
}
END_TEST

/* ---- what commands say of the deploy */

START_TEST(the_release_that_nobody_named_is_what_the_command_prints)
{
	auto_world w = world_new(text);

	world_advance(&w, SECONDS(2));
	go_to(&w, SWAP_START);
	finish_all(&w);
	ck_assert_str_eq(the_service(&w)->slots[SLOT_B].release, "v3");
	says(content(&w, "state/history"), "\"release\":\"v3\"");
	says(content(&w, "state/state.json"), "\"b\": \"v3\"");
	logged("deploy #1: b (v3) is live.");
}
END_TEST

START_TEST(a_command_that_names_nothing_fails_the_deploy)
{
	auto_world w = world_new(TWO_SLOT "release_command=true\n");
	const struct job_request req = {
		.kind = SWAP_KIND_DEPLOY, .service = "s", .who = "ana", .trusted = true};
	struct diag diag = {0};

	world_advance(&w, SECONDS(2));
	fake_shell.says = "  \nv3\n";
	ck_assert_int_gt(job_begin(w.sup, &req, &diag), 0);
	finish(&w);
	logged("failed in release: the first line that release_command printed is empty");
	ck_assert_str_eq(world_state(&w, "b"), "STOPPED");
	go(&w, SWAP_KIND_DEPLOY); /* with a name of its own */
	finish(&w);
	logged("deploy #2: b (v2) is live.");
}
END_TEST

static void write_result(struct world *w, unsigned job, const char *said)
{
	char path[128];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/run/results/s-%u/result", w->dir, job);
	f = fopen(path, "we");
	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	(void)fputs(said, f);
	(void)fclose(f);
}

static int roll_back(struct world *w, bool force, struct diag *diag)
{
	const struct job_request req = {.kind = SWAP_KIND_ROLLBACK,
					.service = "s",
					.who = "ana",
					.trusted = true,
					.force = force};

	*diag = (struct diag){0};
	return job_begin(w->sup, &req, diag);
}

START_TEST(where_there_is_no_way_back_a_bake_fails_forward_and_a_rollback_is_refused)
{
	auto_world w = world_new(TWO_SLOT "prepare=true\nbake=30\n");
	struct diag diag;
	struct stat st;
	char path[128];

	world_advance(&w, SECONDS(2));
	fake_shell.stays = true;
	go(&w, SWAP_KIND_DEPLOY);
	write_result(&w, 1, "# seen\nrollback=no drops\tuser.name  \n");
	end_shell(&w, 0);
	(void)snprintf(path, sizeof(path), "%s/run/results/s-1", w.dir);
	ck_assert_int_eq(stat(path, &st), -1);
	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(step_of(&w), SWAP_BAKE);
	ck_assert_int_eq(roll_back(&w, false, &diag), -EINVAL);
	says(diag.text, "s: there is no way back from b (v2): drops?user.name. If it is meant");
	world_exit(&w, "web_b", 1);
	world_advance(&w, SECONDS(2));
	world_exit(&w, "web_b", 1);
	world_advance(&w, SECONDS(20));
	ck_assert_ptr_null(the_service(&w)->job);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	logged("failed in bake: b crashed");
	logged("NOT FLIPPED BACK: b (v2) is live. There is no way back: drops?user.name");
	says(content(&w, "state/history"), "\"code\":10");
	says(content(&w, "state/history"), "\"one_way\":\"drops?user.name\"");
	says(content(&w, "state/state.json"), "\"one_way\": {\n        \"b\": \"drops?user.name\"");
	ck_assert_int_eq(roll_back(&w, false, &diag), -EINVAL);
	ck_assert_int_gt(roll_back(&w, true, &diag), 0);
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
}
END_TEST

START_TEST(the_next_deploy_has_a_way_back_again)
{
	auto_world w = world_new(TWO_SLOT "prepare=true\n");
	struct diag diag;

	world_advance(&w, SECONDS(2));
	fake_shell.stays = true;
	go(&w, SWAP_KIND_DEPLOY);
	write_result(&w, 1, "rollback=no\n");
	end_shell(&w, 0);
	finish(&w);
	ck_assert_int_eq(roll_back(&w, false, &diag), -EINVAL);
	says(diag.text, "its prepare commands gave no reason");
	world_advance(&w, SECONDS(60));
	go(&w, SWAP_KIND_DEPLOY);
	write_result(&w, 2, "rollback=yes\n");
	end_shell(&w, 0);
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
	ck_assert_int_gt(roll_back(&w, false, &diag), 0);
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
}
END_TEST

START_TEST(a_result_that_is_not_to_be_trusted_fails_the_deploy)
{
	auto_world w = world_new(TWO_SLOT "prepare=true\n");
	char path[128];

	world_advance(&w, SECONDS(2));
	fake_shell.stays = true;
	go(&w, SWAP_KIND_DEPLOY);
	(void)snprintf(path, sizeof(path), "%s/run/results/s-1/result", w.dir);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	end_shell(&w, 0);
	finish(&w);
	logged("failed in prepare: the file of SLOTD_RESULT cannot be read: it is a symbolic link");
	ck_assert_str_eq(world_state(&w, "b"), "STOPPED");
}
END_TEST

SUITE("job_phases", each_phase_before_the_gate_ends_in_each_way,
      each_phase_from_the_gate_to_the_flip_ends_in_each_way,
      each_phase_after_the_flip_ends_in_each_way, a_rollback_to_a_slot_that_still_drains_only_flips,
      a_rollback_to_a_stopped_slot_passes_the_gate,
      the_release_that_nobody_named_is_what_the_command_prints,
      a_command_that_names_nothing_fails_the_deploy,
      where_there_is_no_way_back_a_bake_fails_forward_and_a_rollback_is_refused,
      the_next_deploy_has_a_way_back_again, a_result_that_is_not_to_be_trusted_fails_the_deploy);
