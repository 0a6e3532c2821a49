/* link/, handoff/, deploy/: helpers that fail, and what the next slotd makes of those of a former
 * one. */
#include <errno.h>
#include <signal.h>
#include <slotd/keep.h>
#include <supervisor/handoff/relays.h>
#include <supervisor/link/helpers.h>
#include <sys/socket.h>
#include <unistd.h>

#include "asking.h"
#include "service_world.h"
#include "suite.h"

static const char web[] = "[program:web]\ncommand=web\n";

static pid_t pid_of(const char *name)
{
	const struct fake_process *p = fake_process_find(name);

	return p ? p->pid : 0;
}

static void killed(struct world *w)
{
	(void)world_plan(w);
	(void)fake_relays_heard();
	fake_logged[0] = '\0';
	world_kill(w);
	world_again(w);
}

/* ---- helpers.c */

START_TEST(a_helper_that_dies_at_once_each_time_is_paced)
{
	auto_world w = world_new(web);

	for (int i = 0; i < 3; i++) {
		fake_process_exit(fake_process_find("slotd-log"), SIGSEGV);
		world_settle(&w);
		ck_assert_int_ne(pid_of("slotd-log"), 0); /* at once */
	}
	logged("slotd-log ended: terminated by SIGSEGV; starting it again");
	fake_process_exit(fake_process_find("slotd-log"), SIGSEGV);
	world_settle(&w);
	ck_assert_int_eq(pid_of("slotd-log"), 0);
	world_advance(&w, SECONDS(1));
	ck_assert_int_ne(pid_of("slotd-log"), 0);
	world_advance(&w, SECONDS(2)); /* it has stayed up */
	fake_process_exit(fake_process_find("slotd-log"), SIGSEGV);
	world_settle(&w);
	ck_assert_int_ne(pid_of("slotd-log"), 0);
}
END_TEST

START_TEST(what_is_missing_for_a_helper_is_said_and_tried_again)
{
	static const int errors[] = {EMFILE, ENOMEM, EAGAIN};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		auto_world w = world_new(web);
		bool said = false;

		world_advance(&w, SECONDS(2));
		for (unsigned n = 1; !said; n++) {
			faults_arm(n, errors[i]);
			fake_process_exit(fake_process_find("slotd-control"), SIGKILL);
			world_settle(&w);
			ck_assert_msg(faults_fired() != NULL, "no call failed");
			faults_disarm();
			said = strstr(world_log(), "cannot start slotd-control: ") != NULL;
			ck_assert(!said || !pid_of("slotd-control"));
			world_advance(&w, SECONDS(3));
			ck_assert_int_ne(pid_of("slotd-control"), 0);
		}
		logged("trying again every second");
	}
}
END_TEST

START_TEST(one_that_reads_nothing_is_ended)
{
	auto_world w = world_new(web);
	pid_t pid;

	world_advance(&w, SECONDS(2));
	pid = pid_of("slotd-control");
	fake_helper_deaf = "slotd-control";
	for (int i = 0; i < 3000; i++) {
		(void)ask(&w, COMMAND_LOG_LEVEL, .arg = "debug");
		if (channel_open(&helper_of(w.sup, HELPER_CONTROL)->channel) &&
		    !channel_idle(&helper_of(w.sup, HELPER_CONTROL)->channel)) {
			break;
		}
	}
	world_advance(&w, SECONDS(3));
	ck_assert_int_eq(pid_of("slotd-control"), pid);
	world_advance(&w, SECONDS(2));
	logged("slotd-control ended: it had read nothing for 4 s, so it was ended");
	ck_assert_int_ne(pid_of("slotd-control"), pid);
}
END_TEST

START_TEST(one_that_does_not_end_when_asked_to_is_ended)
{
	auto_world w = world_new(TWO_SLOT);
	const struct fake_process *probe;

	world_advance(&w, SECONDS(2));
	probe = fake_process_find("slotd-probe");
	ck_assert_ptr_nonnull(probe);
	fake_helpers_stay = true;
	helper_want(w.sup, HELPER_PROBE, false);
	world_advance(&w, SECONDS(4));
	ck_assert(!probe->ended);
	not_logged("did not end when asked to");
	world_advance(&w, SECONDS(2));
	logged("did not end when asked to: ending it");
}
END_TEST

START_TEST(what_is_no_message_is_refused_and_said)
{
	auto_world w = world_new(web);
	struct message m;

	ck_assert_int_gt(send(fake_process_find("slotd-probe")
				      ? -1
				      : fake_process_find("slotd-control")->channel_fd,
			      "garbage", 7, 0),
			 0);
	world_settle(&w);
	logged("refused a message from slotd-control");
	message_init(&m, MSG_REPORT, 0);
	message_put_u64(&m, TAG_LEVEL, 3);
	message_put_text(&m, TAG_TEXT, "no room on the disk");
	fake_helper_send("slotd-log", &m);
	world_settle(&w);
	logged("3 slotd-log: no room on the disk");
	ck_assert_str_eq(ask(&w, COMMAND_START, "web"), "#7 60 web"); /* it is heard further on */
}
END_TEST

/* ---- those that a former slotd left: former.c, helper_set.c, inheritance.c */

START_TEST(helpers_that_hold_something_go_on_and_the_others_are_new)
{
	world_relays = 2;
	auto_world w = world_new(TWO_SLOT);
	pid_t keep, log, relay, spawn, control;

	world_advance(&w, SECONDS(2));
	keep = pid_of("slotd-keep");
	log = pid_of("slotd-log");
	relay = pid_of("slotd-relay");
	spawn = pid_of("slotd-spawn");
	control = pid_of("slotd-control");
	killed(&w);
	ck_assert_int_eq(pid_of("slotd-keep"), keep);
	ck_assert_int_eq(pid_of("slotd-log"), log);
	ck_assert_int_eq(pid_of("slotd-relay"), relay);
	ck_assert_int_ne(pid_of("slotd-spawn"), spawn);
	ck_assert_int_ne(pid_of("slotd-control"), control);
	logged("slotd-relay 1 goes on");
	ck_assert(world_stop(&w));
	ck_assert_int_eq(pid_of("slotd-relay"), 0);
}
END_TEST

START_TEST(a_relay_that_died_meanwhile_is_replaced)
{
	auto_world w = world_new(TWO_SLOT);

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	fake_process_exit(fake_process_find("slotd-relay"), SIGKILL);
	(void)fake_relays_heard();
	world_again(&w);
	says(fake_relays_heard(), "setup; service s; worker a up; worker b down; table; listen ");
}
END_TEST

START_TEST(a_helper_whose_channel_was_lost_is_ended_and_made_anew)
{
	auto_world w = world_new(web);
	pid_t log;
	int pidfd;

	world_advance(&w, SECONDS(2));
	log = pid_of("slotd-log");
	world_kill(&w);
	pidfd = dup(fake_kept(KEEP_HELPER_PREFIX "slotd-log", KEEP_TAG_PIDFD));
	fake_keep_put(KEEP_HELPER_PREFIX "slotd-log", KEEP_TAG_PIDFD, pidfd);
	world_again(&w);
	ck_assert(fake_process_of(log)->ended);
	ck_assert_int_ne(pid_of("slotd-log"), 0);
	ck_assert_uint_eq(fake_streams(), 2);
}
END_TEST

START_TEST(relays_of_a_slotd_that_has_no_service_any_more_are_ended)
{
	auto_world w = world_new(TWO_SLOT);

	world_advance(&w, SECONDS(2));
	world_kill(&w);
	world_configure(&w, PROGRAMS);
	fake_helpers_stay = true; /* it is asked, and then killed */
	world_again(&w);
	ck_assert_int_eq(pid_of("slotd-relay"), 0);
	ck_assert_str_eq(world_state(&w, "a"), "RUNNING");
	fake_helpers_stay = false;
}
END_TEST

#define OTHER                                                                         \
	"[program:c]\ncommand=web_c\n[program:d]\ncommand=web_d\n"                    \
	"[service:t]\nlisten=unix:@DIR@/other.sock\nslot_a=c\nslot_b=d\nhealth=tcp\n" \
	"worker=unix:@DIR@/%(program_name)s.sock\n"

START_TEST(a_relay_forgets_a_service_that_is_no_more)
{
	auto_world w = world_new(TWO_SLOT OTHER);
	const char *heard;

	world_advance(&w, SECONDS(2));
	(void)fake_relays_heard();
	world_kill(&w);
	world_configure(&w, TWO_SLOT);
	world_again(&w);
	heard = fake_relays_heard();
	says(heard, "service_gone");
	says(heard, "worker_gone");
	ck_assert_ptr_null(strstr(heard, "listen_gone")); /* it goes with its service */
	ck_assert_str_eq(world_state(&w, "c"), "none");
}
END_TEST

START_TEST(a_relay_forgets_an_address_that_is_no_more)
{
	auto_world w = world_new(PROGRAMS SERVICE_OF("unix:@DIR@/one.sock, unix:@DIR@/two.sock"));
	const char *heard;

	world_advance(&w, SECONDS(2));
	(void)fake_relays_heard();
	world_kill(&w);
	world_configure(&w, PROGRAMS SERVICE_OF("unix:@DIR@/one.sock"));
	world_again(&w);
	heard = fake_relays_heard();
	says(heard, "listen_gone");
	ck_assert_ptr_null(strstr(heard, "service_gone"));
}
END_TEST

START_TEST(connections_go_on_being_placed_where_they_were)
{
	auto_world w = world_new(TWO_SLOT);

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	killed(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	ck_assert_int_eq(service_word(the_service(&w)).live, SLOT_B);
	ck_assert_str_eq(world_plan(&w), "");
}
END_TEST

START_TEST(a_deploy_whose_slotd_was_killed_ends_and_its_line_is_written)
{
	auto_world w = world_new(PROGRAMS SERVICE "prepare=true\nprepare_directory=@DIR@\n");

	world_advance(&w, SECONDS(2));
	fake_shell.stays = true;
	go(&w, SWAP_KIND_DEPLOY);
	ck_assert_ptr_nonnull(the_service(&w)->job);
	killed(&w);
	fake_shell.stays = false;
	says(fake_logged, "slotd was killed and started again, the deploy goes on");
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_A);
	says(content(&w, "state/history"), "slotd was killed");
	go(&w, SWAP_KIND_DEPLOY); /* and the next one is done */
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
}
END_TEST

START_TEST(a_swap_whose_slotd_was_killed_in_the_gate_is_done)
{
	auto_world w = world_new(TWO_SLOT);

	world_advance(&w, SECONDS(2));
	fake_probe_answers = false;
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, SECONDS(2));
	ck_assert_int_eq(the_service(&w)->swap.step, SWAP_GATE);
	killed(&w);
	fake_probe_answers = true;
	says(fake_logged, "slotd was killed and started again, the swap goes on");
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
}
END_TEST

/* ---- an upgrade: relays, slotd-log and slotd-keep are those of the new one */

static void ready(struct world *w, const char *name)
{
	struct message m;

	message_init(&m, MSG_READY, 0);
	message_put_text(&m, TAG_VERSION, "2");
	fake_helper_send(name, &m);
	world_settle(w);
}

START_TEST(an_upgrade_replaces_each_helper_when_its_successor_is_ready)
{
	auto_world w = world_new(TWO_SLOT);
	struct fake_process *keep, *relay;
	pid_t log;

	world_advance(&w, SECONDS(2));
	keep = fake_process_find("slotd-keep");
	relay = fake_process_find("slotd-relay");
	log = pid_of("slotd-log");
	(void)world_plan(&w);
	world_upgrade(&w);
	logged("upgraded: this is version");
	ck_assert_str_eq(world_plan(&w), ""); /* workers notice nothing */
	ck_assert_int_ne(pid_of("slotd-log"), log);
	ck_assert(!keep->ended && !relay->ended);
	ck_assert_int_ne(pid_of("slotd-keep"), keep->pid);
	ck_assert_int_ne(pid_of("slotd-relay"), relay->pid);
	ck_assert_ptr_null(strstr(fake_relays_heard(), "retire"));
	ready(&w, "slotd-relay");
	says(fake_relays_heard(), "retire");
	fake_process_exit(relay, 0); /* its last connection has ended */
	ready(&w, "slotd-keep");
	ck_assert(keep->ended);
	logged("slotd-keep has ended, as it should");
	logged("slotd-relay 1 has ended, as it should");
	world_kill(&w);
	world_again(&w); /* from the new slotd-keep */
	logged("took over 1 worker");
}
END_TEST

START_TEST(one_that_retires_outlives_a_slotd_that_is_killed)
{
	auto_world w = world_new(TWO_SLOT);
	struct fake_process *relay;

	world_advance(&w, SECONDS(2));
	relay = fake_process_find("slotd-relay");
	world_upgrade(&w);
	ready(&w, "slotd-relay");
	ready(&w, "slotd-keep");
	killed(&w);
	ck_assert(!relay->ended);
	says(fake_relays_heard(), "retire"); /* perhaps it was not told */
	fake_process_exit(relay, 0);
	world_advance(&w, SECONDS(2));
	logged("has ended, as it should");
	ck_assert_int_ne(pid_of("slotd-relay"), 0);
}
END_TEST

START_TEST(a_new_slotd_keep_that_fails_leaves_the_one_of_before)
{
	auto_world w = world_new(web);
	struct fake_process *keep;

	world_advance(&w, SECONDS(2));
	keep = fake_process_find("slotd-keep");
	world_upgrade(&w);
	fake_process_exit(fake_process_find("slotd-keep"), SIGSEGV);
	world_settle(&w);
	ck_assert(!keep->ended);
	ready(&w, "slotd-keep"); /* the one that was started again */
	world_advance(&w, SECONDS(2));
	world_kill(&w);
	world_again(&w);
	logged("took over 1 worker");
}
END_TEST

START_TEST(when_the_slotd_keep_of_before_dies_the_new_one_is_it)
{
	auto_world w = world_new(web);
	struct fake_process *keep;

	world_advance(&w, SECONDS(2));
	keep = fake_process_find("slotd-keep");
	world_upgrade(&w);
	fake_process_exit(keep, SIGSEGV);
	world_settle(&w);
	ck_assert_int_ne(pid_of("slotd-keep"), 0);
	world_kill(&w);
	world_again(&w);
	logged("took over 1 worker");
}
END_TEST

SUITE("succession", a_helper_that_dies_at_once_each_time_is_paced,
      what_is_missing_for_a_helper_is_said_and_tried_again, one_that_reads_nothing_is_ended,
      one_that_does_not_end_when_asked_to_is_ended, what_is_no_message_is_refused_and_said,
      helpers_that_hold_something_go_on_and_the_others_are_new,
      a_relay_that_died_meanwhile_is_replaced,
      a_helper_whose_channel_was_lost_is_ended_and_made_anew,
      relays_of_a_slotd_that_has_no_service_any_more_are_ended,
      a_relay_forgets_a_service_that_is_no_more, a_relay_forgets_an_address_that_is_no_more,
      connections_go_on_being_placed_where_they_were,
      a_deploy_whose_slotd_was_killed_ends_and_its_line_is_written,
      a_swap_whose_slotd_was_killed_in_the_gate_is_done,
      an_upgrade_replaces_each_helper_when_its_successor_is_ready,
      one_that_retires_outlives_a_slotd_that_is_killed,
      a_new_slotd_keep_that_fails_leaves_the_one_of_before,
      when_the_slotd_keep_of_before_dies_the_new_one_is_it);
