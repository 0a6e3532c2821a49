/* service/gate.c: health checks, for the gate of a swap and afterwards. */
#include <supervisor/service/gate.h>
#include <supervisor/service/gate_report.h>

#include "service_world.h"
#include "suite.h"

static const char by_probe[] = TWO_SLOT "health_interval=10\nhealth_fall=3\nhealth_timeout=5\n";

#define BY_COMMAND                                                                          \
	PROGRAMS "[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a\nslot_b=b\n"         \
		 "health=exec check\nhealth_interval=10\nhealth_fall=1\nhealth_timeout=5\n" \
		 "worker=unix:@DIR@/%(program_name)s.sock\n"

static bool is_healthy(struct world *w, const char *name)
{
	return world_process(w, name)->health.healthy;
}

START_TEST(a_worker_that_runs_is_checked_and_healthy_or_not)
{
	auto_world w = world_new(by_probe);

	ck_assert(!is_healthy(&w, "a"));
	world_advance(&w, SECONDS(2));
	ck_assert(is_healthy(&w, "a"));
	logged("s: a is healthy");
	fake_healthy = false;
	world_advance(&w, SECONDS(20));
	ck_assert(is_healthy(&w, "a")); /* health_fall=3: two may fail */
	world_advance(&w, SECONDS(11));
	ck_assert(!is_healthy(&w, "a"));
	logged("s: a is unhealthy: answered 500 to GET /");
	ck_assert_str_eq(world_process(&w, "a")->health_text, "answered 500 to GET /");
	fake_healthy = true;
	world_advance(&w, SECONDS(11));
	ck_assert(is_healthy(&w, "a"));
	ck_assert_str_eq(world_process(&w, "a")->health_text, "");
}
END_TEST

START_TEST(an_idle_slot_is_not_checked_but_for_a_gate)
{
	auto_world w = world_new(by_probe);

	world_advance(&w, SECONDS(2));
	process_start(world_process(&w, "b"));
	world_advance(&w, SECONDS(60));
	ck_assert_str_eq(world_state(&w, "b"), "RUNNING");
	ck_assert(!is_healthy(&w, "b"));
	go(&w, SWAP_KIND_SWAP);
	finish(&w);
	ck_assert(is_healthy(&w, "b"));
}
END_TEST

START_TEST(a_probe_that_dies_is_no_answer)
{
	auto_world w = world_new(TWO_SLOT "health_interval=10\nhealth_fall=1\n");

	world_advance(&w, SECONDS(2));
	fake_probe_answers = false;
	world_advance(&w, SECONDS(10));
	ck_assert(world_process(&w, "a")->probing);
	fake_process_exit(fake_process_find("slotd-probe"), 9);
	world_settle(&w);
	ck_assert(!world_process(&w, "a")->probing);
	ck_assert(is_healthy(&w, "a"));
	fake_probe_answers = true;
	fake_healthy = false;
	world_advance(&w, SECONDS(12)); /* its successor is asked again */
	ck_assert(!is_healthy(&w, "a"));
}
END_TEST

START_TEST(a_probe_that_hangs_is_killed)
{
	auto_world w = world_new(by_probe);

	world_advance(&w, SECONDS(2));
	fake_probe_answers = false;
	world_advance(&w, SECONDS(10 + 9));
	not_logged("does not answer");
	world_advance(&w, SECONDS(2));
	logged("slotd-probe (pid ");
	logged("does not answer: restarting it");
	fake_probe_answers = true;
	world_advance(&w, SECONDS(20));
	ck_assert(is_healthy(&w, "a"));
}
END_TEST

START_TEST(an_answer_about_the_run_before_is_void)
{
	auto_world w = world_new(by_probe);
	struct process *a = world_process(&w, "a");

	fake_probe_answers = false;
	world_advance(&w, SECONDS(2));
	ck_assert(a->probing);
	world_exit(&w, "web_a", 1);
	ck_assert(!a->probing);
	ck_assert(!is_healthy(&w, "a"));
	fake_probe_answers = true;
	world_advance(&w, SECONDS(2));
	ck_assert(is_healthy(&w, "a"));
}
END_TEST

/* ---- by a command */

START_TEST(a_command_that_ends_with_0_is_a_pass)
{
	auto_world w = world_new(BY_COMMAND);

	world_advance(&w, SECONDS(2));
	ck_assert(is_healthy(&w, "a"));
	ck_assert_uint_gt(fake_shell.runs, 0);
}
END_TEST

START_TEST(one_that_fails_is_told_with_its_first_line)
{
	auto_world w = world_new(BY_COMMAND);

	world_advance(&w, SECONDS(2));
	fake_shell = (struct fake_shell){.says = "no database\nand more\n", .code = 2};
	world_advance(&w, SECONDS(11));
	ck_assert(!is_healthy(&w, "a"));
	ck_assert_str_eq(world_process(&w, "a")->health_text,
			 "failed its check: the command ended with exit status 2\nno database");
}
END_TEST

START_TEST(one_that_takes_too_long_is_killed_and_has_failed)
{
	auto_world w = world_new(BY_COMMAND);

	world_advance(&w, SECONDS(2));
	fake_shell.stays = true;
	world_advance(&w, SECONDS(11));
	ck_assert(is_healthy(&w, "a"));
	ck_assert_ptr_nonnull(fake_process_find("sh"));
	world_advance(&w, MSECONDS(4500));
	says(world_process(&w, "a")->health_text, "the command took longer than 5.0 s");
	ck_assert(!is_healthy(&w, "a"));
	world_exit(&w, "web_a", 1); /* a check that runs for it ends with it */
	world_settle(&w);
	ck_assert_ptr_null(fake_process_find("sh"));
}
END_TEST

START_TEST(one_that_cannot_be_made_is_no_failure_and_said)
{
	auto_world w = world_new(BY_COMMAND);

	world_advance(&w, SECONDS(2));
	fake_refusal = -EAGAIN;
	world_advance(&w, SECONDS(30));
	fake_refusal = 0;
	logged("s: a is not checked: Resource temporarily unavailable; trying again");
	ck_assert(is_healthy(&w, "a"));
}
END_TEST

/* ---- the report */

START_TEST(the_report_names_the_one_that_explains_most)
{
	auto_world w = world_new("[program:a]\ncommand=web_a\n[program:b]\ncommand=web_b\n"
				 "numprocs=3\nprocess_name=b%(process_num)d\n"
				 "[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a\nslot_b=b\n"
				 "worker=unix:@DIR@/%(process_num)d.%(group_name)s\nhealth=tcp\n"
				 "ready_timeout=3\n");
	char text[256];

	world_advance(&w, SECONDS(2));
	fake_probe_answers = false;
	go(&w, SWAP_KIND_SWAP);
	world_advance(&w, MSECONDS(1200));
	ck_assert_str_eq(gate_report(the_service(&w), text, sizeof(text)),
			 "b0 was not checked in time; 2 more like it");
	fake_process_exit(fake_process_find("web_b"), 7 << 8);
	world_settle(&w);
	ck_assert_str_eq(gate_report(the_service(&w), text, sizeof(text)),
			 "b2 is STARTING; 2 more like it");
	fake_process_exit(fake_process_find("web_b"), 7 << 8);
	world_settle(&w);
	ck_assert_str_eq(gate_report(the_service(&w), text, sizeof(text)),
			 "b2 is BACKOFF: it ended before startsecs, exit status 7; 2 more like it");
	ck_assert_str_eq(the_service(&w)->culprit->config->name, "b2");
	fake_probe_answers = true;
	finish(&w);
}
END_TEST

START_TEST(a_share_of_the_workers_is_enough_where_min_ready_says_so)
{
	auto_world w = world_new("[program:a]\ncommand=web_a\n[program:b]\ncommand=web_b\n"
				 "[program:bad]\ncommand=bad\nstartretries=0\n"
				 "[service:s]\nlisten=unix:@DIR@/public.sock\nslot_a=a\n"
				 "slot_b=b,bad\nmin_ready=1\nhealth=tcp\n"
				 "worker=unix:@DIR@/%(program_name)s.sock\n");

	world_advance(&w, SECONDS(2));
	go(&w, SWAP_KIND_SWAP);
	world_exit(&w, "bad", 1);
	finish(&w);
	ck_assert_int_eq(service_live(the_service(&w)), SLOT_B);
	ck_assert_str_eq(world_state(&w, "bad"), "FATAL");
}
END_TEST

SUITE("gate", a_worker_that_runs_is_checked_and_healthy_or_not,
      an_idle_slot_is_not_checked_but_for_a_gate, a_probe_that_dies_is_no_answer,
      a_probe_that_hangs_is_killed, an_answer_about_the_run_before_is_void,
      a_command_that_ends_with_0_is_a_pass, one_that_fails_is_told_with_its_first_line,
      one_that_takes_too_long_is_killed_and_has_failed,
      one_that_cannot_be_made_is_no_failure_and_said, the_report_names_the_one_that_explains_most,
      a_share_of_the_workers_is_enough_where_min_ready_says_so);
