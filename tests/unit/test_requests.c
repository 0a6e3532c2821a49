/* show/requests.c and the commands that make them: who asks is answered once, and when. */
#include <errno.h>
#include <signal.h>
#include <supervisor/worker/groups.h>
#include <unistd.h>

#include "asking.h"
#include "service_world.h"
#include "suite.h"

#define IDLE "[program:web]\ncommand=web\nautostart=false\n"
static const char two[] = IDLE "[program:cron]\ncommand=cron\nautostart=false\n";

/* ---- start */

START_TEST(a_start_is_answered_when_the_worker_stays_up)
{
	auto_world w = world_new(IDLE);

	ck_assert_str_eq(ask(&w, COMMAND_START, "web", .wait = true), "");
	world_advance(&w, MSECONDS(500));
	ck_assert_str_eq(fake_answers(), "");
	world_advance(&w, MSECONDS(600));
	ck_assert_str_eq(fake_answers(), "#7 80 OK");
}
END_TEST

START_TEST(a_start_that_is_not_waited_for_is_answered_when_it_is_executed)
{
	auto_world w = world_new(IDLE);

	fake_prompt = false;
	ck_assert_str_eq(ask(&w, COMMAND_START, "web"), "");
	fake_process_exec(fake_process_find("web"));
	world_settle(&w);
	ck_assert_str_eq(fake_answers(), "#7 80 OK");
	ck_assert_str_eq(world_state(&w, "web"), "STARTING");
}
END_TEST

START_TEST(who_asks_for_one_that_fails_early_is_told)
{
	auto_world w = world_new(IDLE);

	ck_assert_str_eq(ask(&w, COMMAND_START, "web", .wait = true), "");
	world_exit(&w, "web", 1);
	ck_assert_str_eq(fake_answers(), "#7 50 web");
	ck_assert_str_eq(world_state(&w, "web"), "BACKOFF");
}
END_TEST

START_TEST(who_asks_for_one_that_is_stopped_meanwhile_is_told)
{
	auto_world w = world_new(IDLE);

	ck_assert_str_eq(ask(&w, COMMAND_START, "web", .wait = true), "");
	process_stop(world_process(&w, "web"));
	world_settle(&w);
	ck_assert_str_eq(fake_answers(), "#7 40 web");
}
END_TEST

/* What the child said of its execve. */
static void cannot_execute(struct world *w, int error)
{
	struct fake_process *p = fake_process_find("web");
	const struct spawn_report report = {.stage = SPAWN_STAGE_LOOKUP, .error = error};

	ck_assert_int_eq(write(p->report_fd, &report, sizeof(report)), sizeof(report));
	fake_process_exit(p, 127 << 8);
	world_settle(w);
}

START_TEST(a_file_that_is_not_there_is_not_tried_again_for_who_asked)
{
	auto_world w = world_new(IDLE);

	fake_prompt = false;
	ck_assert_str_eq(ask(&w, COMMAND_START, "web", .wait = true), "");
	cannot_execute(&w, -ENOENT);
	says(fake_answers(), "#7 20 ");
	ck_assert_str_eq(world_state(&w, "web"), "FATAL");
	(void)world_plan(&w);
	world_advance(&w, SECONDS(60));
	ck_assert_str_eq(world_plan(&w), "");
}
END_TEST

START_TEST(one_that_may_not_be_executed_is_another_fault)
{
	auto_world w = world_new(IDLE);

	fake_prompt = false;
	ck_assert_str_eq(ask(&w, COMMAND_START, "web"), "");
	cannot_execute(&w, -EACCES);
	says(fake_answers(), "#7 21 ");
	ck_assert_str_eq(world_state(&w, "web"), "FATAL");
}
END_TEST

START_TEST(a_start_is_refused_with_its_reason)
{
	auto_world w = world_new(two);

	ck_assert_str_eq(ask(&w, COMMAND_START, "nobody"), "#7 10 nobody");
	ck_assert_str_eq(ask(&w, COMMAND_START, "web"), "#7 80 OK");
	ck_assert_str_eq(ask(&w, COMMAND_START, "web"), "#7 60 web");
	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	process_stop(world_process(&w, "web"));
	ck_assert_str_eq(ask(&w, COMMAND_START, "web"), "#7 40 web"); /* it is STOPPING */
	says(ask(&w, COMMAND_START, "cron", .nobody = true), "#7 101 ");
	ck_assert_str_eq(world_state(&w, "cron"), "STOPPED");
}
END_TEST

START_TEST(a_name_that_means_many_is_answered_with_an_item_for_each)
{
	auto_world w = world_new(two);

	ck_assert_str_eq(ask(&w, COMMAND_START, "all", .wait = true), "");
	world_exit(&w, "cron", 1);
	ck_assert_str_eq(fake_answers(), ""); /* web is not up yet */
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(fake_answers(), "cron 50 cron; web 80 OK; #7 80");
	ck_assert_str_eq(ask(&w, COMMAND_START, "web:*"), "#7 80"); /* none of it can be started */
}
END_TEST

START_TEST(several_may_wait_for_the_same_worker)
{
	auto_world w = world_new(IDLE);

	ck_assert_str_eq(ask(&w, COMMAND_START, "web", .wait = true), "");
	ask_as(&w, 8, &(struct asked){COMMAND_STOP, "web", .wait = true});
	says(fake_answers(), "#7 40 web");
	ck_assert_str_eq(world_state(&w, "web"), "STOPPED");
}
END_TEST

/* ---- stop, signal */

START_TEST(a_stop_is_answered_when_it_has_ended)
{
	auto_world w = world_new("[program:web]\ncommand=web\n");

	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	ck_assert_str_eq(ask(&w, COMMAND_STOP, "web", .wait = true), "");
	ask_as(&w, 8, &(struct asked){COMMAND_STOP, "web"});
	says(fake_answers(), "#8 "); /* not waited for */
	world_exit(&w, "web", 0);
	ck_assert_str_eq(fake_answers(), "#7 80 OK");
	ck_assert_str_eq(ask(&w, COMMAND_STOP, "web", .wait = true), "#7 70 web");
}
END_TEST

START_TEST(a_signal_is_sent_or_it_is_said_why_not)
{
	auto_world w = world_new("[program:web]\ncommand=web\n");

	world_advance(&w, SECONDS(2));
	fake_obedient = false;
	(void)world_plan(&w);
	ck_assert_str_eq(ask(&w, COMMAND_SIGNAL, "web", .signal = "HUP"), "#7 80 OK");
	ck_assert_str_eq(world_plan(&w), "signal web HUP");
	ck_assert_str_eq(ask(&w, COMMAND_SIGNAL, "web", .signal = "NONE"), "#7 11 NONE");
	ck_assert_str_eq(ask(&w, COMMAND_SIGNAL, "all", .signal = "USR1"), "web 80 OK; #7 80");
	process_stop(world_process(&w, "web"));
	world_exit(&w, "web", 0);
	ck_assert_str_eq(ask(&w, COMMAND_SIGNAL, "web", .signal = "HUP"), "#7 70 web");
}
END_TEST

START_TEST(a_signal_for_a_child_that_is_being_made_comes_when_it_is_there)
{
	auto_world w = world_new(IDLE);

	process_start(world_process(&w, "web"));
	(void)world_plan(&w);
	ck_assert_str_eq(ask(&w, COMMAND_SIGNAL, "web", .signal = "USR1"), "#7 80 OK");
	says(world_plan(&w), "spawn web; signal web USR1");
}
END_TEST

/* ---- groups */

START_TEST(a_group_goes_when_its_workers_have_ended_and_comes_back)
{
	auto_world w = world_new("[program:web]\ncommand=web\n");

	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(ask(&w, COMMAND_REMOVE, "web"), "#7 91 web");
	ck_assert_str_eq(ask(&w, COMMAND_ADD, "web"), "#7 90 web");
	process_stop(world_process(&w, "web"));
	world_settle(&w);
	ck_assert_str_eq(ask(&w, COMMAND_REMOVE, "web"), "#7 80");
	ck_assert_str_eq(ask(&w, COMMAND_REMOVE, "web"), "#7 10 web");
	ck_assert_str_eq(world_state(&w, "web"), "none");
	ck_assert_str_eq(ask(&w, COMMAND_ADD, "none"), "#7 10 none");
	(void)world_plan(&w);
	ck_assert_str_eq(ask(&w, COMMAND_ADD, "web"), "#7 80");
	ck_assert_str_eq(world_plan(&w), "spawn web");
}
END_TEST

START_TEST(who_waits_for_a_worker_that_goes_is_answered)
{
	auto_world w = world_new(two);

	ck_assert_str_eq(ask(&w, COMMAND_START, "web", .wait = true), "");
	reload_with(&w, "[program:cron]\ncommand=cron\nautostart=false\n");
	ck_assert_str_eq(world_state(&w, "web"), "none");
	says(fake_answers(), "#7 40 web");
}
END_TEST

/* ---- logs */

START_TEST(a_log_that_is_not_there_is_no_file_but_can_be_cleared)
{
	auto_world w = world_new(IDLE);

	says(ask(&w, COMMAND_TAIL, "web"), "#7 20 ");
	ck_assert_str_eq(ask(&w, COMMAND_TAIL, "nobody"), "#7 10 nobody");
	ck_assert_str_eq(ask(&w, COMMAND_CLEAR, "web"), "#7 80 OK");
	ck_assert_str_eq(ask(&w, COMMAND_CLEAR, "all"), "web 80 OK; #7 80");
}
END_TEST

START_TEST(who_waits_for_a_slotd_log_that_dies_is_answered)
{
	auto_world w = world_new(IDLE);

	fake_log_answers = false;
	ck_assert_str_eq(ask(&w, COMMAND_TAIL, "web"), "");
	fake_process_exit(fake_process_find("slotd-log"), SIGKILL);
	world_settle(&w);
	says(fake_answers(), "#7 30 ");
}
END_TEST

START_TEST(a_log_that_is_there_is_handed_on)
{
	auto_world w = world_new(IDLE);
	struct message m;

	fake_log_answers = false;
	ck_assert_str_eq(ask(&w, COMMAND_TAIL, "web"), "");
	message_init(&m, MSG_LOG_OPENED, 4711); /* which nobody has asked for */
	message_put_i64(&m, TAG_CODE, 0);
	fake_helper_send("slotd-log", &m);
	world_settle(&w);
	ck_assert_str_eq(fake_answers(), "");
	for (uint32_t id = 1; id < 8; id++) {
		message_init(&m, MSG_LOG_OPENED, id);
		message_put_i64(&m, TAG_CODE, 0);
		message_put_fd(&m, STDIN_FILENO);
		fake_helper_send("slotd-log", &m);
	}
	world_settle(&w);
	ck_assert_str_eq(fake_answers(), "#7 80 OK");
}
END_TEST

/* ---- those who ask are gone */

START_TEST(nobody_is_answered_who_has_gone)
{
	auto_world w = world_new(IDLE);
	struct message m;

	ck_assert_str_eq(ask(&w, COMMAND_START, "web", .wait = true), "");
	message_init(&m, MSG_COMMAND_GONE, 7);
	fake_helper_send("slotd-control", &m);
	world_advance(&w, SECONDS(2));
	ck_assert_str_eq(fake_answers(), "");
	ck_assert_uint_eq(world_process(&w, "web")->waiters, 0);
	ck_assert_str_eq(world_state(&w, "web"), "RUNNING");
}
END_TEST

START_TEST(another_slotd_control_is_not_sent_the_answers_of_the_one_before)
{
	auto_world w = world_new(IDLE);

	ck_assert_str_eq(ask(&w, COMMAND_START, "web", .wait = true), "");
	fake_process_exit(fake_process_find("slotd-control"), SIGKILL);
	world_advance(&w, SECONDS(3));
	ck_assert_str_eq(fake_answers(), "");
	ck_assert_str_eq(ask(&w, COMMAND_STOP, "web", .wait = true), "#7 80 OK");
}
END_TEST

START_TEST(what_is_no_command_is_answered_too)
{
	auto_world w = world_new(IDLE);

	ck_assert_str_eq(ask(&w, COMMAND_MAX_), "#7 30 unknown command");
	ck_assert_str_eq(ask(&w, COMMAND_STATUS), "#7 30 unknown command");
	says(ask(&w, COMMAND_LOG_LEVEL, .arg = "loud"), "#7 3 there is no level \"loud\"");
	ck_assert_str_eq(ask(&w, COMMAND_LOG_LEVEL, .arg = "warn"), "#7 80");
}
END_TEST

START_TEST(without_memory_who_asks_is_told_or_nothing_was_begun)
{
	for (unsigned n = 1; n < 40; n++) {
		auto_world w = world_new(IDLE);
		const char *answered;

		faults_arm(n, ENOMEM);
		answered = ask(&w, COMMAND_START, "web");
		faults_disarm();
		world_advance(&w, SECONDS(5));
		if (!*answered) {
			answered = fake_answers();
		}
		ck_assert_msg(*answered, "call %u (%s): no answer\n%s", n,
			      faults_fired() ? faults_fired() : "none", world_log_end());
		if (!faults_fired()) {
			return;
		}
	}
}
END_TEST

SUITE("requests", a_start_is_answered_when_the_worker_stays_up,
      a_start_that_is_not_waited_for_is_answered_when_it_is_executed,
      who_asks_for_one_that_fails_early_is_told, who_asks_for_one_that_is_stopped_meanwhile_is_told,
      a_file_that_is_not_there_is_not_tried_again_for_who_asked,
      one_that_may_not_be_executed_is_another_fault, a_start_is_refused_with_its_reason,
      a_name_that_means_many_is_answered_with_an_item_for_each,
      several_may_wait_for_the_same_worker, a_stop_is_answered_when_it_has_ended,
      a_signal_is_sent_or_it_is_said_why_not,
      a_signal_for_a_child_that_is_being_made_comes_when_it_is_there,
      a_group_goes_when_its_workers_have_ended_and_comes_back,
      who_waits_for_a_worker_that_goes_is_answered,
      a_log_that_is_not_there_is_no_file_but_can_be_cleared,
      who_waits_for_a_slotd_log_that_dies_is_answered, a_log_that_is_there_is_handed_on,
      nobody_is_answered_who_has_gone,
      another_slotd_control_is_not_sent_the_answers_of_the_one_before,
      what_is_no_command_is_answered_too, without_memory_who_asks_is_told_or_nothing_was_begun);
